/** Connecting, being greeted, and leaving. */
import { atATime, type Load, sessionOf } from "../load.ts";
import { hostPath, paths } from "../paths.ts";
import { Player } from "../player.ts";

/**
 * Operations at a time, here and wherever an operation is compared with the floor's connect: a driver that does one
 * after another wakes the server up for each, which costs it twice the CPU.
 */
export const atOnce = 16;

/** What most operations are compared with. */
export const floorConnect: Load = {
  name: "floor/connect",
  title: "floor: connect, one message, disconnect",
  subject: "floor",
  round: 2_500,
  clients: atOnce,
  held: 0,
  floor: null,
  target: [],
  open: async ({ url }) => sessionOf((count) => connect(url, "/room/1", count)),
};

export const connects: Load[] = paths.map((path) => ({
  ...floorConnect,
  name: `connect/${path}`,
  title: `connect, token, disconnect, ${path} path`,
  subject: "server",
  floor: { name: floorConnect.name, times: 1 },
  open: async ({ url }) => sessionOf((count) => connect(url, hostPath[path], count)),
}));

async function connect(url: URL, path: string, count: number) {
  const waits = await atATime(atOnce, count, async () => (await Player.connect(url, path)).leave());
  return { operations: count, waits };
}
