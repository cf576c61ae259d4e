/** A session that has ended, and whose socket the platform keeps. Nobody can make the platform do that at will, so the socket stands in for one. */
import { expect, test } from "vitest";

type Session = { readonly isOver: boolean; end(): void };
type Sessions = {
  Session: {
    admit(socket: object, token: string, id: string): Session;
    revive(socket: object): Session | null;
  };
};
// The Worker's own modules are of another program.
const { Session }: Sessions = await import(new URL("../../worker/sessions/session.ts", import.meta.url).href);

/** A socket that keeps what is attached to it. */
function standIn() {
  let kept: unknown = null;
  return {
    readyState: WebSocket.OPEN as number,
    serializeAttachment: (attachment: unknown) => {
      kept = structuredClone(attachment);
    },
    deserializeAttachment: () => kept,
  };
}

for (const state of ["CLOSING", "CLOSED"] as const) {
  test(`a session that has ended is over after a sleep, also if its socket was ${state} and is kept`, async () => {
    const socket = standIn();
    const session = Session.admit(socket, "token", "client");
    await Promise.resolve();
    expect(Session.revive(socket)?.isOver).toBe(false);
    socket.readyState = WebSocket[state];
    session.end();
    await Promise.resolve();
    socket.readyState = WebSocket.OPEN;
    expect(Session.revive(socket)?.isOver).toBe(true);
  });
}
