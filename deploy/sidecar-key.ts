/** `npm run sidecar:key`: prints what one sidecar needs, as one text for one variable. The secret stays where this runs. */
import { commandLineMistake, parseCommandLine, quotedValue } from "../core/command-line.ts";
import { positiveInteger } from "../core/settings.ts";
import { sidecarKeyText, sidecarNameShape } from "../core/sidecar-key.ts";
import { secretText, shortestSecret } from "../core/token.ts";
import { sidecarKeyOf } from "../local/sidecar-key.ts";

const help = `Makes the key of one sidecar from the deployment's secret. Run it where the secret is, not on the sidecar's machine.

Usage: npm run -s sidecar:key -- --name <name> [--number <n>]

  --name <name>  What tells the sidecar apart from the others, like fra-1: up to 32 characters
  --number <n>   Which of its keys, as the Worker's setting sidecarKeys has it. Default: 1
  --help         This text

The secret comes from the environment, ORION_SECRET, or from standard input. The key goes to standard output, and into
the sidecar's environment as ORION_SIDECAR_KEY.
`;

try {
  await run();
} catch (error) {
  console.error(`${commandLineMistake(error)} (--help tells all options)`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseCommandLine({
    args: process.argv.slice(2),
    options: { name: text, number: text, help: { type: "boolean" } },
    environment: process.env,
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const name = values.name?.trim() ?? "";
  if (!sidecarNameShape.test(name)) {
    const rule = "1 to 32 characters, each one of A-Z, a-z, 0-9, dot, dash or underscore";
    throw new Error(`--name must have ${rule}, not ${quotedValue(name)}.`);
  }
  const number = positiveInteger(values.number ?? "1");
  if (number === null) {
    throw new Error(`--number must be a whole number from 1 up, not ${quotedValue(values.number ?? "")}.`);
  }
  const secret = secretText(process.env.ORION_SECRET) || secretText(await standardInput());
  if (secret.length < shortestSecret) {
    throw new Error(`The secret must have ${shortestSecret} characters or more, as the Worker's has.`);
  }
  console.log(sidecarKeyText(sidecarKeyOf(secret, { name, number })));
}

/** All of it. Nobody types a secret where others can read it on the screen. */
async function standardInput(): Promise<string> {
  if (process.stdin.isTTY) {
    throw new Error("Give the secret by the environment: read -rs ORION_SECRET && export ORION_SECRET");
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
