import { accessSync, constants } from "node:fs";
import { makeFolder } from "../../local/make-folder.ts";

/** Makes the folder of `--out`, if it is not there. Throws a sentence if results cannot be written into it. */
export function makeResultsFolder(out: string): void {
  try {
    makeFolder(out);
    accessSync(out, constants.W_OK);
  } catch (error) {
    throw new Error(`The folder of --out cannot be used: ${error instanceof Error ? error.message : error}.`);
  }
}
