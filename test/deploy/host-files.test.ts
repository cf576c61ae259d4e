/** What an operator copies onto a machine: units, sysctl, firewall, Caddyfiles. Each is good, and refuses to run half-configured. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../../measure/kit/program.ts";
import { bufferBytes } from "../../udp-sidecar/socket.ts";

const folder = mkdtempSync(join(tmpdir(), "orion-edge-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (path: string) => readFileSync(join(root, "deploy", path), "utf8");
const has = (command: string, ...args: string[]) => spawnSync(command, args).error === undefined;
const run = (command: string, args: string[], env: NodeJS.ProcessEnv = {}) => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, said: stdout + stderr };
};

const units = ["orion-sidecar", "orion-edge"];

describe.skipIf(!has("systemd-analyze", "--version"))("systemd", () => {
  for (const unit of units) {
    /** Tenths of systemd's exposure level, 0 to 10: below 2 it says OK. */
    const threshold = "17";

    test(`takes ${unit}.service, and finds little that a thief of it could do`, () => {
      // The programs that it starts are elsewhere on this machine.
      const own = join(folder, unit);
      mkdirSync(own);
      const path = join(own, `${unit}.service`);
      writeFileSync(
        path,
        file(`systemd/${unit}.service`).replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`),
      );
      const verified = run("systemd-analyze", ["verify", "--recursive-errors=no", path]);
      expect(verified).toEqual({ status: 0, said: expect.not.stringContaining(unit) });
      const { status, said } = run("systemd-analyze", [
        "security",
        "--offline=true",
        `--threshold=${threshold}`,
        path,
      ]);
      expect({ status, said: status === 0 ? "" : said }).toEqual({ status: 0, said: "" });
    });
  }
});

test("no unit has a secret in its environment, and each names the files without which it does not start", () => {
  for (const unit of units) {
    const text = file(`systemd/${unit}.service`);
    const needed = [...text.matchAll(/^(?:EnvironmentFile|LoadCredential)=-?(?:[\w.]+:)?(\S+)$/gm)].map(
      ([, path]) => path,
    );
    const asserted = [...text.matchAll(/^AssertFileNotEmpty=(\S+)$/gm)].map(([, path]) => path);
    expect(needed.length).toBeGreaterThan(0);
    expect(asserted).toEqual(needed);
    expect(text).not.toMatch(/^Environment=.*(?:SECRET|KEY)=/m);
  }
});

test("the system gives a UDP port as much buffer as the sidecar asks for", () => {
  expect(file("sysctl/60-orion-edge.conf")).toMatch(
    new RegExp(`^net\\.core\\.rmem_max = ${bufferBytes}$`, "m"),
  );
});

const canFilter = process.getuid?.() === 0 && has("nft", "--version") && has("unshare", "--version");

describe.skipIf(!canFilter)("the firewall", () => {
  /** Loads rules in a network of their own. */
  const load = (text: string) => {
    const path = join(folder, "rules.nft");
    writeFileSync(path, text);
    return run("unshare", ["-n", "nft", "-f", path]);
  };

  test("takes the rules for the whole server", () => {
    expect(load(file("nftables/server.nft"))).toEqual({ status: 0, said: "" });
  });

  test("takes the rules for a sidecar, and names the file that they need", () => {
    const rules = file("nftables/sidecar.nft");
    expect(load(rules)).toMatchObject({
      status: 1,
      said: expect.stringContaining("/etc/orion-edge/firewall.nft"),
    });
    // Its example is in the comment above.
    const example = [...rules.matchAll(/^#.*(define .*)$/gm)].map(([, line]) => line).join("\n");
    const own = join(folder, "firewall.nft");
    writeFileSync(own, `${example}\n`);
    const configured = rules.replaceAll("/etc/orion-edge/firewall.nft", own);
    expect(load(configured)).toEqual({ status: 0, said: "" });
    writeFileSync(own, example.replace(/^define ssh_from.*$/m, ""));
    expect(load(configured)).toMatchObject({ status: 1, said: expect.stringContaining("ssh_from") });
  });
});

describe.skipIf(!has("caddy", "version"))("Caddy", () => {
  const both = { ORION_SITE: "play.example.com", ORION_EDGE: "https://orion-edge.example.workers.dev" };
  const adapt = (name: string, env: NodeJS.ProcessEnv) =>
    run("caddy", ["adapt", "--adapter", "caddyfile", "--config", join(root, "deploy/caddy", name)], {
      ORION_SITE: undefined,
      ORION_EDGE: undefined,
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
      ...env,
    });

  test("takes both files, and names the variable that is missing", () => {
    for (const name of ["server.Caddyfile", "worker.Caddyfile"]) {
      expect(adapt(name, both)).toMatchObject({ status: 0 });
      const { ORION_EDGE, ORION_SITE } = both;
      expect(adapt(name, { ORION_EDGE })).toMatchObject({
        status: 1,
        said: expect.stringContaining("set_ORION_SITE"),
      });
      if (name === "worker.Caddyfile")
        expect(adapt(name, { ORION_SITE })).toMatchObject({
          status: 1,
          said: expect.stringContaining("set_ORION_EDGE"),
        });
    }
  });
});

test.skipIf(process.platform !== "linux")(
  "the installer says all that is missing, and installs nothing",
  () => {
    // Programs of a machine that has no systemd and an old Node.js.
    const bin = join(folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "node"), '#!/bin/sh\n[ "$1" != --version ] || echo v18.0.0\nexit 1\n');
    chmodSync(join(bin, "node"), 0o755);
    for (const tool of ["id", "sed", "tail", "grep", "sh"])
      spawnSync("sh", ["-c", `ln -s "$(command -v ${tool})" ${bin}/${tool}`]);
    const { status, said } = run(join(bin, "sh"), [join(root, "deploy/install-sidecar.sh"), folder], {
      PATH: bin,
    });
    expect(status).toBe(1);
    const codes = [...said.matchAll(/^ {2}(\w+): /gm)].map(([, code]) => code);
    expect(codes).toEqual(expect.arrayContaining(["no_systemd", "no_file", "old_node", "no_edge", "no_key"]));
  },
);

const canMount =
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/etc"]).status === 0;

test.skipIf(!canMount)("the installer names files that an editor on Windows has saved", () => {
  // In a mount namespace with an /etc of its own.
  const script = [
    "mount -t tmpfs none /etc && mkdir /etc/orion-edge",
    "printf 'ORION_EDGE=https://play.example.org\\r\\n' > /etc/orion-edge/sidecar.env",
    "printf 'v1\\n' > /etc/orion-edge/sidecar.key",
    'sh "$0" /nowhere',
  ].join("\n");
  const { status, said } = run("unshare", [
    "-m",
    "sh",
    "-c",
    script,
    join(root, "deploy/install-sidecar.sh"),
  ]);
  expect(status).toBe(1);
  const found = [...said.matchAll(/^ {2}(windows_lines|wrong_key): .*$/gm)].map(([line]) => line);
  expect(found).toEqual([
    expect.stringMatching(/sidecar\.env has the line ends of Windows: sed -i 's\/\\r\$\/\/' \/etc/),
    expect.stringContaining("wrong_key"),
  ]);
});
