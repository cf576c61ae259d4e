/**
 * One object ends at one step of a lobby's life: every object at every step, by both paths. Whatever is lost with it,
 * the promises hold for all who are left, and they can play on.
 */
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../support/mediation.ts";
import { Player } from "../support/player.ts";
import { watch } from "../support/promises.ts";
import { crash, startFaultyServer } from "../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({
    timing: { ptpmConnectRequestIntervalMs: 200, ptpmConnectTimeoutMs: 2_000 },
  });
});
afterAll(() => server.stop());

/** Three players and what they are about. Whoever lost its socket takes no part any more. */
type Cast = { lobbyId: string; host: Player; guests: Player[] };

const alive = (...players: Player[]) =>
  players.filter(({ story }) => !story.some(({ kind }) => kind === "closed"));

/** One after another. Each goes on whatever became of the one before: some answers are refusals then. */
const steps: Record<string, (cast: Cast) => Promise<unknown>> = {
  "they connect": async () => {},
  "the host hosts": async (cast) => {
    const { body } = await cast.host.host({ isPublic: true, maxMembers: 4 });
    cast.lobbyId = String(body?.lobbyId ?? "AAAAA");
  },
  "the first guest joins": ({ guests, lobbyId }) => join(guests[0], lobbyId, "Ada"),
  "the second guest joins": ({ guests, lobbyId }) => join(guests[1], lobbyId, "Bob"),
  "they chat": async ({ host, guests, lobbyId }) => {
    for (const player of alive(host, ...guests)) player.chat(lobbyId, `Hello of ${player.clientId}`);
  },
  "the host starts": async ({ host, lobbyId }) => {
    if (alive(host).length > 0) await host.start(lobbyId);
  },
  "they send datagrams": async ({ host, guests }) => {
    for (const player of alive(host, ...guests)) {
      player.answersOverUdp = true;
      if (player.all("ptpMediation_send").length > 0) player.sendDatagram(server.sidecar?.port ?? 0);
    }
  },
  "they are introduced": async ({ host, guests }) => {
    await Promise.race([introduced(alive(host, ...guests)), pass(500)]);
  },
  "the first reports": async ({ host }) => {
    if (alive(host).length > 0) host.reportsSuccess();
  },
  "all report": async ({ guests }) => {
    for (const guest of alive(...guests)) guest.reportsSuccess();
  },
  "it is closed": async () => {},
};

async function introduced(players: Player[]): Promise<void> {
  await Promise.all(
    players.map((player) => player.hears("ptpMediation_peersConnection_start").catch(() => {})),
  );
}

async function join(guest: Player | undefined, lobbyId: string, name: string): Promise<void> {
  if (guest && alive(guest).length > 0) await guest.join(lobbyId, name);
}

const victims: Record<string, (cast: Cast) => Record<string, string>> = {
  "the host's home": ({ host }) => ({ home: host.home }),
  "a guest's home": ({ guests }) => ({ home: guests[0]?.home ?? "" }),
  "the directory": () => ({ directory: "0" }),
  "the fleet": () => ({ fleet: "" }),
};

for (const direct of [false, true]) {
  describe(direct ? "players of the direct path" : "players of the plain path", () => {
    for (const [victim, nameOf] of Object.entries(victims)) {
      // By the direct path a guest's home is the host's.
      if (direct && victim === "a guest's home") continue;
      for (const last of Object.keys(steps)) {
        test(`${victim} ends after this: ${last}`, async () => {
          const watcher = watch(server.url);
          const host = await Player.connect(server.url, direct ? "/lobbies" : "/");
          const cast: Cast = { lobbyId: "AAAAA", host, guests: [] };
          if (!direct) cast.guests = await Player.crowd(2, server.url);
          for (const player of [host, ...cast.guests]) player.answersOverUdp = false;
          for (const [name, step] of Object.entries(steps)) {
            await step(cast);
            if (direct && name === "the host hosts") {
              cast.guests = await Player.crowd(2, server.url, `/lobbies/${cast.lobbyId}`);
              for (const guest of cast.guests) guest.answersOverUdp = false;
            }
            if (name === last) await crash(server.url, nameOf(cast));
          }
          await watcher.settles();
          await carryMediation(server.url, { direct, udpPort: server.sidecar?.port ?? 0 });
          await Promise.all(alive(host, ...cast.guests).map((player) => player.leave()));
          await watcher.settles();
          watcher.stop();
        });
      }
    }
  });
}
