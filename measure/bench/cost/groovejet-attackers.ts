/** What one address can cost by groovejet's rooms (`attackers.ts` has the other ways). The others have no address here. */
import { setTimeout as wait } from "node:timers/promises";
import { drawRoom, GroovejetClient } from "../../kit/groovejet-client.ts";
import { apartMs } from "./assumed.ts";
import { attacker, type Means, times } from "./means.ts";

const connect = (server: URL, headers: Record<string, string> = attacker) =>
  GroovejetClient.connect(server, "/groovejet", headers);
const byQuery = (server: URL, query: string, headers: Record<string, string> = attacker) =>
  GroovejetClient.connect(server, `/?${query}`, headers);

/** A room of other people, each held by another object. */
async function roomOf(server: URL, guests: number): Promise<{ host: GroovejetClient; code: string }> {
  const host = await connect(server, {});
  const code = await host.createRoom();
  for (let i = 0; i < guests; i++) await (await connect(server, {})).joinRoom(code);
  return { host, code };
}

/** What is paced has gone by then. */
const pacedMs = 2_500;

export const groovejetMeans: readonly Means[] = [
  {
    name: "draw a code, and open its room, and leave it",
    apart: true,
    run: async ({ server, books }) => {
      await books.reset();
      return await times(10, async () => {
        const host = await byQuery(server, `code=${await drawRoom(server)}&host`);
        await host.leave();
        await wait(4 * apartMs);
        // The room ends later, by its alarm.
        await books.later(2.1);
      });
    },
  },
  {
    name: "create a room, and vanish",
    apart: true,
    run: async ({ server, books }) => {
      await books.reset();
      return await times(10, async () => {
        const host = await connect(server);
        await host.createRoom();
        host.cut();
        await wait(4 * apartMs);
        await books.later(2.1);
      });
    },
  },
  ...[0, 40].map(
    (objects): Means => ({
      name: `join a room with guests in ${objects} objects, and leave`,
      apart: true,
      run: async ({ server, books }) => {
        const { code } = await roomOf(server, objects);
        await books.reset();
        return await times(6, async () => {
          const guest = await connect(server);
          await guest.joinRoom(code);
          await guest.leave();
          await wait(objects ? pacedMs : 4 * apartMs);
        });
      },
    }),
  ),
  {
    name: "be refused by another's room, in a query",
    apart: true,
    run: async ({ server, books }) => {
      const code = await drawRoom(server);
      await byQuery(server, `code=${code}&host`, {});
      await books.reset();
      return await times(20, async () => {
        const client = await byQuery(server, `code=${code}&host`);
        await client.closed;
        await wait(4 * apartMs);
      });
    },
  },
  {
    name: "signal to the host, and be answered",
    apart: true,
    run: async ({ server, books }) => {
      const { code } = await roomOf(server, 0);
      const guest = await connect(server);
      await guest.joinRoom(code);
      await books.reset();
      return await times(20, async (i) => {
        guest.say({ type: "guestOfferSignal", data: { offerSignal: i } });
        await wait(4 * apartMs);
      });
    },
  },
  {
    name: "lead a room, vanish, and come back, with guests in 40 objects",
    apart: true,
    run: async ({ server, books }) => {
      let host = await connect(server);
      const code = await host.createRoom();
      for (let i = 0; i < 40; i++) await (await connect(server, {})).joinRoom(code);
      await books.reset();
      return await times(5, async () => {
        const resumeKey = host.heard.findLast(({ data }) => data?.resumeKey)?.data?.resumeKey;
        host.cut();
        await wait(pacedMs);
        host = await connect(server);
        await host.joinRoom(code, { resumeKey });
        await wait(pacedMs);
      });
    },
  },
];
