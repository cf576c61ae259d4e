/**
 * What one address can cost by lobbies that people stay in (`attackers.ts` has the other ways). The others have no address here, so only
 * the attacker is charged.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Answer, Player } from "../../kit/player.ts";
import { informedPlayer, staysOpen } from "../../kit/staying.ts";
import { apartMs } from "./assumed.ts";
import { attacker, type Means, type Scene, times } from "./means.ts";

const others = {};
const hosting = { ...staysOpen, maxMembers: 64, lobbyName: "Lobby" };

type Opened = { player: Player; lobbyId: string };

function checked(answer: Answer): Answer {
  if (answer.status >= 300) throw new Error(`refused: ${answer.status} ${answer.text}`);
  return answer;
}

async function host(
  server: URL,
  path: string,
  options: object = {},
  headers: object = attacker,
): Promise<Opened> {
  const player = await informedPlayer(server, path, headers);
  const { body } = checked(await player.host({ ...hosting, ...options }));
  return { player, lobbyId: String(body?.lobbyId) };
}

async function join(server: URL, lobbyId: string, name: string, path = "/", headers: object = attacker) {
  const player = await informedPlayer(server, path, headers);
  const { body } = checked(await player.join(lobbyId, name));
  return { player, key: String(body?.resumeKey) };
}

/** Guests of other people, each held by another object. */
async function guests(server: URL, lobbyId: string, count: number): Promise<Player[]> {
  const all: Player[] = [];
  for (let i = 0; i < count; i++) all.push((await join(server, lobbyId, `Guest ${i}`, "/", others)).player);
  return all;
}

const objects = 40;
/** What is paced has gone by then. */
const pacedMs = 2_500;

export const stayingMeans: readonly Means[] = [
  ...[objects, 0].flatMap((far): Means[] => [
    {
      name: `change one's data, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { lobbyId } = await host(server, "/lobbies", {}, others);
        await guests(server, lobbyId, far);
        const { player } = await join(server, lobbyId, "Attacker");
        await books.reset();
        return await times(6, async (i) => {
          checked(await player.asks("PATCH", `/lobbies/${lobbyId}/members/me`, { body: { data: { i } } }));
          await wait(far ? pacedMs : 4 * apartMs);
        });
      },
    },
    {
      name: `list one's lobby and hide it, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { player, lobbyId } = await host(server, "/");
        await guests(server, lobbyId, far);
        await books.reset();
        return await times(6, async (i) => {
          checked(await player.asks("PATCH", `/lobbies/${lobbyId}`, { body: { isPublic: i % 2 === 0 } }));
          await wait(far ? pacedMs : 4 * apartMs);
        });
      },
    },
    {
      name: `hand a public lobby over and back, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { player, lobbyId } = await host(server, "/", { isPublic: true });
        await guests(server, lobbyId, far);
        const { player: other } = await join(server, lobbyId, "Other");
        await books.reset();
        const both = [player, other];
        return await times(6, async (i) => {
          const [from, to] = i % 2 === 0 ? both : both.toReversed();
          checked((await from?.post(`/lobbies/${lobbyId}/host`, { clientId: to?.clientId })) as Answer);
          await wait(far ? pacedMs : 4 * apartMs);
        });
      },
    },
    {
      name: `join one's public lobby and be removed, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { player, lobbyId } = await host(server, "/", { isPublic: true });
        await guests(server, lobbyId, far);
        await books.reset();
        return await times(5, async (i) => {
          const { player: other } = await join(server, lobbyId, `Other ${i}`);
          await wait(far ? pacedMs : 4 * apartMs);
          const kick = { clientId: other.clientId, reason: "", ban: i % 2 === 0 };
          checked(await player.post(`/lobbies/${lobbyId}/kick`, kick));
          await wait(far ? pacedMs : 4 * apartMs);
          await other.leave();
        });
      },
    },
    {
      name: `lose the connection and come back, in a public lobby with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { lobbyId } = await host(server, "/lobbies", { isPublic: true }, others);
        await guests(server, lobbyId, far);
        let { player, key } = await join(server, lobbyId, "Attacker");
        await books.later(1);
        await books.reset();
        return await times(6, async () => {
          player.vanish();
          await wait(far ? pacedMs : 4 * apartMs);
          player = await informedPlayer(server, "/", attacker);
          const { body } = checked(await player.post(`/lobbies/${lobbyId}/resume`, { resumeKey: key }));
          key = String(body?.resumeKey);
          await wait(far ? pacedMs : 4 * apartMs);
        });
      },
    },
    {
      name: `join a public lobby, lose the connection, and stay away, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { lobbyId } = await host(server, "/lobbies", { isPublic: true }, others);
        await guests(server, lobbyId, far);
        await books.reset();
        return await times(5, async (i) => {
          const { player } = await join(server, lobbyId, `Attacker ${i}`);
          await books.later(0.5);
          player.vanish();
          await wait(far ? pacedMs : 4 * apartMs);
          await books.later(2);
        });
      },
    },
    {
      name: `leave a public lobby by a request and join it again, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { lobbyId } = await host(server, "/lobbies", { isPublic: true }, others);
        await guests(server, lobbyId, far);
        const { player } = await join(server, lobbyId, "Attacker");
        await books.reset();
        return await times(5, async (i) => {
          checked(await player.post(`/lobbies/${lobbyId}/leave`, {}));
          await wait(far ? pacedMs : 4 * apartMs);
          checked(await player.join(lobbyId, `Attacker ${i}`));
          await wait(far ? pacedMs : 4 * apartMs);
        });
      },
    },
    {
      name: `start, and call it off, with members in ${far} objects`,
      apart: true,
      run: async ({ server, books }: Scene) => {
        const { player, lobbyId } = await host(server, "/");
        const all = await guests(server, lobbyId, far || 1);
        // Only such clients may stop.
        player.say("client_features", { features: ["links"] });
        await player.settled();
        player.answersOverUdp = false;
        for (const one of all) one.answersOverUdp = false;
        await books.reset();
        return await times(4, async () => {
          checked(await player.start(lobbyId));
          await wait(far ? pacedMs : 4 * apartMs);
          checked(await player.post(`/lobbies/${lobbyId}/ptp/stop`, {}));
          await wait(far ? pacedMs : 4 * apartMs);
        });
      },
    },
  ]),
  {
    name: "say that the page is hidden, and is not",
    apart: true,
    run: async ({ server, books }) => {
      const { lobbyId } = await host(server, "/lobbies", {}, others);
      const { player } = await join(server, lobbyId, "Attacker");
      await books.reset();
      return await times(200, async (i) => {
        player.say("client_hidden", { hidden: i % 2 === 0 });
        await wait(60);
      });
    },
  },
  {
    name: "signal from a lounge to others in 20 lounges",
    apart: true,
    run: async ({ server, books }) => {
      const { lobbyId } = await host(server, "/lobbies", { signals: "all" }, others);
      const all = await guests(server, lobbyId, 20);
      const { player } = await join(server, lobbyId, "Attacker");
      await books.reset();
      return await times(200, async (i) => {
        player.say("lobby_signal", { to: all[i % all.length]?.clientId, data: { i } });
        await wait(100);
      });
    },
  },
  {
    name: "signal to nobody from a lounge",
    apart: true,
    run: async ({ server, books }) => {
      const { lobbyId } = await host(server, "/lobbies", { signals: "all" }, others);
      const { player } = await join(server, lobbyId, "Attacker");
      await books.reset();
      return await times(200, async () => {
        player.say("lobby_signal", { to: "nobody", data: 1 });
        await wait(100);
      });
    },
  },
  {
    name: "write a snapshot every second",
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/");
      const raw = new Uint8Array(64 * 1024);
      await books.reset();
      return await times(25, async () => {
        checked(await player.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw }));
        await wait(1_000);
      });
    },
  },
  {
    name: "write a snapshot every eleven seconds",
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/");
      const raw = new Uint8Array(64 * 1024);
      await books.reset();
      return await times(10, async () => {
        checked(await player.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw }));
        await books.later(11 / 60);
      });
    },
  },
  {
    name: "write two snapshots every eleven seconds",
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/");
      const raw = new Uint8Array(64 * 1024);
      await books.reset();
      return await times(10, async () => {
        checked(await player.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw }));
        checked(await player.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw }));
        await wait(apartMs);
        await books.later(11 / 60);
      });
    },
  },
  {
    name: "read a snapshot, and the picture",
    run: async ({ server, books }) => {
      const { player, lobbyId } = await host(server, "/");
      await guests(server, lobbyId, 20);
      checked(await player.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw: new Uint8Array(64 * 1024) }));
      await books.reset();
      return await times(40, async (i) => {
        if (i % 4 === 0) checked(await player.asks("GET", `/lobbies/${lobbyId}/snapshot`));
        else checked(await player.asks("GET", `/lobbies/${lobbyId}`));
        await wait(350);
      });
    },
  },
  ...["star", "mesh"].flatMap((topology) =>
    [true, false].map(
      (silent): Means => ({
        name: `join a ${topology} that plays, ${silent ? "and be silent" : "be connected"}, and leave`,
        apart: true,
        run: async ({ server, books }: Scene) => {
          const maxMembers = topology === "mesh" ? 8 : 64;
          const opening = { topology, maxMembers, isPublic: true };
          const { player, lobbyId } = await host(server, "/", opening, others);
          const all = [player, ...(await guests(server, lobbyId, 6))];
          checked(await player.start(lobbyId));
          for (const one of all) await one.hears("ptpMediation_peersConnection_start");
          for (const one of all) one.reportsSuccess();
          await wait(1_000);
          await books.reset();
          return await times(4, async (i) => {
            const { player: newcomer } = await join(server, lobbyId, `Newcomer ${i}`);
            newcomer.answersOverUdp = !silent;
            if (silent) await books.later(1);
            else {
              await newcomer.hears("ptpMediation_peersConnection_start");
              await wait(4 * apartMs);
              for (const one of [...all, newcomer]) one.reportsSuccess();
              await wait(4 * apartMs);
            }
            await newcomer.leave();
            await wait(8 * apartMs);
          });
        },
      }),
    ),
  ),
  {
    name: "keep a public lobby open for a day, alone",
    apart: true,
    run: async ({ server, books }) => {
      await host(server, "/", { isPublic: true });
      await books.reset();
      await books.later(24 * 60);
      return 1;
    },
  },
];
