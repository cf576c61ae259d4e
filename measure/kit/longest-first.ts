/**
 * The order of test files (vitest.config.ts). vitest has no times in a clean clone, goes by size, and leaves short files that take minutes for the end,
 * when nothing runs beside them.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest, the first first. */
const longest = [
  "test/bench/bill-of-staying.test.ts",
  "test/bench/bill.test.ts",
  "test/bench/bench.test.ts",
  "test/lab/program.test.ts",
  "test/deployed/deployed.test.ts",
  "test/page/lost-connections.test.ts",
  "test/lab/noray.test.ts",
  "test/lab/turn.test.ts",
  "test/releases/upgrade.test.ts",
  "test/soak/soak.test.ts",
  "test/crowds/rabid-full.test.ts",
  "test/bench/bill-of-groovejet.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = longest.findIndex((name) => moduleId.endsWith(name));
      return found === -1 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}
