/** What .ci/run makes of an npm that finds something, cannot ask, or fails. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../measure/kit/program.ts";

const [audit = ""] = /^audit\(\) \{$.*?^\}$/ms.exec(readFileSync(join(root, ".ci/run"), "utf8")) ?? [];

/** How the step ends where npm is this script, and what it prints. */
function auditWith(npm: string): string {
  const folder = mkdtempSync(join(tmpdir(), "orion-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "npm"), `#!/usr/bin/env bash\n${npm}\n`);
  chmodSync(join(folder, "npm"), 0o755);
  const script = `set -euo pipefail\nfolder=$1\n${audit}\naudit && echo passed || echo failed`;
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  return execFileSync("bash", ["-c", script, "audit", folder], { env, encoding: "utf8" });
}

const answers: [what: string, npm: string, says: string][] = [
  ["finds nothing", "echo '{}'", "passed\n"],
  [
    "finds an advisory",
    `echo '{"vulnerabilities":{"x":{"name":"x","severity":"high","range":"<2"}}}'; exit 1`,
    "x <2: high\nfailed\n",
  ],
  [
    "asks a registry that does not answer audits",
    `echo '{"message":"405","statusCode":405,"error":{"summary":""}}'; exit 1`,
    "Not done: the registry does not answer audits (405).\npassed\n",
  ],
  [
    "finds no lock file",
    `echo '{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile."}}'; exit 1`,
    "npm audit has failed: ENOLOCK: This command requires an existing lockfile.\nfailed\n",
  ],
  [
    "reaches no registry",
    `echo '{"message":"request failed","error":{"summary":""}}'; exit 1`,
    "npm audit has failed: request failed\nfailed\n",
  ],
  ["is killed", "kill -9 $$", "npm audit has failed: exit code 137\nfailed\n"],
];
for (const [what, npm, says] of answers) {
  test(`an audit whose npm ${what} says so, and ends as it should`, () => {
    expect(auditWith(npm)).toBe(says);
  });
}
