/** What an operator's data set of Analytics Engine gets: docs/operator.md says what each point has. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { outcomeCauses } from "../../core/lobby/outcome.ts";
import { problems } from "../../core/problem.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";
import { lobbyOf, request } from "../../measure/kit/player.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { dataPointsOf, startFaultyServer } from "../../measure/kit/server.ts";

/** The rows of the page's table, by the first blob. */
const described = new Map(
  [
    ...readFileSync(join(root, "docs/operator.md"), "utf8").matchAll(
      /^\| `(?!blob)(\w+)` \| (.+?) \| (.+?) \| .+? \| .+? \|$/gm,
    ),
  ].map(([, kind = "", what = "", why = ""]) => [kind, { what, why }] as const),
);

test("a server counts lobbies, mediations and refusals without any key, as the page says, and names nobody", async () => {
  const server = await startFaultyServer();
  onTestFinished(() => server.stop());
  const written = async () => await dataPointsOf(server.url);
  await written();
  const writes = async (blobs: string[], doubles: unknown[]) =>
    await vi.waitFor(
      async () => expect(await written()).toContainEqual({ indexes: [blobs[0]], blobs, doubles }),
      { interval: 50 },
    );
  const open = await lobbyOf(3, server.url, { isPublic: true, title: "Tea at Five", features: ["links"] });
  await writes(["lobby", "opened", "public"], [1, 1]);
  await writes(["lobby", "changed", "public"], [1, 3]);
  await open.host.start(open.lobbyId);
  const { mediation } = await open.host.hears("ptpMediation_send");
  open.host.say("ptpMediation_peersConnection_failure", { mediation, cause: "udp-blocked", peers: [] });
  await writes(["mediation", "failed", "udp-blocked"], [1, 0]);
  const pair = await lobbyOf(2, server.url);
  await writes(["lobby", "opened", "private"], [1, 1]);
  await pair.host.start(pair.lobbyId);
  for (const player of pair.all) {
    await player.hears("ptpMediation_peersConnection_start");
    player.reportsSuccess();
  }
  await writes(["mediation", "unsaid", ""], [1, 0]);
  await writes(["lobby", "closed", ""], [1, 0]);
  for (let i = 0; i < 3; i++) await request(server.url, `/nothing/${i}`);
  await (await lobbyOf(1, server.url)).host.leave();
  await writes(["refused", "not_found", ""], [3, 0]);
  for (const { blobs } of await written()) {
    const [kind = "", what = "", why = ""] = blobs ?? [];
    const row = described.get(kind);
    if (kind === "refused") expect(Object.keys(problems)).toContain(what);
    else expect(row?.what).toContain(`\`${what}\``);
    if (kind === "lobby" && why !== "") expect(row?.why).toContain(`\`${why}\``);
  }
  const text = JSON.stringify(await written());
  const ids = [...open.all, ...pair.all].map(({ clientId }) => clientId);
  for (const secret of [open.lobbyId, pair.lobbyId, "127.0.0.1", "Tea at Five", "Guest", ...ids])
    expect(text).not.toContain(secret);
});

describe("the platform's own data set", () => {
  test("takes every kind of point, the longest too, and has it in the columns that the page names", async () => {
    const why = [...outcomeCauses];
    const counts = Object.fromEntries(Object.keys(problems).map((code) => [code, 3]));
    const rows = await rowsOf([
      { kind: "open", lobbyId: "K7Q2M", isPublic: true, members: 4, isNew: true },
      { kind: "open", lobbyId: "K7Q2M", isPublic: false, members: 5 },
      { kind: "over", lobbyId: "K7Q2M" },
      { kind: "outcome", outcome: { kind: "failed", why, leftOut: 2 } },
      { kind: "fleet", sidecars: 2, load: 7.5 },
      { kind: "refused", counts },
    ]);
    await vi.waitFor(() => expect(rows.length).toBe(5 + Object.keys(problems).length));
    expect(rows.slice(0, 5)).toEqual([
      ["lobby", "lobby", "opened", "public", 1, 4],
      ["lobby", "lobby", "changed", "private", 1, 5],
      ["lobby", "lobby", "closed", "", 1, 0],
      ["mediation", "mediation", "failed", why.join(" "), 1, 2],
      ["fleet", "fleet", "load", "", 7.5, 2],
    ]);
    expect(rows[5]).toEqual(["refused", "refused", Object.keys(problems)[0], "", 3, 0]);
    expect([...described.keys()].sort()).toEqual([...new Set(rows.map(([kind]) => kind))].sort());
  });
});

/** Has workerd write this news by a binding as Cloudflare has it; what a service gets of each point: the index, three blobs, two doubles. */
async function rowsOf(news: object[]): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  const textOf = (bytes: number[]) => Buffer.from(bytes).toString();
  const service = createServer(async (post, response) => {
    const { index1, blob1, blob2, blob3, double1, double2 } = JSON.parse(
      Buffer.concat(await post.toArray()).toString(),
    );
    rows.push([...[index1, blob1, blob2, blob3].map(textOf), double1, double2]);
    response.end();
  }).listen(0, "127.0.0.1");
  await once(service, "listening");
  onTestFinished(() => void service.close());
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-data-set-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await build({
    stdin: {
      contents: `import { writeDataPoints } from "./worker/objects/data-points.ts";
        export default { async fetch(request, { ANALYTICS }) {
          const failed = [];
          const write = (point) => { try { ANALYTICS.writeDataPoint(point); } catch (error) { failed.push(String(error)); } };
          writeDataPoints({ writeDataPoint: write }, await request.json());
          return Response.json(failed);
        } };`,
      resolveDir: root,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    outfile: join(folder, "worker.js"),
    logLevel: "silent",
  });
  const port = await freeTcpPort();
  const config = join(folder, "config.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = .mainWorker),
        (name = "points", external = (address = "127.0.0.1:${(service.address() as AddressInfo).port}", http = ()))],
      sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
    );
    const mainWorker :Workerd.Worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-10-01",
      bindings = [(name = "ANALYTICS", analyticsEngine = "points")],
    );`,
  );
  const workerd: { default: string } = createRequire(import.meta.resolve("miniflare"))("workerd");
  const program = startProgram(workerd.default, ["serve", "--experimental", config]);
  onTestFinished(() => program.stop());
  const failed = await vi.waitFor(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: JSON.stringify(news) });
    return await answer.json();
  });
  expect(failed).toEqual([]);
  return rows;
}
