/** What one message to many costs the object that holds their sockets: it is written as text once. */
import { expect, test, vi } from "vitest";
import type { LobbyMessage } from "../../core/lobby/message.ts";
import { decode } from "../../measure/kit/wire.ts";
import { lobbyId } from "./a-lobby.ts";

type Delivery = { lobbyId: string; incarnation: string; to: string[]; message?: LobbyMessage };
type Session = { membership: object };
type Connections = {
  admit(socket: object, token: string, clientId: string, arrival: object): void;
  get(clientId: string): Session | undefined;
  deliver(delivery: Delivery): { clientId: string }[];
};
/** The Worker's part as it is used here. It is imported by address because its types are those of Workers. */
const worker: { Connections: new (ctx: object, alarm: object, events: object) => Connections } = await import(
  new URL("../../worker/sessions/connections.ts", import.meta.url).href
);

/** An object's connections, and what was sent on each. */
function connectionsOf(...clientIds: string[]) {
  vi.stubGlobal("WebSocketRequestResponsePair", class {});
  const nothing = () => {};
  const platform = { getWebSockets: () => [], acceptWebSocket: nothing, setWebSocketAutoResponse: nothing };
  const connections = new worker.Connections(platform, {}, { delivered: nothing });
  const sent = clientIds.map((clientId) => {
    const texts: string[] = [];
    const socket = {
      readyState: WebSocket.OPEN,
      serializeAttachment: nothing,
      send: (text: string) => texts.push(text),
    };
    connections.admit(socket, "a token", clientId, {});
    const membership = { lobbyId, lobbyName: "Tea", incarnation: "first", requestId: "r" };
    Object.assign(connections.get(clientId) ?? {}, { membership });
    texts.length = 0;
    return texts;
  });
  return { connections, sent };
}

/** A chat message that counts how often its text is read. */
function countedChat() {
  const read = { times: 0 };
  const message: LobbyMessage = {
    type: "chat",
    at: 1,
    from: "Ann",
    get text() {
      read.times += 1;
      return "hi";
    },
  };
  return { message, read };
}

test("a chat message to 64 members of an object is encoded once", () => {
  const to = Array.from({ length: 64 }, (_, i) => `client ${i}`);
  const { connections, sent } = connectionsOf(...to);
  const { message, read } = countedChat();
  expect(connections.deliver({ lobbyId, incarnation: "first", to, message })).toEqual([]);
  expect(read.times).toBe(1);
  expect(sent.map((texts) => texts.length)).toEqual(to.map(() => 1));
  expect(new Set(sent.flat()).size).toBe(1);
  expect(decode(sent[0]?.[0] ?? "")).toMatchObject({ payload: { lobbyId, message: { message: "hi" } } });
});

test("a delivery without a message says nothing, and still finds who is not there", () => {
  const { connections, sent } = connectionsOf("Ann");
  const strays = connections.deliver({ lobbyId, incarnation: "first", to: ["Ann", "Ben"] });
  expect(strays).toEqual([{ lobbyId, incarnation: "first", clientId: "Ben" }]);
  expect(sent).toEqual([[]]);
});
