/** The workflow for game studios and the file for cloud-init: they parse, ask for little, and name things that are there. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";

const path = join(root, "deploy/github/deploy.yml");
const workflow = readFileSync(path, "utf8");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

type Reader = typeof import("@actions/workflow-parser");

/** GitHub's own reader, bundled: it imports JSON in a way that Node.js refuses. */
async function openReader(): Promise<Reader> {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-reader-"));
  try {
    const outfile = join(folder, "reader.cjs");
    const entryPoints = ["@actions/workflow-parser"];
    await build({ entryPoints, outfile, bundle: true, platform: "node", format: "cjs", absWorkingDir: root });
    return createRequire(import.meta.url)(outfile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What GitHub would not take in a workflow. */
async function faultsOf(content: string, reader: Reader): Promise<string[]> {
  const { NoOperationTraceWriter, parseWorkflow, convertWorkflowTemplate } = reader;
  const { context, value } = parseWorkflow({ name: "deploy.yml", content }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

describe("the workflow", () => {
  test("is one that GitHub takes", async () => {
    const reader = await openReader();
    expect(await faultsOf(workflow, reader)).toEqual([]);
    // GitHub's reader sees a wrong key, a job that is not there, and a context or an expression that is none.
    for (const [right, wrong] of [
      ["timeout-minutes: 30", "timeout-minute: 30"],
      ["needs: test", "needs: tests"],
      ["if: vars.SIDECARS", "if: varss.SIDECARS"],
      ["secrets.CLOUDFLARE_API_TOKEN }}", "secrets.CLOUDFLARE_API_TOKEN || }}"],
    ] as const) {
      expect(workflow).toContain(right);
      expect({ wrong, faults: await faultsOf(workflow.replace(right, wrong), reader) }).not.toEqual({
        wrong,
        faults: [],
      });
    }
  });

  test("may read the repository, and nothing else", () => {
    expect(workflow).toMatch(/^permissions:\n {2}contents: read\n\n/m);
    expect(workflow.match(/permissions:/g)).toHaveLength(1);
    expect(workflow.match(/actions\/checkout@/g)?.length).toBe(
      workflow.match(/persist-credentials: false/g)?.length,
    );
  });

  test("runs only actions of one certain commit", () => {
    const uses = [...workflow.matchAll(/uses: (.*)$/gm)].map(([, what]) => what);
    expect(uses.length).toBeGreaterThan(5);
    for (const what of uses) expect(what).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("puts no secret into a script, where it would be shell", () => {
    const scriptLines = workflow
      .split("\n")
      .filter((line) => line.includes("${{") && !/^ +\w+: \$\{\{ [\w.]+ \}\}$/.test(line));
    expect(scriptLines).toEqual([]);
  });

  const noYaml = spawnSync("python3", ["-c", "import yaml"]).status !== 0;
  test.skipIf(noYaml)("and the file for cloud-init are YAML", () => {
    for (const file of [
      "github/deploy.yml",
      "cloud-init/sidecar.yaml",
      "container/compose.yaml",
      "prometheus/alerts.yml",
    ]) {
      const read = ["-c", "import sys, yaml; yaml.safe_load(open(sys.argv[1]))", join(root, "deploy", file)];
      const { status, stderr } = spawnSync("python3", read, { encoding: "utf8" });
      expect({ file, status, stderr }).toEqual({ file, status: 0, stderr: "" });
    }
  });
});

test("every script and file that is named in deploy/ is there", () => {
  for (const file of [
    "github/deploy.yml",
    "cloud-init/sidecar.yaml",
    "container/Dockerfile",
    "container/compose.yaml",
    "install-sidecar.sh",
  ]) {
    const text = readFileSync(join(root, "deploy", file), "utf8");
    const named = [...text.matchAll(/npm run (?:-s )?([a-z][\w:]*)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    const files = [...text.matchAll(/(?<![\w/.-])(deploy\/[\w./-]*\w|docs\/\w+\.md)/g)].map(
      ([, name = ""]) => name,
    );
    expect(files.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  }
});

const noCloudInit = spawnSync("cloud-init", ["--version"]).error !== undefined;
test.skipIf(noCloudInit)("cloud-init takes the file", () => {
  const file = join(root, "deploy/cloud-init/sidecar.yaml");
  const { status, stdout, stderr } = spawnSync("cloud-init", ["schema", "--config-file", file], {
    encoding: "utf8",
  });
  expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
});
