/** The whole life of a lobby, as docs/protocol.md has it. */
import { randomUUID } from "node:crypto";
import type { Socket } from "node:dgram";
import { connectHttp, type Http } from "../http.ts";
import { atATime, type Load } from "../load.ts";
import { meet, type Path, paths, startMediation } from "../paths.ts";
import { encode, Player } from "../player.ts";
import type { Subject } from "../subject.ts";
import { openUdp } from "../udp.ts";
import { atOnce, floorConnect } from "./connect.ts";

/** What the smallest life is compared with. */
const freshLife = "floor/life-2";

/**
 * How many lives make a round, how many go on at a time, and their floor: of the smallest life its own messages in a new object
 * for each, of the others a connection for each member.
 */
const sizes = [
  {
    size: 2,
    round: 500,
    lives: atOnce,
    floor: { name: freshLife, times: 1 },
    most: { plain: 1.8, direct: 1.3 },
  },
  { size: 8, round: 120, lives: 4, floor: { name: floorConnect.name, times: 8 }, most: null },
  { size: 64, round: 16, lives: 2, floor: { name: floorConnect.name, times: 64 }, most: null },
];

/** What the messages of the smallest life cost where nothing is done with them: no life can cost less. */
function messagesOnly(
  where: string,
): Pick<Load, "subject" | "round" | "clients" | "held" | "target" | "open"> {
  return {
    subject: "floor",
    round: 500,
    clients: atOnce * 2,
    held: 0,
    target: [],
    open: async ({ url }) => {
      const http = connectHttp(url);
      return {
        drive: async (count) => {
          const pass = () => passMessages(url, http, `/${where}/${randomUUID()}`);
          return { operations: count, waits: await atATime(atOnce, count, pass) };
        },
        close: async () => http.close(),
      };
    },
  };
}

/** The floor of the smallest life. */
export const floorLife: Load = {
  ...messagesOnly("fresh"),
  name: freshLife,
  title: "floor: the messages of a 2-member life, each through a new object that does nothing else",
  floor: null,
};

/** Shows how much of that is for the new object. */
export const bareLife: Load = {
  ...messagesOnly("table"),
  name: "life-2/bare",
  title: "the messages of a 2-member life, all through one object that does nothing else",
  floor: { name: freshLife, times: 1 },
};

export const lives: Load[] = sizes.flatMap(({ size, round, lives, floor, most }) =>
  paths.map(
    (path): Load => ({
      name: `life-${size}/${path}`,
      title: `life of a ${size}-member lobby, ${path} path`,
      subject: "server",
      round,
      clients: lives * size,
      held: 0,
      floor,
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
