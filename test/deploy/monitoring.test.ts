/** The dashboard and the alert rules name metrics that the programs print, and the rules fire when they should. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { root } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const file = (path: string) => readFileSync(join(root, "deploy", path), "utf8");
const rules = file("prometheus/alerts.yml");
const dashboard = JSON.parse(file("grafana/dashboard.json"));

/** Names of metrics in expressions of PromQL. `up` is Prometheus's own. */
function metricsIn(expressions: readonly string[]): string[] {
  const names = expressions.flatMap((one) => one.match(/\b(?:orion|process|nodejs)_\w+/g) ?? []);
  return [...new Set(names)].sort();
}

const drawn: string[] = dashboard.panels.flatMap(({ targets = [] }: { targets?: { expr: string }[] }) =>
  targets.map(({ expr }) => expr),
);
const alerting = [...rules.matchAll(/^ +expr: (.*)$/gm)].map(([, expression = ""]) => expression);

describe("what the server with its sidecar prints", () => {
  let server: Server;
  let printed: string;
  beforeAll(async () => {
    server = await startTestServer({ metricsPort: 0 });
    const answer = await fetch(`http://127.0.0.1:${server.sidecar?.metricsPort}/metrics`);
    printed = await answer.text();
  });
  afterAll(() => server.stop());

  for (const [what, expressions] of [
    ["the dashboard draws", drawn],
    ["the rules go by", alerting],
  ] as const) {
    test(`has every metric that ${what}`, () => {
      const names = metricsIn(expressions);
      expect(names.length).toBeGreaterThan(8);
      expect(names.filter((name) => !new RegExp(`^# TYPE ${name} `, "m").test(printed))).toEqual([]);
    });
  }

  test("has the labels that the rules and the dashboard choose by", () => {
    const chosen = [...drawn, ...alerting].flatMap((one) =>
      [...one.matchAll(/(orion_\w+)\{([^}]*)\}/g)].flatMap(([, metric = "", labels = ""]) =>
        [...labels.matchAll(/(\w+)="(\w+)"/g)].map(([, label, value]) => ({ metric, label, value })),
      ),
    );
    const own = chosen.filter(({ label }) => label !== "job" && label !== "instance");
    expect(own.length).toBeGreaterThan(5);
    // Outcomes of mediations are there when there was one.
    const missing = own.filter(
      ({ metric, label, value }) =>
        label !== "outcome" && !new RegExp(`^${metric}\\{[^}]*${label}="${value}"`, "m").test(printed),
    );
    expect(missing).toEqual([]);
  });
});

test("every panel of the dashboard has a place of its own, and an expression", () => {
  const panels: { id: number; type: string; gridPos: { x: number; y: number; w: number } }[] =
    dashboard.panels;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
  expect(new Set(places).size).toBe(places.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
});

const noPromtool = spawnSync("promtool", ["--version"]).error !== undefined;
test.skipIf(noPromtool)(
  "Prometheus takes the rules, and each alert fires when it should, and not else",
  () => {
    const promtool = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: root, encoding: "utf8" });
      return { status, said: status === 0 ? "" : stdout + stderr };
    };
    expect(promtool("check", "rules", "deploy/prometheus/alerts.yml")).toEqual({ status: 0, said: "" });
    expect(promtool("test", "rules", "deploy/prometheus/alerts.test.yml")).toEqual({ status: 0, said: "" });
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
    const tried = file("prometheus/alerts.test.yml");
    expect(alerts.filter((name) => !new RegExp(`\\b${name}\\b`).test(tried))).toEqual([]);
  },
);
