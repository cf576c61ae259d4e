import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ownProblems } from "../../client/error.ts";
import { causes } from "../../client/index.ts";
import { abortReasons, problems } from "../../core/problem.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const readme = readFileSync(join(root, "client/README.md"), "utf8");

test("the example does what the page says it does, and ends by itself", async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-example-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [, example = ""] = /```ts\n(import[^`]*(?:`[^`]+`[^`]*)*?)```/.exec(readme) ?? [];
  const script = example
    .replace('"orion-edge-client"', JSON.stringify(join(root, "client/index.ts")))
    .replace("http://localhost:5980", server.url.href);
  expect(script).toContain(server.url.href);
  const file = join(folder, "example.ts");
  writeFileSync(file, script);
  const program = startProgram(process.execPath, [file]);
  expect(await program.ended).toBe(0);
  expect(program.output).toBe("Ada says: Ready?\nAda sends: Hello over UDP!\n");
});

test("every code of the SDK's own and every cause is on the page, with its sentence", () => {
  for (const code of Object.keys(ownProblems)) expect(readme).toContain(`\`${code}\``);
  for (const [cause, sentence] of Object.entries(causes)) {
    expect(readme).toContain(`| \`${cause}\` | ${sentence} |`);
  }
});

test("every refusal and every reason for an abort that a game can get is on the page", () => {
  // Only sidecars get these; the SDK says that it knows links.
  const {
    invalid_post: _,
    unauthorized: __,
    stale_post: ___,
    outdated_sidecar: ____,
    host_not_listed: _____,
    needs_links: ______,
    ...forClients
  } = problems;
  const codes = Object.keys({ ...forClients, ...abortReasons });
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
