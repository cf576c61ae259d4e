/** What a listener of the SDK has heard, to be waited for. */
import { expect } from "vitest";
import type { Link, LinkEvents, Lobby, LobbyEvents } from "../../client/index.ts";

type Listen<Payload> = (listener: (payload: Payload) => void) => () => void;

/** The names of all in a lobby. */
export function names({ members }: Lobby): string[] {
  return members.map(({ name }) => name);
}

/** The next such event in a lobby. */
export function next<E extends keyof LobbyEvents>(lobby: Lobby, event: E): Promise<LobbyEvents[E]> {
  return once<LobbyEvents[E]>((listener) => lobby.on(event, listener));
}

/** The next such event on a link. */
export function nextOn<E extends keyof LinkEvents>(link: Link, event: E): Promise<LinkEvents[E]> {
  return once<LinkEvents[E]>((listener) => link.on(event, listener));
}

function once<Payload>(listen: Listen<Payload>): Promise<Payload> {
  return new Promise((resolve) => {
    const forget = listen((payload) => {
      forget();
      resolve(payload);
    });
  });
}

/** Everything of these events in a lobby, in order, as `[event, payload]`. */
export function record<E extends keyof LobbyEvents>(lobby: Lobby, ...events: E[]): [E, LobbyEvents[E]][] {
  const heard: [E, LobbyEvents[E]][] = [];
  for (const event of events) lobby.on(event, (payload) => heard.push([event, payload]));
  return heard;
}

/** The attempt fails with this code, and a sentence for the player. */
export async function expectError(attempt: Promise<unknown>, code: string, more: object = {}): Promise<void> {
  const message = expect.stringMatching(/^\w.+\.$/);
  await expect(attempt).rejects.toMatchObject({ name: "OrionError", code, message, ...more });
}
