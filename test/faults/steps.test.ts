/**
 * One object ends at one step of a lobby's life: every object at every step, by both paths. Whatever is lost with it,
 * the promises hold for all who are left, and they can play on.
 */
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../support/mediation.ts";
import { watch } from "../support/promises.ts";
import { crash, startFaultyServer } from "../support/server.ts";
import { alive, type Cast, castOf, steps } from "./life.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({
    timing: { ptpmConnectRequestIntervalMs: 200, ptpmConnectTimeoutMs: 2_000 },
  });
});
afterAll(() => server.stop());

const victims: Record<string, (cast: Cast) => Record<string, string>> = {
  "the host's home": ({ host }) => ({ holder: host.holder }),
  "a guest's home": ({ guests }) => ({ holder: guests[0]?.holder ?? "" }),
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
          const cast = await castOf(server, direct);
          for (const [name, step] of Object.entries(steps)) {
            await step(cast);
            if (name === last) await crash(server.url, nameOf(cast));
          }
          await watcher.settles();
          await carryMediation(server.url, { direct, udpPort: server.sidecar?.port ?? 0 });
          await Promise.all(alive(cast.host, ...cast.guests).map((player) => player.leave()));
          await watcher.settles();
          watcher.stop();
        });
      }
    }
  });
}
