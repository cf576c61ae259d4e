/** The whole life of a lobby, as docs/protocol.md has it. */
import type { Socket } from "node:dgram";
import { connectHttp, type Http } from "../http.ts";
import { atATime, type Load } from "../load.ts";
import { meet, type Path, paths, startMediation } from "../paths.ts";
import { encode, type Player } from "../player.ts";
import type { Subject } from "../subject.ts";
import { openUdp } from "../udp.ts";
import { atOnce, floorConnect } from "./connect.ts";

/** How many lives make a round, and how many go on at a time. Those of large lobbies have enough going on by themselves. */
const sizes = [
  { size: 2, round: 500, lives: atOnce, most: { plain: 2.2, direct: 1.6 } },
  { size: 8, round: 120, lives: 4, most: null },
  { size: 64, round: 16, lives: 2, most: null },
];

export const lives: Load[] = sizes.flatMap(({ size, round, lives, most }) =>
  paths.map(
    (path): Load => ({
      name: `life-${size}/${path}`,
      title: `life of a ${size}-member lobby, ${path} path`,
      subject: "server",
      round,
      clients: lives * size,
      held: 0,
      floor: { name: floorConnect.name, times: size },
      target: most ? [{ of: "ratio", most: most[path] }] : [],
      open: async (subject) => {
        const http = connectHttp(subject.url);
        const udp = await openUdp();
        return {
          drive: async (count) => {
            const waits = await atATime(lives, count, () => live(subject, http, udp, path, size));
            return { operations: count, waits };
          },
          close: async () => {
            http.close();
            udp.close();
          },
        };
      },
    }),
  ),
);

async function live(subject: Subject, http: Http, udp: Socket, path: Path, size: number): Promise<void> {
  const party = await meet(subject.url, http, path, size);
  const parts = party.members.map((player) => takePart(player, udp, subject.udpPort));
  await Promise.all([startMediation(http, party), ...parts]);
}

/** What each member does from the start of the mediation to the end. */
async function takePart(player: Player, udp: Socket, port: number): Promise<void> {
  await player.hears("ptpMediation_send");
  udp.send(encode("ptpMediation_connect", { token: player.token }), port, "127.0.0.1");
  await player.hears("ptpMediation_peersConnection_start");
  player.says(encode("ptpMediation_peersConnection_success", { token: player.token }));
  await player.hears("ptpMediation_success");
  await player.hears("lobby_closed");
  await player.leave();
}
