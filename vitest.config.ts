import { defineConfig } from "vitest/config";
import { LongestFirst } from "./measure/kit/longest-first.ts";
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
/** Those of them that hold times or CPU to a bound which a busy machine widens: nothing runs beside them. */
const timed = [
  "test/bench/sealing.test.ts",
  "test/crowds/rabid-pings.test.ts",
  // Two browsers without a graphics card, which draw a game for each other.
  "test/page/firefox.test.ts",
  "test/page/frame-cost.test.ts",
  "test/page/looks.test.ts",
];

export default defineConfig({
  test: {
    projects: [
      // `npm test`: what is run before every commit.
      {
        extends: true,
        test: { name: "quick", include: ["test/**/*.test.ts"], exclude: slow, sequence: { groupOrder: 0 } },
      },
      // `npm run test:slow`: the rest. CI runs all.
      {
        extends: true,
        test: { name: "slow", include: slow, exclude: timed, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: "timed", include: timed, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
    // Nothing that is logged in any test may be a secret.
    setupFiles: ["measure/kit/whole-log-setup.ts", "measure/kit/patience-setup.ts"],
    globalSetup: [
      "measure/kit/whole-log-total.ts",
      "measure/kit/bundle-once-setup.ts",
      "measure/kit/compile-once-setup.ts",
    ],
    expect: { poll: { timeout: patienceMs } },
    // They end what hangs. On a machine that others use, the start of one server may take half a minute.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each file runs servers, programs or browsers of its own: four at a time save a sixth of the time on two cores, and fixed times run out.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
