/** How long two players wait from the start of the mediation until both know where to connect to. */
import { connectHttp, type Http } from "../http.ts";
import { atATime, type Load } from "../load.ts";
import { meet, type Party, paths, startMediation } from "../paths.ts";
import { encode } from "../player.ts";
import { openUdp } from "../udp.ts";

export const mediations: Load[] = paths.map((path) => ({
  name: `mediation/${path}`,
  title: `from the POST of ptp/start to the last ptpMediation_peersConnection_start, 2 members, ${path} path`,
  subject: "server",
  round: 150,
  clients: 300,
  held: 0,
  floor: { name: "floor/request-alone", times: 1 },
  target: [
    { of: "p50Ms", most: 5 },
    { of: "p99Ms", most: 25 },
  ],
  open: async ({ url, udpPort }) => {
    const http = connectHttp(url);
    const udp = await openUdp();
    const ready: Party[] = [];
    const done: Party[] = [];
    const leave = async () => {
      const players = done.splice(0).flatMap(({ members }) => members);
      await Promise.all(players.map((player) => player.leave()));
    };
    const mediate = async (http: Http) => {
      const party = ready.pop();
      if (!party) throw new Error("No lobby is left whose mediation could be started.");
      done.push(party);
      const parts = party.members.map(async (player) => {
        await player.hears("ptpMediation_send");
        udp.send(encode("ptpMediation_connect", { token: player.token }), udpPort, "127.0.0.1");
        await player.hears("ptpMediation_peersConnection_start");
      });
      await Promise.all([startMediation(http, party), ...parts]);
    };
    return {
      prepare: async (count) => {
        await leave();
        await atATime(4, count, async () => ready.push(await meet(url, http, path, 2)));
      },
      // One at a time: this is about what a player waits for, not about a busy server.
      drive: async (count) => ({ operations: count, waits: await atATime(1, count, () => mediate(http)) }),
      close: async () => {
        await leave();
        http.close();
        udp.close();
      },
    };
  },
}));
