import { expect } from "vitest";
import { lobbyOf, type Player } from "./player.ts";

/**
 * Three players meet, are connected by the sidecar on this UDP port, and part: by the plain path, or by the
 * direct one.
 */
export async function carryMediation(
  base: URL,
  { direct, udpPort }: { direct: boolean; udpPort: number },
): Promise<void> {
  const { lobbyId, host, guests, all } = await lobbyOf(3, base, { direct });
  host.chat(lobbyId, "Ready?");
  for (const player of all) {
    const { message } = await player.hears("lobby_messaging_received");
    expect(message).toMatchObject({ senderName: "Host", message: "Ready?" });
  }
  expect(await host.start(lobbyId)).toMatchObject({ status: 200, body: null });
  for (const player of all) {
    expect(await player.hears("ptpMediation_send")).toMatchObject({ port: udpPort });
  }
  const endpoint = (player: Player) => ({ ip: "127.0.0.1", port: player.udp?.address().port });
  const peers = async (player: Player) => (await player.hears("ptpMediation_peersConnection_start")).peers;
  expect(await peers(host)).toEqual(guests.map(endpoint));
  for (const guest of guests) expect(await peers(guest)).toEqual([endpoint(host)]);
  for (const player of all) player.reportsSuccess();
  for (const player of all) {
    await player.hears("lobby_closed");
    expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
  }
  await Promise.all(all.map((player) => player.leave()));
}
