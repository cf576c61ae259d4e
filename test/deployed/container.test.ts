/**
 * The Dockerfile's steps without Docker: in a root of Debian 12, as node:24-slim has it, made by debootstrap and kept for the next time. The
 * image's root is read-only, its user has no rights, and /proc shows it its own processes alone.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { sidecarFile } from "../../packages/sidecar-file.ts";

/** Debian 12 with what every image of it has. Made once: it takes a minute. */
const debian = process.env.DEBIAN12_ROOT ?? join(tmpdir(), "orion-edge-debian12");
const mayRun =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  ["debootstrap", "unshare", "setpriv"].every((tool) => spawnSync(tool, ["--version"]).error === undefined);

async function makeDebian(): Promise<void> {
  if (existsSync(join(debian, "usr"))) return;
  const unfinished = `${debian}-unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const [code] = await once(
    spawn("debootstrap", ["--variant=minbase", "bookworm", unfinished], { stdio: "ignore" }),
    "close",
  );
  if (code !== 0) throw new Error(`debootstrap ended with ${code}.`);
  renameSync(unfinished, debian);
}

type Image = { workdir: string; user: string; copies: string[][]; entrypoint: string[]; runs: string[] };

/** What the last stage of this name does. */
function stageOf(name: string): Image {
  const text = readFileSync(join(root, "deploy/container/Dockerfile"), "utf8");
  const stage =
    text.split(/^(?=FROM )/m).find((part) => part.split("\n", 1)[0]?.endsWith(` AS ${name}`)) ?? "";
  const all = (word: string) =>
    [...stage.matchAll(new RegExp(`^${word} (.*)$`, "gm"))].map(([, rest = ""]) => rest);
  return {
    workdir: all("WORKDIR").at(-1) ?? "/",
    user: all("USER").at(-1) ?? "",
    copies: all("COPY").map((rest) => rest.split(" ").filter((word) => !word.startsWith("--"))),
    entrypoint: JSON.parse(all("ENTRYPOINT").at(-1) ?? "[]"),
    runs: all("RUN"),
  };
}

describe.skipIf(!mayRun)("an image of a sidecar", () => {
  const { workdir, user, copies, entrypoint, runs } = stageOf("sidecar");
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-image-"));
  let edge: Server;
  beforeAll(async () => {
    await makeDebian();
    cpSync(debian, folder, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.startsWith(join(debian, "dev/")),
    });
    chmodSync(folder, 0o755);
    // As in Node's own images.
    copyFileSync(process.execPath, join(folder, "usr/local/bin/node"));
    expect(runs).toEqual([]);
    for (const [from = "", to = ""] of copies) {
      // The stage "built" ends with this file.
      expect(stageOf("built").runs.at(-1)).toContain(
        `packages/sidecar-file.ts ${from}/orion-edge-sidecar.mjs`,
      );
      mkdirSync(join(folder, to), { recursive: true });
      writeFileSync(join(folder, to, "orion-edge-sidecar.mjs"), (await sidecarFile()).text);
    }
    mkdirSync(join(folder, "run/secrets"), { recursive: true });
    writeFileSync(join(folder, "run/secrets/sidecar_key"), `${keyTextOf("image-1")}\n`);
    edge = await startTestServer({ udpPort: null, secret });
  }, 240_000);
  afterAll(async () => {
    await edge?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs it as compose.yaml does: a read-only root, no capabilities, no new privileges, the host's network. */
  function start(environment: Record<string, string>) {
    const [uid = "", gid = ""] = user.split(":");
    const script = [
      `mount --bind ${folder} ${folder}`,
      `mount -t proc -o hidepid=invisible,subset=pid proc ${folder}/proc`,
      `mount -o remount,bind,ro ${folder}`,
      `exec chroot --userspec=${uid}:${gid} ${folder} setpriv --bounding-set=-all --no-new-privs env -C ${workdir} "$@"`,
    ].join("\n");
    return startProgram(
      "unshare",
      ["--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, "sh", ...entrypoint],
      environment,
    );
  }

  test("runs with a read-only root as another user, takes its key from a file, and the Worker accepts it", async () => {
    const metricsPort = await freeTcpPort();
    const sidecar = start({
      ORION_EDGE: edge.url.origin,
      ORION_SIDECAR_KEY_FILE: "/run/secrets/sidecar_key",
      ORION_UDP_PORT: "0",
      ORION_SECOND_UDP_PORT: "0",
      ORION_METRICS_PORT: String(metricsPort),
    });
    onTestFinished(() => sidecar.stop());
    await sidecar.prints(/sidecar_accepted/);
    expect(await (await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).text()).toBe("ok\n");
    expect(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).toContain(
      "process_resident_memory_bytes",
    );
    expect(sidecar.output).not.toMatch(/EROFS|EACCES|EPERM/);
  }, 120_000);

  test("says what is missing, and ends", async () => {
    const sidecar = start({ ORION_EDGE: edge.url.origin });
    expect(await sidecar.ended).toBe(1);
    expect(sidecar.output).toContain("ORION_SIDECAR_KEY_FILE");
  }, 60_000);
});

describe.skipIf(!mayRun)("the script that installs a sidecar", () => {
  beforeAll(makeDebian, 240_000);

  /** Runs it as root in a Debian of its own, which has these programs besides. What it has then, of what it should install. */
  function install(programs: string) {
    const made = spawnSync(
      process.execPath,
      [
        "deploy/sidecar-install.ts",
        "--name",
        "fra-1",
        "--edge",
        "https://edge.test",
        "--set",
        "ORION_RELAY_RATE=4",
      ],
      { cwd: root, encoding: "utf8", env: { ...process.env, ORION_SECRET: secret } },
    );
    expect(made.stderr).toBe("");
    // What it writes is in memory, and gone when it ends.
    const script = [
      `mount -t tmpfs tmpfs ${join(debian, "mnt")}`,
      `cd ${join(debian, "mnt")} && mkdir upper work new`,
      `mount -t overlay overlay -o lowerdir=${debian},upperdir=$PWD/upper,workdir=$PWD/work new`,
      programs,
      "chroot new sh 2>&1 || true",
      "cat new/etc/orion-edge/sidecar.env",
      "stat -c '%a %n' new/etc/orion-edge/* new/opt/orion-edge-sidecar/* new/etc/systemd/system/orion-*",
    ].join("\n");
    const { stdout } = spawnSync("unshare", ["--mount", "sh", "-ec", script], {
      input: made.stdout,
      encoding: "utf8",
    });
    return stdout;
  }

  test("says what is missing, or installs all of it with the key for root alone", () => {
    const bare = install(":");
    expect(bare).toContain("no_systemd");
    expect(bare).toContain("no_node");
    expect(bare).not.toContain("opt/orion-edge-sidecar");
    const systemctl = `printf '#!/bin/sh\\necho systemctl "$@"\\n' > new/usr/bin/systemctl`;
    const said = install(
      `${systemctl} && cp ${process.execPath} new/usr/bin/node && chmod 755 new/usr/bin/*ctl`,
    );
    expect(said).toContain("systemctl enable --quiet orion-sidecar");
    expect(said).toContain("ORION_EDGE=https://edge.test\nORION_RELAY_RATE=4\n");
    expect(said).toContain("600 new/etc/orion-edge/sidecar.key");
    expect(said).toContain("644 new/opt/orion-edge-sidecar/orion-edge-sidecar.mjs");
    expect(said).toContain("644 new/etc/systemd/system/orion-sidecar.service");
  }, 60_000);
});
