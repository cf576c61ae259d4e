/** The floor for HTTP: a request through a Worker into an object and back. */
import { connectHttp } from "../http.ts";
import { atATime, type Load } from "../load.ts";
import { atOnce } from "./connect.ts";

export const floorRequests: Load[] = [
  { name: "floor/request", title: `floor: a request, ${atOnce} at a time`, atOnce, round: 5_000 },
  { name: "floor/request-alone", title: "floor: a request, one at a time", atOnce: 1, round: 1_000 },
].map(({ name, title, atOnce, round }) => ({
  name,
  title,
  subject: "floor",
  round,
  clients: atOnce,
  held: 0,
  floor: null,
  target: [],
  open: async ({ url }) => {
    const http = connectHttp(url);
    return {
      drive: async (count) => {
        const waits = await atATime(atOnce, count, () => http.post("/room/requests", {}));
        return { operations: count, waits };
      },
      close: async () => http.close(),
    };
  },
}));
