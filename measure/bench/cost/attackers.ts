/**
 * What one address can cost: each way that is known to cause work at Cloudflare, tried on a server that counts what is billed. What
 * the address is charged (core/bill.ts) must be more, so that its budget bounds all ways together.
 */
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Player, post, request } from "../../kit/player.ts";
import { apartMs } from "./assumed.ts";
import type { Books } from "./books.ts";
import { withBooks } from "./cost.ts";
import { attacker, type Means, type Scene, times } from "./means.ts";
import { dollarsPerMillion } from "./prices.ts";
import { type Tally, usageOf } from "./tally.ts";

/** What an act costs, in millionths of a dollar. */
export type Counted = { name: string; acts: number; billed: number; charged: number };

/** The address of others, in whose lobbies it does some of its harm. */
const others = { "cf-connecting-ip": "198.51.100.1" };

const connect = (server: URL, path = "/", headers = attacker) => Player.connect(server, path, headers);
const hosting = { hostName: "Host", lobbyName: "Lobby", maxMembers: 64 };

async function ask(server: URL, player: Player, path: string, body: object, headers = attacker) {
  const answer = await post(server, path, { token: player.token, ...body }, headers);
  if (answer.status >= 300) throw new Error(`refused ${path}: ${answer.status} ${answer.text}`);
  return answer;
}

async function host(server: URL, path: string, isPublic: boolean, headers = attacker) {
  const player = await connect(server, path, headers);
  const { body } = await ask(server, player, "/lobbies", { ...hosting, isPublic }, headers);
  return { player, lobbyId: String(body?.lobbyId) };
}

/** Connects, and joins. */
async function join(server: URL, lobbyId: string, peerName: string, path = "/", headers = attacker) {
  const player = await connect(server, path, headers);
  await ask(server, player, `/lobbies/${lobbyId}/join`, { peerName }, headers);
  return player;
}

/** So many lines, so many a second. */
async function chat(lobbyId: string, speaker: Player, lines: number, perSecond: number): Promise<number> {
  return await times(lines, async (line) => {
    speaker.chat(lobbyId, `Line ${line}`);
    await wait(1000 / perSecond);
  });
}

export const means: readonly Means[] = [
  ...["/", "/lobbies"].map((path) => ({
    name: `connect on ${path}, and close`,
    run: async ({ server, books }: Scene) => {
      await books.reset();
      return await times(60, async () => (await connect(server, path)).leave());
    },
  })),
  {
    name: "connect on the path of another's lobby, and close",
    run: async ({ server, books }) => {
      const { lobbyId } = await host(server, "/lobbies", false, others);
      await books.reset();
      return await times(60, async () => (await connect(server, `/lobbies/${lobbyId}`)).leave());
    },
  },
  ...["/", "/lobbies"].flatMap((path) =>
    [true, false].map((isPublic) => ({
      name: `host on ${path}, ${isPublic ? "public" : "private"}, and leave`,
      run: async ({ server, books }: Scene) => {
        await books.reset();
        return await times(30, async () => {
          const { player } = await host(server, path, isPublic);
          await player.leave();
          await wait(4 * apartMs);
        });
      },
    })),
  ),
  ...["/", "/lobbies/"].map((path) => ({
    name: `join another's public lobby of 8 on ${path}, and leave`,
    apart: true,
    run: async ({ server, books }: Scene) => {
      const { lobbyId } = await host(server, "/", true, others);
      for (let i = 0; i < 7; i++) await join(server, lobbyId, `Guest ${i}`, "/", others);
      await books.reset();
      return await times(8, async (i) => {
        const player = await join(server, lobbyId, `Newcomer ${i}`, path === "/" ? path : path + lobbyId);
        await player.leave();
        await wait(4 * apartMs);
      });
    },
  })),
  ...[true, false].map((isPublic) => ({
    name: `join a ${isPublic ? "public" : "private"} lobby with members in 40 objects, say a line, and leave at once`,
    apart: true,
    run: async ({ server, books }: Scene) => {
      const { lobbyId } = await host(server, "/lobbies", isPublic, others);
      for (let i = 0; i < 40; i++) await join(server, lobbyId, `Guest ${i}`, "/", others);
      await books.reset();
      return await times(6, async (i) => {
        const player = await join(server, lobbyId, `Newcomer ${i}`);
        player.chat(lobbyId, "That was all");
        // The line is on its way, and its answer comes too late.
        await wait(5);
        await player.leave();
        // What is paced has gone when the next one comes.
        await wait(4_000);
      });
    },
  })),
  ...[false, true].map((joins) => ({
    name: `be matched to ${joins ? "another's lobby of 8" : "a new lobby"}, and leave`,
    apart: true,
    run: async ({ server, books }: Scene) => {
      const wish = { game: "chess", create: { lobbyName: "Lobby", maxMembers: 64 } };
      const match = async (peerName: string, headers = attacker) => {
        const player = await connect(server, "/", headers);
        await ask(server, player, "/lobbies/match", { ...wish, peerName }, headers);
        return player;
      };
      for (let i = 0; joins && i < 8; i++) await match(`Guest ${i}`, others);
      await books.reset();
      return await times(joins ? 8 : 30, async (i) => {
        const player = await match(`Newcomer ${i}`);
        await player.leave();
        await wait(4 * apartMs);
      });
    },
  })),
  {
    name: "be matched under a name that all lobbies have, and leave",
    run: async ({ server, books }) => {
      const wish = { game: "chess", peerName: "Host", create: { lobbyName: "Lobby", maxMembers: 64 } };
      for (let i = 0; i < 5; i++)
        await ask(server, await connect(server, "/", others), "/lobbies/match", wish, others);
      await books.reset();
      return await times(20, async () => {
        const player = await connect(server);
        await ask(server, player, "/lobbies/match", wish);
        await player.leave();
        await wait(4 * apartMs);
      });
    },
  },
  {
    name: "start, and call it off",
    apart: true,
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/", true);
      // Only such clients may stop.
      player.say("client_features", { features: ["links"] });
      await player.settled();
      await join(server, lobbyId, "Guest");
      await books.reset();
      return await times(30, async () => {
        await ask(server, player, `/lobbies/${lobbyId}/ptp/start`, {});
        await ask(server, player, `/lobbies/${lobbyId}/ptp/stop`, {});
        await wait(2 * apartMs);
      });
    },
  },
  ...[true, false].map((apart) => ({
    name: `start, and be silent for 5 minutes (${apart ? "apart" : "direct"})`,
    apart,
    run: async ({ server, books }: Scene) => {
      const { player, lobbyId } = await host(server, apart ? "/" : "/lobbies", true);
      const guest = await join(server, lobbyId, "Guest", apart ? "/" : `/lobbies/${lobbyId}`);
      player.answersOverUdp = false;
      guest.answersOverUdp = false;
      await books.reset();
      return await times(2, async () => {
        await ask(server, player, `/lobbies/${lobbyId}/ptp/start`, {});
        await books.later(5.1);
      });
    },
  })),
  {
    name: "guess codes",
    run: async ({ server, books }) => {
      const player = await connect(server);
      await books.reset();
      return await times(40, (i) =>
        post(server, `/lobbies/0000${i % 10}/join`, { token: player.token, peerName: "Me" }, attacker),
      );
    },
  },
  {
    name: "list",
    run: async ({ server, books }) => {
      for (let i = 0; i < 20; i++) await host(server, "/", true, others);
      await books.reset();
      return await times(200, () => request(server, "/lobbies", { headers: attacker }));
    },
  },
  {
    name: "chat by the direct path",
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/lobbies", false);
      await join(server, lobbyId, "Guest", `/lobbies/${lobbyId}`);
      await books.reset();
      return await chat(lobbyId, player, 1_000, 90);
    },
  },
  {
    name: "chat from a lounge",
    apart: true,
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/", false);
      await join(server, lobbyId, "Guest");
      await books.reset();
      return await chat(lobbyId, player, 600, 60);
    },
  },
  {
    name: "chat to 20 objects, through others' lobbies",
    apart: true,
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/lobbies", false);
      for (let i = 0; i < 20; i++) {
        const { lobbyId: path } = await host(server, "/lobbies", false, others);
        await join(server, lobbyId, `Guest ${i}`, `/lobbies/${path}`);
      }
      await books.reset();
      return await chat(lobbyId, player, 300, 15);
    },
  },
  {
    name: "the same, said from a lounge",
    apart: true,
    run: async ({ server, books }) => {
      const { lobbyId } = await host(server, "/lobbies", false);
      for (let i = 0; i < 20; i++) {
        const { lobbyId: path } = await host(server, "/lobbies", false, others);
        await join(server, lobbyId, `Guest ${i}`, `/lobbies/${path}`);
      }
      const speaker = await join(server, lobbyId, "Speaker");
      await books.reset();
      return await chat(lobbyId, speaker, 300, 15);
    },
  },
  {
    name: "other messages from a lounge",
    apart: true,
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/", true);
      await join(server, lobbyId, "Guest");
      await books.reset();
      const kinds = [
        "client_pings",
        "client_features",
        "ptpMediation_unseen",
        "ptpMediation_peersConnection_failure",
      ];
      return await times(600, async (i) => {
        player.say(kinds[i % kinds.length] ?? "", { features: ["links"], mediation: "none" });
        await wait(20);
      });
    },
  },
  {
    name: "keep a public lobby open for a day, with four who ping",
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/lobbies", true);
      const all = [player];
      for (let i = 0; i < 3; i++) all.push(await join(server, lobbyId, `Guest ${i}`, `/lobbies/${lobbyId}`));
      await books.reset();
      for (const one of all) {
        one.say("client_pings");
        await one.pings();
      }
      await books.later(24 * 60);
      return 1;
    },
  },
  {
    name: "keep a public lobby open for a day, its members apart",
    apart: true,
    run: async ({ server, books }) => {
      const { lobbyId } = await host(server, "/", true);
      await join(server, lobbyId, "Guest");
      await books.reset();
      await books.later(24 * 60);
      return 1;
    },
  },
];

/**
 * An honest session of four players behind one address: they look at the list, meet by the plain path, each in a lounge of its own,
 * say 30 lines, are connected, and go.
 */
export const honestSession: Means = {
  name: "a session of four",
  apart: true,
  run: async ({ server, books }) => {
    await books.reset();
    for (let i = 0; i < 20; i++) await request(server, "/lobbies", { headers: attacker });
    const { player, lobbyId } = await host(server, "/", true);
    const all = [player];
    for (let i = 0; i < 3; i++) all.push(await join(server, lobbyId, `Guest ${i}`));
    for (let line = 0; line < 30; line++) {
      all[line % 4]?.chat(lobbyId, `Line ${line}`);
      await Promise.all(all.map((one) => one.hearsChat(`Line ${line}`)));
    }
    await ask(server, player, `/lobbies/${lobbyId}/ptp/start`, {});
    for (const one of all) await one.hears("ptpMediation_peersConnection_start");
    for (const one of all) one.reportsSuccess();
    for (const one of all) await one.hears("lobby_closed");
    for (const one of all) await one.leave();
    return 1;
  },
};

const toldAtOnce = fileURLToPath(new URL("./told-at-once.ts", import.meta.url));
const emptyPurses = fileURLToPath(new URL("./empty-purses.ts", import.meta.url));

/**
 * The calls between objects that a second of 15 lines, over and over, causes in a lobby with members in so many other people's objects. `same`:
 * whether all of them heard the same lines, in the same order, as the speaker.
 */
export async function callsOfSpreadLobby(
  objects: number,
  seconds: number,
): Promise<{ calls: number; heard: number; same: boolean }> {
  const count = async (server: URL, books: Books) => {
    const { player, lobbyId } = await host(server, "/lobbies", false);
    const guests: Player[] = [];
    for (let i = 0; i < objects; i++) {
      const { lobbyId: path } = await host(server, "/lobbies", false, others);
      guests.push(await join(server, lobbyId, `Guest ${i}`, `/lobbies/${path}`));
    }
    await books.reset();
    await chat(lobbyId, player, 15 * seconds, 15);
    const { calls } = await books.read();
    guests[0]?.chat(lobbyId, "That was all");
    await Promise.all([player, ...guests].map((one) => one.hearsChat("That was all")));
    const same = guests.every(({ chats }) => JSON.stringify(chats) === JSON.stringify(player.chats));
    return { calls: calls["LOBBY.receive"] ?? 0, heard: player.chats.length, same };
  };
  return await withBooks({ apart: false }, count, { vars: { clientAddress: "cloudflare" } });
}

/**
 * Does several of these at once, until the address is refused, and goes on trying for a while. What that was billed, in millionths of a dollar,
 * how many sessions it had, and how long it took in seconds.
 */
export async function costOfAllAtOnce(
  cents: number,
  triesAfterwards: number,
): Promise<{ billed: number; sessions: number; seconds: number }> {
  const count = async (server: URL, books: Books) => {
    const began = performance.now();
    let sessions = 0;
    const speakers: { player: Player; lobbyId: string }[] = [];
    for (let i = 0; i < 5; i++) {
      const one = await host(server, "/", true);
      speakers.push(one, { player: await join(server, one.lobbyId, "Guest"), lobbyId: one.lobbyId });
      sessions += 2;
    }
    await books.reset();
    let refusals = 0;
    const hostAgain = async () => {
      while (refusals < triesAfterwards) {
        // A refused upgrade would be waited for: the list is refused at once.
        const { status } = await request(server, "/lobbies", { headers: attacker });
        if (status === 429) {
          refusals += 1;
          await wait(20);
          continue;
        }
        sessions += 1;
        // Perhaps it is refused between the two.
        const hosted = await host(server, "/", true).catch(() => null);
        await hosted?.player.leave();
      }
    };
    const talk = async ({ player, lobbyId }: (typeof speakers)[number]) => {
      for (let line = 0; refusals < triesAfterwards; line++) {
        if (player.socket.readyState === player.socket.OPEN) player.chat(lobbyId, `Line ${line}`);
        await wait(20);
      }
    };
    await Promise.all([hostAgain(), ...speakers.map(talk)]);
    await wait(10 * apartMs);
    const usage = usageOf({ ...(await books.read()), workerRequests: 0 }, 1);
    return { billed: dollarsPerMillion(usage), sessions, seconds: (performance.now() - began) / 1000 };
  };
  const vars = { clientAddress: "cloudflare", networkCentsPerDay: cents };
  return await withBooks({ apart: true }, count, { vars });
}

/**
 * What so many sessions cost, in millionths of a dollar, whose network has spent all: hosts of lobbies that say again and again that they
 * ping, so that each lobby looks for silent clients every two minutes.
 */
export async function costWhenAllIsSpent(
  cents: number,
  { sessions, looks }: { sessions: number; looks: number },
): Promise<number> {
  const count = async (server: URL, books: Books) => {
    const players: Player[] = [];
    for (let i = 0; i < sessions; i++) {
      const { player } = await host(server, "/lobbies", false);
      await player.pings();
      players.push(player);
    }
    for (let status = 200; status !== 429; ) {
      ({ status } = await request(server, "/lobbies", { headers: attacker }));
    }
    await books.reset();
    await times(looks, async () => {
      for (const player of players) {
        if (player.socket.readyState === player.socket.OPEN) player.say("client_pings");
      }
      await books.later(2);
    });
    return billOf(await books.read());
  };
  const vars = { clientAddress: "cloudflare", networkCentsPerDay: cents, directoryShards: 64 };
  return await withBooks({ apart: false }, count, { vars, inject: [toldAtOnce] });
}

/** What the acts of clients are billed: without the Worker's requests, and what budgets cost by themselves. */
function billOf({ calls, objects, ...tally }: Tally): number {
  const counted = { calls: without(/^BUDGET\./, calls), objects: without(/^Budget/, objects) };
  return dollarsPerMillion(usageOf({ ...tally, ...counted, workerRequests: 0 }, 1));
}

function without<T>(name: RegExp, counts: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(counts).filter(([key]) => !name.test(key)));
}

/**
 * What the acts of one way are billed, and what the address is charged for them. Neither has the price of the requests themselves. `purses`: what
 * sessions spend of what their connections have paid is not charged again.
 */
export async function countMeans(
  { name, apart = false, run }: Means,
  { purses = false } = {},
): Promise<Counted> {
  const count = async (server: URL, books: Books) => {
    const acts = await run({ server, books });
    await wait(10 * apartMs);
    const billed = billOf(await books.read());
    // To tell the budget each act at once is the measurement's.
    const charged = await books.charged();
    return { name, acts, billed: billed / acts, charged: charged / acts };
  };
  const vars = { clientAddress: "cloudflare", networkCentsPerDay: 1e6, directoryShards: 4 };
  return await withBooks({ apart }, count, { vars, inject: [toldAtOnce, ...(purses ? [] : [emptyPurses])] });
}
