/** What a listener of the SDK has heard, to be waited for. */
import { expect } from "vitest";
import type { Lobby, LobbyEvents } from "../../client/browser.ts";

type Listen<Events> = <E extends keyof Events>(
  event: E,
  listener: (payload: Events[E]) => void,
) => () => void;

/** The next such event in a lobby. */
export function next<Events extends LobbyEvents, E extends keyof Events>(
  lobby: Lobby<Events>,
  event: E,
): Promise<Events[E]> {
  return nextOf<Events, E>((event, listener) => lobby.on(event, listener), event);
}

/** The next such event, by what is called to listen. */
export function nextOf<Events, E extends keyof Events>(listen: Listen<Events>, event: E): Promise<Events[E]> {
  return new Promise((resolve) => {
    const forget = listen(event, (payload) => {
      forget();
      resolve(payload);
    });
  });
}

/** Everything of these events in a lobby, in order, as `[event, payload]`. */
export function record<Events extends LobbyEvents, E extends keyof Events>(
  lobby: Lobby<Events>,
  ...events: E[]
): [E, Events[E]][] {
  const heard: [E, Events[E]][] = [];
  for (const event of events) lobby.on(event, (payload) => heard.push([event, payload]));
  return heard;
}

/** The attempt fails with this code, and a sentence for the player. */
export async function expectError(attempt: Promise<unknown>, code: string, more: object = {}): Promise<void> {
  const message = expect.stringMatching(/^\w.+\.$/);
  await expect(attempt).rejects.toMatchObject({ name: "OrionError", code, message, ...more });
}
