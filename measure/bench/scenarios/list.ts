/** `GET /lobbies`, while many public lobbies are open. */
import { gather } from "../crowd.ts";
import { connectHttp } from "../http.ts";
import { atATime, heldIn, type Load } from "../load.ts";
import { atOnce } from "./connect.ts";

const sizes = [
  { listed: 200, round: 4_000, most: 150 },
  { listed: 5_000, round: 300, most: null },
];

export const lists: Load[] = sizes.map(({ listed, round, most }) => ({
  name: `list-${listed}`,
  title: `GET /lobbies with ${listed.toLocaleString("en").replace(",", " ")} public lobbies, ${atOnce} at a time`,
  subject: "server",
  round,
  clients: atOnce,
  held: listed,
  floor: { name: "floor/request", times: 1 },
  target: most === null ? [] : [{ of: "cpuUs", most }],
  open: async (subject, extent) => {
    const lobbies = heldIn(extent, listed);
    const hosts = gather(subject, { path: "/lobbies", hosts: "public" });
    await hosts.grow(lobbies);
    const http = connectHttp(subject.url);
    let answerBytes = 0;
    return {
      drive: async (count) => {
        const waits = await atATime(atOnce, count, async () => {
          answerBytes = (await http.get("/lobbies")).length;
        });
        return { operations: count, waits };
      },
      more: async () => ({ lobbies, answerBytes }),
      close: async () => {
        http.close();
        await hosts.leave();
      },
    };
  },
}));
