/** What the programs that make sidecars' keys read: the deployment's secret, and which sidecar it is. */
import { quotedValue } from "../core/command-line.ts";
import { positiveInteger } from "../core/settings.ts";
import { type SidecarId, sidecarNameShape } from "../core/sidecar-key.ts";
import { secretText, shortestSecret } from "../core/token.ts";

/** From `--name` and `--number`. Throws a sentence. */
export function readSidecarId(values: { name?: string; number?: string }): SidecarId {
  const name = values.name?.trim() ?? "";
  if (!sidecarNameShape.test(name)) {
    const rule = "1 to 32 characters, each one of A-Z, a-z, 0-9, dot, dash or underscore";
    throw new Error(`--name must have ${rule}, not ${quotedValue(name)}.`);
  }
  const number = positiveInteger(values.number ?? "1");
  if (number === null) {
    throw new Error(`--number must be a whole number from 1 up, not ${quotedValue(values.number ?? "")}.`);
  }
  return { name, number };
}

/** From the environment, or from standard input. Throws a sentence. */
export async function readSecret(): Promise<string> {
  const secret = secretText(process.env.ORION_SECRET) || secretText(await standardInput());
  if (secret.length < shortestSecret) {
    throw new Error(`The secret must have ${shortestSecret} characters or more, as the Worker's has.`);
  }
  return secret;
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
