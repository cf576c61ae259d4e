/** `npm run sidecar:key`: prints what one sidecar needs, as one text for one variable. The secret stays where this runs. */
import { sidecarKeyText } from "../core/sidecar-key.ts";
import { runOneOff } from "../local/one-off.ts";
import { sidecarKeyOf } from "../local/sidecar-key.ts";
import { readSecret, readSidecarId } from "./secret.ts";

const help = `Makes the key of one sidecar from the deployment's secret. Run it where the secret is, not on the sidecar's machine.

Usage: npm run -s sidecar:key -- --name <name> [--number <n>]

  --name <name>  What tells the sidecar apart from the others, like fra-1: up to 32 characters
  --number <n>   Which of its keys, as the Worker's setting sidecarKeys has it. Default: 1
  --help         This text

The secret comes from the environment, ORION_SECRET, or from standard input. The key goes to standard output, and into
the sidecar's environment as ORION_SIDECAR_KEY.
`;

const text = { type: "string" } as const;

await runOneOff(
  { help, options: { name: text, number: text, help: { type: "boolean" } } },
  async ({ values }) => {
    const id = readSidecarId(values);
    console.log(sidecarKeyText(sidecarKeyOf(await readSecret(), id)));
  },
);
