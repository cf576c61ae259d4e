import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { defaultTiming } from "../../core/settings.ts";
import { compatibilityDate } from "../../local/clock.ts";
import { root } from "../../measure/kit/program.ts";
import { staticPaths } from "../../worker/edge/static-paths.ts";

/**
 * Bytes, compressed. It has 223 000: 206 000 of lobbies, relays and dialects, the rest of the page and the operator. Cloudflare
 * takes 3 MB. 3 % more is a library that has slipped in, or something to look at.
 */
const largestBundle = 230_000;

test("wrangler deploy makes one small bundle, and binds the data set of which wrangler.toml has the lines", () => {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-bundle-"));
  // Paths in it are relative to its folder.
  const config = join(root, `wrangler.with-analytics.${process.pid}.toml`);
  try {
    writeFileSync(config, withAnalytics());
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    const output = execFileSync(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--config", config, "--outdir", folder],
      {
        cwd: root,
        env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
        encoding: "utf8",
      },
    );
    expect(output).toContain("--dry-run: exiting now.");
    expect(output).toMatch(/env\.ANALYTICS \(orion_edge\) +Analytics Engine Dataset/);
    const bundle = readFileSync(join(folder, "index.js"));
    const compressed = gzipSync(bundle).length;
    console.log(`The Worker's bundle has ${bundle.length} bytes, compressed ${compressed}.`);
    expect(compressed).toBeLessThan(largestBundle);
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(config, { force: true });
  }
}, 180_000);

/** The deployment's file with the lines of Analytics Engine switched on, as operators do it: they take the `#` away. */
function withAnalytics(): string {
  const lines = readFileSync(join(root, "wrangler.toml"), "utf8").split("\n");
  const first = lines.indexOf("# [[analytics_engine_datasets]]");
  expect(first).toBeGreaterThan(0);
  return lines.map((line, i) => (i >= first && i < first + 3 ? line.replace("# ", "") : line)).join("\n");
}

test("a deployment begins with Orion's timing, and with the platform that npm start runs", () => {
  const config = unstable_readConfig({ config: join(root, "wrangler.toml") });
  const { vars, compatibility_date, compatibility_flags, assets } = config;
  // Anything else that is static would answer WebSockets on its path, or hide a route.
  const paths = staticPaths.map((path) => `!${path.replace(":name", "*")}`);
  expect(assets?.run_worker_first).toEqual(["/*", ...paths]);
  expect(assets).toMatchObject({ html_handling: "none", not_found_handling: "none" });
  expect(vars).toMatchObject(defaultTiming);
  expect(compatibility_date).toBe(compatibilityDate);
  const server = readFileSync(join(root, "local/server.ts"), "utf8");
  expect(compatibility_flags).toContain("no_web_socket_compression");
  expect(server).toContain(`compatibilityFlags: ${JSON.stringify(compatibility_flags)}`);
});
