/** The whole life of a lobby, as docs/protocol.md has it. */
import type { Socket } from "node:dgram";
import { connectHttp, type Http } from "../http.ts";
import { atATime, type Load } from "../load.ts";
import { meet, type Path, paths, startMediation } from "../paths.ts";
import { encode, Player } from "../player.ts";
import type { Subject } from "../subject.ts";
import { openUdp } from "../udp.ts";
import { atOnce, floorConnect } from "./connect.ts";

/** How many lives make a round, and how many go on at a time. Those of large lobbies have enough going on by themselves. */
const sizes = [
  { size: 2, round: 500, lives: atOnce, most: { plain: 2.2, direct: 1.6 } },
  { size: 8, round: 120, lives: 4, most: null },
  { size: 64, round: 16, lives: 2, most: null },
];

/** What the messages of the smallest life cost where nothing is done with them: no life can cost less. */
export const bareLife: Load = {
  name: "life-2/bare",
  title: "the messages of a 2-member life, through a Worker and an object that do nothing else",
  subject: "floor",
  round: 500,
  clients: atOnce * 2,
  held: 0,
  floor: { name: floorConnect.name, times: 2 },
  target: [],
  open: async ({ url }) => {
    const http = connectHttp(url);
    let table = 0;
    return {
      drive: async (count) => {
        const waits = await atATime(atOnce, count, () => passMessages(url, http, `/table/${table++}`));
        return { operations: count, waits };
      },
      close: async () => http.close(),
    };
  },
};

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

/** Frames of the lengths that those of a life have. */
const frame = (method: string, bytes: number) => encode(method, { of: "0".repeat(bytes) });
const joined = frame("lobby_peerConnect", 30);
const asked = frame("ptpMediation_send", 5);
const introduced = frame("ptpMediation_peersConnection_start", 35);
const over = [frame("ptpMediation_success", 0), frame("lobby_closed", 30)];

/** Two clients, the three requests of the host and the guest, the sidecar's post, and the two reports of success. */
async function passMessages(url: URL, http: Http, table: string): Promise<void> {
  const players = await Promise.all([Player.connect(url, table), Player.connect(url, table)]);
  const all = (method: string) => Promise.all(players.map((player) => player.hears(method)));
  await http.post(table, []);
  await Promise.all([http.post(table, [joined]), all("lobby_peerConnect")]);
  await Promise.all([http.post(table, [asked]), all("ptpMediation_send")]);
  await Promise.all([http.post(table, [introduced]), all("ptpMediation_peersConnection_start")]);
  const [host, guest] = players;
  host.says("[]");
  guest.says(JSON.stringify(over));
  await all("lobby_closed");
  await Promise.all(players.map((player) => player.leave()));
}

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
