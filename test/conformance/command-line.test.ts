/** The kit as a program: what it prints, and how it ends. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readOptions } from "../../conformance/options.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { launchSmallClient } from "./small-client.ts";

const main = join(root, "conformance/main.ts");

test("a wrong command line is answered with a sentence", () => {
  const wrong = [
    [],
    ["--listen", "--command", "x"],
    ["--listen", "--level", "none"],
    ["--listen", "--run", "none"],
    ["--listen", "--port", "no"],
    ["--listen", "--parallel", "0"],
    ["--listen", "--patience", "-1"],
    ["--unknown"],
  ];
  for (const args of wrong) expect(readOptions(args)).toMatchObject({ kind: "error" });
  expect(readOptions(["--listen"])).toMatchObject({ runs: ["hosting", "joining", "aborting", "waiting"] });
  expect(readOptions(["--list"])).toEqual({ kind: "list" });
});

test("a client that ends at once is named, in JSON too, and the exit code says so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-conformance-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const json = join(folder, "results.json");
  const program = startProgram(process.execPath, [
    main,
    "--command",
    "true",
    "--run",
    "joining",
    "--json",
    json,
  ]);
  expect(await program.ended).toBe(1);
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({
    passed: false,
    results: [{ run: "joining", level: "orion", findings: [{ code: "no_connection", step: "join" }] }],
  });
});

test("a client that somebody starts by hand is waited for", async () => {
  const program = startProgram(process.execPath, [main, "--listen", "--run", "joining", "--port", "0"]);
  const asked = /start your client now, as <your client> (\S+) orion join "(.+)"/;
  await program.prints(asked);
  const [, url = "", code = ""] = asked.exec(program.output) ?? [];
  const client = await launchSmallClient({ url: new URL(url), level: "orion", role: "join", code }, null);
  onTestFinished(() => client.stop());
  expect({ code: await program.ended, output: program.output }).toMatchObject({ code: 0 });
});
