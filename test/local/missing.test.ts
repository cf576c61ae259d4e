/** What our commands say where something that they need is missing: packages, or the right time. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, startProgram } from "../../measure/kit/program.ts";

/** A copy of the project with what `npm ci --omit=dev` installs. */
let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  for (const name of [
    "package.json",
    "core",
    "session",
    "local",
    "udp-sidecar",
    "worker",
    "measure",
    "client",
  ]) {
    cpSync(join(root, name), join(project, name), { recursive: true });
  }
  mkdirSync(join(project, "node_modules"));
  for (const name of ["zod", "itty-router", "prom-client"]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe("without the development packages", () => {
  for (const script of ["start", "dev", "demo"]) {
    test(`npm run ${script} says in one sentence what to run, with exit code 1`, async () => {
      const program = startProgram(process.execPath, [join(project, "local", `${script}.ts`)]);
      expect(await program.ended).toBe(1);
      expect(program.output.trim().split("\n")).toHaveLength(1);
      expect(program.output).toContain("npm ci --include=dev");
    });
  }
});

describe("with a clock that is years behind", () => {
  for (const script of ["start", "dev"]) {
    test(`npm run ${script} says in one sentence that the clock is wrong, with exit code 1`, async () => {
      const clock = "data:text/javascript,Date.now = () => Date.UTC(2020, 0, 1)";
      const program = startProgram(process.execPath, [`--import=${clock}`, `local/${script}.ts`]);
      expect(await program.ended).toBe(1);
      expect(program.output.trim().split("\n")).toHaveLength(1);
      expect(program.output).toMatch(/clock.*2020-01-01/);
    });
  }
});
