/** What `npm start` tells Prometheus of the whole server, and the key that it takes. */
import { expect, onTestFinished, test, vi } from "vitest";
import { readOptions } from "../../local/options.ts";
import { actKey, lookKey, Operator } from "../../measure/kit/operator.ts";
import { lobbyOf, request } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

/** The metrics by their names and labels. */
async function metricsAt(port: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^(orion_\S+) (\S+)$/gm)].map(([, name = "", value]) => [name, Number(value)]),
  );
}

test("Prometheus reads what the operator's view shows, beside what the sidecar tells, and needs no key", async () => {
  const server = await startTestServer({ metricsPort: 0 });
  onTestFinished(() => server.stop());
  await lobbyOf(3, server.url, { isPublic: true });
  await lobbyOf(2, server.url);
  await request(server.url, "/nothing");
  // The refusal travels with the next lobby's news.
  await (await lobbyOf(1, server.url)).host.leave();
  const port = server.sidecar?.metricsPort ?? 0;
  await vi.waitFor(
    async () =>
      expect(Object.fromEntries(await metricsAt(port))).toMatchObject({
        'orion_lobbies{listed="yes"}': 1,
        'orion_lobbies{listed="no"}': 1,
        'orion_players{listed="yes"}': 3,
        'orion_players{listed="no"}': 2,
        orion_lobbies_opened_total: 3,
        orion_lobbies_closed_total: 1,
        'orion_refusals_total{code="not_found"}': 1,
        orion_sidecars: 1,
        'orion_sidecar_load{sidecar="local"}': expect.any(Number),
        orion_statistics_read: 1,
        orion_heartbeat_accepted: 1,
      }),
    { timeout: 15_000, interval: 200 },
  );
  // The numbers are for the metrics alone: nobody can ask for them over HTTP.
  expect((await request(server.url, "/operator/api/now")).status).toBe(404);
  const forged = { "orion-stats-key": "guess" };
  expect((await request(server.url, "/nothing", { headers: forged })).status).toBe(404);
});

test("the keys come from the environment, and one that is no good is named before anything starts", async () => {
  vi.stubEnv("ORION_OPERATOR_KEY", ` ${lookKey}\n`);
  vi.stubEnv("ORION_OPERATOR_WRITE_KEY", actKey);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const wish = readOptions([]);
  if (wish.kind !== "run") throw new Error("it does not run");
  const { operatorKeys } = wish.options;
  const server = await startTestServer({ udpPort: null, operatorKeys });
  onTestFinished(() => server.stop());
  expect((await new Operator(server.url).now()).mayAct).toBe(false);
  expect((await new Operator(server.url, actKey).now()).mayAct).toBe(true);
  vi.stubEnv("ORION_OPERATOR_KEY", "short");
  const refused = readOptions([]);
  expect(refused).toMatchObject({ kind: "error", why: expect.stringContaining("ORION_OPERATOR_KEY") });
  expect(JSON.stringify(refused)).not.toContain("short is");
});
