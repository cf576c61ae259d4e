import { defineConfig } from "vitest/config";
import { patienceMs } from "./measure/kit/patience.ts";

/** Folders whose tests start and kill programs, wait for time to pass, play whole crowds, or try thousands of inputs: minutes, not seconds. */
const slow = [
  "bench",
  "conformance",
  "crowds",
  "deployed",
  "engines",
  "examples",
  "faults",
  "fuzz",
  "lab",
  "local",
  "packages",
  "releases",
  "soak",
].map((folder) => `test/${folder}/**/*.test.ts`);
/** Tests that open the page in a browser. Those in its subfolders need none. */
slow.push("test/page/*.test.ts");

export default defineConfig({
  test: {
    projects: [
      // `npm test`: what is run before every commit.
      { extends: true, test: { name: "quick", include: ["test/**/*.test.ts"], exclude: slow } },
      // `npm run test:slow`: the rest. CI runs both.
      { extends: true, test: { name: "slow", include: slow } },
    ],
    // Nothing that is logged in any test may be a secret.
    setupFiles: ["measure/kit/whole-log-setup.ts", "measure/kit/patience-setup.ts"],
    globalSetup: ["measure/kit/whole-log-total.ts", "measure/kit/bundle-once-setup.ts"],
    expect: { poll: { timeout: patienceMs } },
    // They end what hangs. On a machine that others use, the start of one server may take half a minute.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each file of socket tests runs a server of its own; more at a time than cores only adds noise.
    maxWorkers: 2,
  },
});
