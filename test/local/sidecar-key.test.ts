/** `npm run sidecar:key`: what an operator gets for one sidecar, and that the secret is nowhere in it. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";
import { keyTextOf, secret } from "../../measure/kit/secret.ts";

async function run(
  args: string[],
  { environment = {}, input = "" }: { environment?: object; input?: string } = {},
) {
  const child = spawn(process.execPath, ["deploy/sidecar-key.ts", ...args], {
    cwd: root,
    env: { ...process.env, ORION_SECRET: "", ...environment },
  });
  child.stdin.end(input);
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.on("close", resolve);
  });
  expect(output + errors).not.toContain(secret);
  return { code, output, errors };
}

test("prints the key of a name, from the secret in the environment or on standard input, with spaces around it or not", async () => {
  const expected = { code: 0, output: `${keyTextOf("fra-1")}\n`, errors: "" };
  expect(await run(["--name", "fra-1"], { environment: { ORION_SECRET: secret } })).toEqual(expected);
  expect(await run(["--name=fra-1"], { input: `\ufeff${secret}\r\n` })).toEqual(expected);
});

test("prints another key for another number", async () => {
  const { output } = await run(["--name", "fra-1", "--number", "2"], { input: secret });
  expect(output).toBe(`${keyTextOf("fra-1", { number: 2 })}\n`);
  expect(output).not.toBe(`${keyTextOf("fra-1")}\n`);
});

test.each([
  ["no name", [], secret, /--name must have/],
  ["a name of two words", ["--name", "two words"], secret, /--name must have/],
  ["no secret", ["--name", "fra-1"], "", /16 characters/],
  ["a short secret", ["--name", "fra-1"], "tooshort", /16 characters/],
  ["a number that is none", ["--name", "fra-1", "--number", "0"], secret, /--number must be/],
  ["the secret for the name", ["--name", `${secret} `.repeat(2)], secret, /--name must have/],
])("of %s it says what is wrong, in one sentence, and prints no key", async (_, args, input, says) => {
  const { code, output, errors } = await run(args, { input });
  expect([code, output]).toEqual([1, ""]);
  expect(errors).toMatch(says);
  expect(errors.trim().split("\n")).toHaveLength(1);
});
