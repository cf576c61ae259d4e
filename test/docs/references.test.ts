/** What the pages name is there: files, sections, commands, options with their defaults, metrics, log lines, settings. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { help as conformanceHelp } from "../../conformance/options.ts";
import { settings } from "../../core/settings.ts";
import { readOptions as readStart, help as startHelp } from "../../local/options.ts";
import { help as benchHelp } from "../../measure/bench/options.ts";
import { root } from "../../measure/kit/program.ts";
import { keyTextOf } from "../../measure/kit/secret.ts";
import { help as labHelp } from "../../measure/lab/options.ts";
import { help as soakHelp } from "../../measure/soak/options.ts";
import { gatewayFlags } from "../../udp-sidecar/gateways/options.ts";
import { readOptions as readSidecar, help as sidecarHelp } from "../../udp-sidecar/options.ts";
import { found, pages } from "./pages.ts";

const source = (path: string) => readFileSync(join(root, path), "utf8");
const pageOf = (path: string) => pages.find((page) => page.path === path)?.text ?? "";
const { scripts, engines } = JSON.parse(source("package.json"));

/** Programs that cannot be asked without running them. */
function helpOf(path: string): string {
  return spawnSync(process.execPath, [path, "--help"], { cwd: root, encoding: "utf8" }).stdout;
}
const helps: Record<string, string> = {
  start: startHelp,
  sidecar: sidecarHelp,
  bench: benchHelp,
  lab: labHelp,
  conformance: conformanceHelp,
  soak: soakHelp,
  dev: helpOf("local/dev.ts"),
  demo: helpOf("local/demo.ts"),
  example: helpOf("examples/serve.ts"),
  "sidecar:key": helpOf("deploy/sidecar-key.ts"),
  "sidecar:install": helpOf("deploy/sidecar-install.ts"),
  "check:deployed": helpOf("deploy/check-deployed.ts"),
};
const flagsOf = (help: string) => [...help.matchAll(/^ {2}--(\w+)/gm)].map(([, flag]) => flag);

/** A heading's anchor, as GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

test("every link on the pages leads to a file that is there, and to a section of it", () => {
  const links = found(/\]\(([^)\s]+)\)/g).filter(({ what }) => !/^https?:/.test(what));
  expect(links.length).toBeGreaterThan(50);
  const dead = links.filter(({ page, what }) => {
    const [file = "", anchor] = what.split("#");
    const path = file === "" ? page.path : normalize(join(dirname(page.path), file));
    if (!existsSync(join(root, path))) return true;
    if (anchor === undefined) return false;
    const headings = [...source(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    return !headings.includes(anchor);
  });
  expect(dead.map(({ page, what }) => `${page.path}: ${what}`)).toEqual([]);
});

test("every file that the pages name is there", () => {
  const folders =
    "core|session|worker|udp-sidecar|client|conformance|local|deploy|measure|packages|page|examples|test|docs|\\.ci";
  const named = found(new RegExp(`\`((?:${folders})/[\\w./*-]*)\``, "g"));
  expect(named.length).toBeGreaterThan(20);
  // What is built need not be there yet.
  const written = named.filter(({ what }) => !what.includes("*") && !/\/dist\b/.test(what));
  const missing = written.filter(({ what }) => !existsSync(join(root, what)));
  expect(missing.map(({ page, what }) => `${page.path}: ${what}`)).toEqual([]);
});

/** Those of the example that this page is about. */
function ownScripts(page: string): object {
  const manifest = join(dirname(page), "package.json");
  return existsSync(join(root, manifest)) ? JSON.parse(source(manifest)).scripts : {};
}

test("every npm script that the pages name is one", () => {
  const named = found(/npm run (?:-s )?([a-z][\w:-]*)/g);
  expect(named.length).toBeGreaterThan(10);
  const unknown = named.filter(({ page, what }) => !(what in scripts) && !(what in ownScripts(page.path)));
  expect(unknown.map(({ page, what }) => `${page.path}: ${what}`)).toEqual([]);
});

describe("options", () => {
  test("on a command line on the pages, the program has them", () => {
    const commands = pages.flatMap(({ path, text }) =>
      [
        ...text.matchAll(
          /npm (?:start|run (?:-s )?(sidecar(?::key|:install)?|check:deployed|dev|demo|example|bench|lab|soak|conformance)) -- ([^`\n|#]*)/g,
        ),
      ].map(([line, program = "start", args = ""]) => ({ path, line, program, args })),
    );
    expect(commands.length).toBeGreaterThan(8);
    for (const { path, line, program, args } of commands) {
      const flags = [...args.matchAll(/--(\w+)/g)].map(([, flag]) => flag);
      const known = flagsOf(helps[program] ?? "");
      expect({ path, line, unknown: flags.filter((flag) => !known.includes(flag)) }).toMatchObject({
        unknown: [],
      });
    }
  });

  /** Options of other programs on the pages: npm, Node.js, systemctl, Docker, Podman, git, Godot and the example for Godot 3. */
  const foreign = [
    "omit",
    "all",
    "now",
    "system",
    "network",
    "shm",
    "ulimit",
    "ipv6",
    "restart",
    "save",
    "profile",
    "build",
    "detach",
    "loglevel",
    "dry",
    "format",
    "output",
    "path",
    "join",
    "no",
    "experimental",
  ];

  test("that the pages name are options of some program", () => {
    const known = [...Object.values(helps).flatMap(flagsOf), ...foreign];
    const named = found(/[\s`(]--([a-zA-Z]\w*)/g);
    const unknown = named.filter(({ what }) => !known.includes(what));
    expect(unknown.map(({ page, what }) => `${page.path}: --${what}`)).toEqual([]);
  });

  test("that --help tells are options that the program takes", () => {
    const unknown = (program: string) => {
      const key = { ORION_EDGE: "https://edge.example", ORION_SIDECAR_KEY: keyTextOf() };
      return flagsOf(helps[program] ?? "").filter((flag) => {
        const args = [`--${flag}`, "never mind"];
        const wish = program === "start" ? readStart(args) : readSidecar(args, key);
        return wish.kind === "error" && wish.why.startsWith("Unknown option");
      });
    };
    expect([unknown("start"), unknown("sidecar")]).toEqual([[], []]);
  });

  test("of the server and the sidecar are all on the page on settings", () => {
    const missing = (program: string) =>
      flagsOf(helps[program] ?? "").filter(
        (flag) => flag !== "help" && !pageOf("docs/settings.md").includes(`\`--${flag}\` |`),
      );
    expect({ start: missing("start"), sidecar: missing("sidecar") }).toEqual({ start: [], sidecar: [] });
  });

  test("have on the pages the default that --help tells", () => {
    const wrong = ["start", "sidecar"].flatMap((program) =>
      (helps[program] ?? "").split(/^ {2}(?=--)/m).flatMap((entry) => {
        const [, flag = ""] = /^--(\w+)/.exec(entry) ?? [];
        const [, value = ""] = /Default:\s+([\w.-]+)/.exec(entry) ?? [];
        if (!/^\d/.test(value)) return [];
        // Both programs have the options of gateways, and both read the environment for them.
        const readsEnvironment = program === "sidecar" || flag in gatewayFlags;
        const row = pageOf("docs/settings.md")
          .split("\n")
          .find((line) => line.includes(`\`--${flag}\` |`) && line.includes("ORION_") === readsEnvironment);
        return row?.split("|").some((cell) => cell.trim() === value) ? [] : [flag];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

test("a block of commands on the pages sets only variables that the program in it reads", () => {
  const blocks = found(/```sh\n([\s\S]*?)```/g).flatMap(({ page, what }) => {
    const [, program = ""] = /npm run (?:-s )?(sidecar(?::key)?)\b/.exec(what) ?? [];
    const set = [...what.matchAll(/(?:\bexport |^ *)(ORION_\w+)/gm)].map(([, name = ""]) => name);
    return program === "" ? [] : [{ path: page.path, program, set }];
  });
  expect(blocks.filter(({ set }) => set.length > 0).length).toBeGreaterThan(0);
  const unread = ({ program, set }: (typeof blocks)[number]) =>
    set.filter((name) => !new RegExp(`\\b${name}\\b`).test(helps[program] ?? ""));
  expect(blocks.filter((block) => unread(block).length > 0)).toEqual([]);
});

test("every metric on the pages is one of the sidecar's, or of the server's, and every one of those is there", () => {
  const names = (text: string) =>
    new Set([...text.matchAll(/\borion_(?!edge)[a-z_]+[a-z]\b/g)].map(([name]) => name));
  const sources = ["udp-sidecar/metrics.ts", "udp-sidecar/gateway-metrics.ts", "local/edge-metrics.ts"]
    .map(source)
    .join();
  const [told, made] = [names(pageOf("docs/watching.md")), names(sources)];
  expect([...told].sort()).toEqual([...made].sort());
});

test("every event on the page on watching is one that some program logs, and every one of those is there", () => {
  const tables = pageOf("docs/watching.md")
    .split(/\n(?=\| `event` \|)/)
    .slice(1);
  const cells = tables.flatMap((table) => [
    ...(table.split("\n\n", 1)[0]?.matchAll(/^\| (`[^|]+`) \|/gm) ?? []),
  ]);
  const told = cells.flatMap(([, cell = ""]) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name));
  const union = (path: string, type: string) =>
    new RegExp(`type ${type} =([^;]+);`).exec(source(path))?.[1]?.match(/(?<=")\w+(?=")/g) ?? [];
  const logged = [
    ...union("worker/platform/events.ts", "FaultEvent"),
    ...union("worker/platform/events.ts", "RefusalEvent"),
    ...union("worker/platform/events.ts", "RelayEvent"),
    ...union("udp-sidecar/log.ts", "SidecarEvent"),
    ...union("local/free-space.ts", "LocalLine"),
    ...[...source("core/lobby/life.ts").matchAll(/\| \{ event: "(\w+)"/g)].map(([, name = ""]) => name),
  ];
  expect(logged.length).toBeGreaterThan(35);
  expect(told.filter((name) => name !== "event").sort()).toEqual(logged.sort());
});

test("every setting of the Worker is on the page on settings, with the default that wrangler.toml has", () => {
  const page = pageOf("docs/settings.md");
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const row = (name: string | undefined) => rows.find(([, cell]) => cell === `\`${name}\``);
  expect(Object.keys(settings).filter((name) => !row(name))).toEqual([]);
  for (const [name, declared] of Object.entries(settings))
    expect({ name, flag: row(name)?.[2] }).toEqual({ name, flag: "flag" in declared ? `\`--${name}\`` : "" });
  const [, vars = ""] = /\[vars\]([\s\S]*?)\n\[/.exec(source("wrangler.toml")) ?? [];
  const names = [...vars.matchAll(/^(\w+) = /gm)].map(([, name = ""]) => name);
  expect(names.filter((name) => !Object.hasOwn(settings, name))).toEqual([]);
  for (const [, name, value = ""] of vars.matchAll(/^(\w+) = "?([^"\n]*)"?$/gm)) {
    expect({ name, told: row(name)?.[3]?.replaceAll("`", "").split(";")[0] }).toEqual({ name, told: value });
  }
});

test("the pages ask for one version of Node.js, which is the one in package.json", () => {
  const asked = found(/Node(?:\.js)?\]?(?:\([^)]*\))? (?:from )?(\d[\d.]*)/g).filter(
    // The SDK runs elsewhere, and has its own; so have packages.
    ({ page }) =>
      !["client/README.md", "examples/node-bot/README.md"].includes(page.path) &&
      !page.path.startsWith("packages/"),
  );
  expect(asked.length).toBeGreaterThan(2);
  expect(new Set(asked.map(({ what }) => what))).toEqual(new Set(["20"]));
  expect(engines).toEqual({ node: ">=20" });
});

test("a first npm ci is quiet: npm tells errors and nothing else", () => {
  expect(source(".npmrc").match(/^\w.*$/gm)).toEqual(
    expect.arrayContaining(["loglevel=error", "fund=false", "audit=false", "update-notifier=false"]),
  );
  const [, install = ""] = /## Try it\n[\s\S]*?```sh\n(.*)\n/.exec(pageOf("README.md")) ?? [];
  expect(install).toBe("npm ci && npm start");
  expect(pageOf("README.md").match(/npm ci(?! --omit)/g)).toHaveLength(1);
});
