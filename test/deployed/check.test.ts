/** `npm run check:deployed`, against both ways to run the service on one machine. */

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";

const slow = 120_000;
const temporary = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const check = (...args: string[]) => startProgram("npm", ["run", "-s", "check:deployed", "--", ...args]);

/** Each check's verdict, by its name. */
function verdictsOf({ output }: Program): Record<string, string> {
  const lines = output.matchAll(/^(ok|note|wrong) +([\w /]+?) {2}/gm);
  return Object.fromEntries(Array.from(lines, ([, verdict = "", name = ""]) => [name, verdict]));
}

const names = [
  ...[
    "dns",
    "tls",
    "ready",
    "version",
    "clock",
    "upgrade on /",
    "upgrade on /lobbies",
    "origin",
    "other origins",
  ],
  ...["sidecars", "udp", "second udp port", "first access", "commit", "location", "sleep"],
  ...["idle sockets", "retries"],
];
const allOk = Object.fromEntries(names.map((name) => [name, "ok"]));

const ways: [name: string, args: string[], ready: RegExp][] = [
  ["npm start", ["start", "-s"], /http:\/\/127\.0\.0\.1:\d+/],
  ["wrangler dev", ["run", "-s", "dev"], /knows this sidecar/],
];
for (const [name, args, ready] of ways) {
  test(
    `nothing is wrong with ${name}`,
    async () => {
      const port = await freeTcpPort();
      const ports = ["--httpPort", String(port), "--udpPort", String(await freeUdpPort())];
      const server = startProgram("npm", [...args, "--", ...ports], { TMPDIR: temporary });
      try {
        await server.prints(ready);
        const checking = check(
          ...[`http://127.0.0.1:${port}`, "--sidecar", "127.0.0.1", "--origin", "http://localhost:3000"],
        );
        const code = await checking.ended;
        const { "ice servers": ice, ...verdicts } = verdictsOf(checking);
        expect(verdicts).toEqual(allOk);
        // wrangler dev has the STUN server of wrangler.toml, which answers where there is an Internet.
        expect(code).toBe(ice === "wrong" ? 1 : 0);
        if (name === "npm start") expect(ice).toBe("ok");
      } finally {
        await server.stop();
      }
    },
    slow,
  );
}

test("a page that stands before the Worker is found, and nothing else is asked", async () => {
  const page = createServer((_, response) => response.end("<html>Welcome</html>"));
  page.listen(0, "127.0.0.1");
  await once(page, "listening");
  const address = page.address();
  const port = typeof address === "object" ? address?.port : 0;
  const checking = check(`http://127.0.0.1:${port}`);
  expect({ code: await checking.ended, verdicts: verdictsOf(checking) }).toEqual({
    code: 1,
    verdicts: { dns: "ok", tls: "ok", ready: "wrong" },
  });
  expect(checking.output).toContain("not_orion");
  page.close();
});

test("without a URL one sentence says so", async () => {
  const checking = check();
  expect(await checking.ended).toBe(1);
  expect(checking.output).toMatch(/--help/);
});
