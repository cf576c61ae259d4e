import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ownProblems } from "../../client/error.ts";
import { causes } from "../../client/index.ts";
import { abortReasons, type ProblemCode, problems } from "../../core/problem.ts";
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
  const elsewhere = new Set<string>([
    // Only sidecars, their gateways and groovejet's clients get these; the SDK says that it knows links.
    ...([
      "invalid_post",
      "unauthorized",
      "stale_post",
      "outdated_sidecar",
      "host_not_listed",
      "needs_links",
    ] as const),
    ...([
      "invalid_code",
      "invalid_gateway",
      "name_in_use",
      "gateway_busy",
      "host_away",
      "host_present",
    ] as const),
    // Only operators do.
    ...(["key_in_url", "not_confirmed", "wrong_operator_key", "read_only_key", "foreign_host"] as const),
    // A WebSocket is told nothing but that it fails.
    "upgrade_missing",
    // The SDK deals with these by itself: of a relay over WebSocket.
    ...(["invalid_ticket", "ticket_expired"] as const),
  ] satisfies ProblemCode[]);
  const codes = Object.keys({ ...problems, ...abortReasons }).filter((code) => !elsewhere.has(code));
  expect(codes.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
