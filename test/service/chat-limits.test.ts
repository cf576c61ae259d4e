/** All lobbies of a home share a thread: what one of them may deliver is bounded. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, rollCall } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null });
});
afterAll(() => server.stop());

for (const direct of [false, true]) {
  test(`who floods a large lobby is heard for a while, and the others all the time (${direct ? "direct" : "plain"})`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(20, server.url, { direct });
    const [flooder, ...others] = guests;
    if (!flooder) throw new Error("no guest");
    const said = Array.from({ length: sharedLimits.frameBurst - 10 }, (_, i) => `Flood ${i}`);
    const began = Date.now();
    for (const message of said) flooder.chat(lobbyId, message);
    await flooder.settled();
    for (const player of [...others, host]) await rollCall(lobbyId, player, host, flooder);
    const heard = host.chats.filter((message) => String(message).startsWith("Flood"));
    expect(heard.slice(0, sharedLimits.chatBurst)).toEqual(said.slice(0, sharedLimits.chatBurst));
    const earned = ((Date.now() - began) / 1000) * (sharedLimits.chatDeliveriesPerSecond / 20 ** 2);
    expect(heard.length).toBeLessThanOrEqual(sharedLimits.chatBurst + earned + 1);
    expect(flooder.chats.filter((message) => String(message).startsWith("Flood"))).toEqual(heard);
    expect(flooder.socket.readyState).toBe(flooder.socket.OPEN);
  });
}
