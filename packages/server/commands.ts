/** Stands in for local/commands.ts in the package. */
import type { commands as ofAClone } from "../../local/commands.ts";

export const commands: typeof ofAClone = {
  start: "npx orion-edge",
  startWith: "npx orion-edge",
  demo: "npx orion-edge demo",
  demoWith: "npx orion-edge demo",
};
