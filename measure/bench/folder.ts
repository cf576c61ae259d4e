import { accessSync, constants, mkdirSync } from "node:fs";

/** Makes the folder of `--out`, if it is not there. Throws a sentence if results cannot be written into it. */
export function makeFolder(out: string): void {
  try {
    mkdirSync(out, { recursive: true });
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new Error(`The folder of --out cannot be used: ${error instanceof Error ? error.message : error}.`);
  }
}
