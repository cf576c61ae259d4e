/**
 * One object ends, or sleeps, at one step of a lobby's life: every object at every step, by both paths. Whatever is lost
 * with it, the promises hold for all who are left, and they can play on.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { watch } from "../../measure/kit/promises.ts";
import { classOf, crash, lifeOf, putToSleep, startFaultyServer } from "../../measure/kit/server.ts";
import { alive, type Cast, castOf, steps } from "./life.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({
    timing: { ptpmConnectRequestIntervalMs: 200, ptpmConnectTimeoutMs: 2_000 },
  });
});
afterAll(() => server.stop());

/** Objects by name, as `crash` takes them. On the direct path the host connects to its lobby before that is open. */
const victims: Record<string, (cast: Cast) => Record<string, string>> = {
  "the lobby": ({ direct, host, lobbyId }) => ({ holder: direct ? host.holder : lobbyId }),
  "the host's lounge": ({ host }) => ({ holder: host.holder }),
  "a guest's lounge": ({ guests }) => ({ holder: guests[0]?.holder ?? "" }),
  "the directory": () => ({ directory: "0" }),
  "the fleet": () => ({ fleet: "" }),
};

/** Objects are reset in two ways: by their own error, and when the platform moves them. */
const endings: Record<string, (victim: Record<string, string>) => Promise<void>> = {
  ends: (victim) => crash(server.url, victim),
  "is moved": ({ holder = "" }) => server.evict({ className: classOf(holder), name: holder }, "close"),
};

for (const direct of [false, true]) {
  describe(direct ? "players of the direct path" : "players of the plain path", () => {
    for (const [victim, nameOf] of Object.entries(victims)) {
      if (direct && victim.includes("lounge")) continue;
      for (const [how, end] of Object.entries(endings)) {
        if (how === "is moved" && (victim === "the directory" || victim === "the fleet")) continue;
        for (const last of Object.keys(steps)) {
          // By the plain path there is no lobby yet.
          if (!direct && victim === "the lobby" && last === "they connect") continue;
          test(`${victim} ${how} after this: ${last}`, async () => {
            const watcher = watch(server.url);
            const cast = await castOf(server, direct);
            for (const [name, step] of Object.entries(steps)) {
              await step(cast);
              if (name === last) await end(nameOf(cast));
            }
            await watcher.settles();
            await carryMediation(server.url, { direct, udpPort: server.sidecar?.port ?? 0 });
            await Promise.all(alive(cast.host, ...cast.guests).map((player) => player.leave()));
            await watcher.settles();
            watcher.stop();
          });
        }
      }
    }

    for (const last of Object.keys(steps)) {
      test(`everything sleeps after this: ${last}`, async () => {
        const watcher = watch(server.url);
        const cast = await castOf(server, direct);
        for (const [name, step] of Object.entries(steps)) {
          await step(cast);
          if (name !== last) continue;
          const { host, guests, lobbyId } = cast;
          const holders = [host, ...guests].map(({ holder }) => holder);
          const hasLobby = !direct && name !== "they connect";
          const names = [...new Set([...holders, ...(hasLobby ? [lobbyId] : [])])];
          const lives = () => Promise.all(names.map((holder) => lifeOf(server.url, { holder })));
          const slept = await lives();
          await putToSleep(server, names);
          for (const [i, life] of (await lives()).entries()) expect(life).not.toBe(slept[i]);
        }
        for (const player of [cast.host, ...cast.guests]) {
          await player.hears("lobby_closed");
          expect(player.methods.slice(-2)).toEqual(["ptpMediation_success", "lobby_closed"]);
        }
        await watcher.settles();
        await Promise.all([cast.host, ...cast.guests].map((player) => player.leave()));
        watcher.stop();
      });
    }
  });
}
