import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, type Player } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  // Several lounges, so that a lobby of 64 calls others. Each member in a lounge of its own: test/bench/bill.test.ts.
  server = await startTestServer({ vars: { clientsPerLounge: 16 } });
});
afterAll(() => server.stop());

for (const direct of [false, true]) {
  for (const size of [2, 64]) {
    test(`${size} players meet, connect and part, by the ${direct ? "direct" : "plain"} path`, async () => {
      const { lobbyId, host, guests, all } = await lobbyOf(size, server.url, { direct });
      guests.at(-1)?.chat(lobbyId, "Is everybody there?");
      for (const player of all) {
        const { message } = await player.hears("lobby_messaging_received");
        expect(message).toMatchObject({ senderName: `Guest ${size - 1}`, message: "Is everybody there?" });
      }

      expect((await host.start(lobbyId)).status).toBe(200);
      const peers = async (player: Player) =>
        (await player.hears("ptpMediation_peersConnection_start")).peers;
      const endpoint = (player: Player) => ({ ip: "127.0.0.1", port: player.udp?.address().port });
      expect(await peers(host)).toEqual(guests.map(endpoint));
      for (const guest of guests) expect(await peers(guest)).toEqual([endpoint(host)]);

      for (const player of all) player.reportsSuccess();
      for (const player of all) {
        expect(await player.hears("ptpMediation_success")).toEqual({});
        expect(await player.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
        expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
      }
      await Promise.all(all.map((player) => player.leave()));
    });
  }
}
