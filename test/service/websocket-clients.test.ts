/** WebSocket libraries differ in what they offer, and in the frames they send. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** Opens a WebSocket, and waits for its first message. */
async function open(path: string, protocols: string[], options = {}): Promise<WebSocket> {
  const address = new URL(path, server.url.href.replace(/^http/, "ws"));
  const socket = new WebSocket(address, protocols, options);
  await new Promise((resolve, reject) => socket.once("message", resolve).once("error", reject));
  return socket;
}

for (const path of ["/", "/lobbies", "/lobbies/ABCDE"]) {
  test(`compression is not agreed on, whatever a client offers (${path})`, async () => {
    for (const perMessageDeflate of [true, { serverNoContextTakeover: true, clientMaxWindowBits: 9 }]) {
      const socket = await open(path, [], { perMessageDeflate });
      expect(socket.extensions).toBe("");
      socket.close();
    }
  });

  test(`a client that offers subprotocols is given the first of them (${path})`, async () => {
    for (const protocols of [["orion"], ["binary", "orion"], ["v1.game-x!"]]) {
      const socket = await open(path, protocols);
      expect(socket.protocol).toBe(protocols[0]);
      socket.close();
    }
    expect((await open(path, [])).protocol).toBe("");
  });
}

test("a frame that claims to be compressed breaks the connection, and nobody else's", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const liar = await Player.connect(server.url);
  // FIN and RSV1, text, masked with zeros: a deflated "hello".
  const deflated = Buffer.from("ca48cdc9c907000000ffff", "hex");
  const frame = Buffer.concat([Buffer.from([0xc1, 0x80 | deflated.length, 0, 0, 0, 0]), deflated]);
  Object(liar.socket)._socket.write(frame);
  await vi.waitFor(async () => expectRefused(await liar.host(), 400, "invalid_token"));
  await rollCall(lobbyId, host, ...guests);
});

for (const direct of [false, true]) {
  const path = direct ? "direct" : "plain";

  test(`a client that sends its texts in binary frames chats, and is answered its pings (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct });
    const [guest] = guests;
    if (!guest) throw new Error("no guest");
    const say = (text: string) => guest.socket.send(Buffer.from(text), { binary: true });
    say(encode("lobby_messaging_send", { token: guest.token, lobbyId, message: "Grüße aus Godot" }));
    await host.hearsChat("Grüße aus Godot");
    const pong = new Promise((resolve) => {
      guest.socket.on("message", (data) => data.toString() === "pong" && resolve(true));
    });
    say("ping");
    expect(await pong).toBe(true);
  });

  test(`bytes in a binary frame that are not a message are ignored (${path})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct });
    for (const bytes of [[], [0xff, 0xfe], [0xc3], [0], [0xef, 0xbb, 0xbf], [0xed, 0xa0, 0xbd]]) {
      guests[0]?.socket.send(Buffer.from(bytes), { binary: true });
    }
    await rollCall(lobbyId, host, ...guests);
  });
}
