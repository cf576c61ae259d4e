/** Every script that a person starts says in one sentence what is missing, and ends with a code. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { root } from "../../measure/kit/program.ts";

// Each starts a program, and many import half of the project.
vi.setConfig({ testTimeout: 300_000 });

const folder = mkdtempSync(join(tmpdir(), "orion-edge-half-"));
afterAll(() => rmSync(folder, { recursive: true }));

const secret = "a secret that is long enough";
const nowhere = join(folder, "nowhere");

type Case = { program: string; args?: string[]; env?: NodeJS.ProcessEnv; code?: number; says: RegExp };

function run({ program, args = [], env = {} }: Case) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, program), ...args], {
    cwd: root,
    input: "",
    encoding: "utf8",
    env: { ...process.env, ORION_SECRET: undefined, ...env },
  });
  return { status, stdout, stderr };
}

const key = "deploy/sidecar-key.ts";
const install = "deploy/sidecar-install.ts";
const named = ["--name", "fra-1"];
const check = "deploy/check-deployed.ts";
const sidecarFile = "packages/sidecar-file.ts";
const picture = "measure/picture/main.ts";
const kit = "conformance/main.ts";

const cases: Case[] = [
  { program: key, says: /--name/ },
  { program: key, args: named, says: /secret/ },
  { program: key, args: [...named, "--number", "0"], says: /--number/ },
  { program: install, args: named, says: /--edge/ },
  { program: install, args: [...named, "--edge", "nonsense"], env: { ORION_SECRET: secret }, says: /http/ },
  { program: install, args: [...named, "--edge", "https://e.example"], says: /secret/ },
  { program: check, says: /URL/ },
  { program: check, args: ["nonsense"], says: /http/ },
  { program: sidecarFile, says: /path/ },
  { program: sidecarFile, args: ["/proc/nowhere/sidecar.mjs"], says: /ENOENT/ },
  { program: "packages/build.ts", args: ["--wrong"], says: /--wrong/ },
  { program: "packages/build.ts", env: { PATH: nowhere }, says: /npm/ },
  { program: "packages/set-version.ts", args: ["--wrong"], says: /--wrong/ },
  { program: "local/write-confusables.ts", says: /path/ },
  { program: "measure/bench/main.ts", args: ["--wrong"], says: /--wrong/ },
  { program: "measure/lab/main.ts", args: ["--wrong"], says: /--wrong/ },
  { program: "measure/soak/main.ts", args: ["--players", "x"], code: 2, says: /--players/ },
  { program: picture, args: ["--scheme", "blue"], says: /--scheme/ },
  { program: picture, args: ["--seconds", "5"], says: /--seconds/ },
  { program: picture, args: ["--chromium", nowhere], says: /--chromium/ },
  { program: kit, code: 2, says: /--command and --listen/ },
  { program: kit, args: ["--command", "true", "--json", join(nowhere, "x.json")], code: 2, says: /ENOENT/ },
];

for (const one of cases) {
  const { program, args = [], env = {}, code = 1, says } = one;
  test([...Object.keys(env), program, ...args].join(" ").replaceAll(folder, "…"), () => {
    const { status, stdout, stderr } = run(one);
    expect({ status, stdout, stderr }).toEqual({
      status: code,
      stdout: "",
      stderr: expect.stringMatching(says),
    });
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
}

test("the conformance kit says that its port is taken, before anybody starts a client", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await vi.waitFor(() => expect(server.address()).not.toBeNull());
  const { port } = server.address() as { port: number };
  const { status, stderr } = run({ program: kit, args: ["--listen", "--port", String(port)], says: /port/ });
  expect([status, stderr]).toEqual([2, expect.stringMatching(/port \d+ is in use .*--port\.\n$/)]);
});

/** What the lab lacks is no fault: CI goes on. */
test.skipIf(process.platform !== "linux" || process.getuid?.() !== 0)(
  "the lab names the program that it lacks, and is skipped",
  () => {
    const { status, stdout } = run({ program: "measure/lab/main.ts", env: { PATH: nowhere }, says: /ip/ });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/there is no program ip\.\nskipped\n$/)]);
    expect(existsSync(nowhere)).toBe(false);
  },
);
