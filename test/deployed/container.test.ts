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
import { sidecarFile } from "../../deploy/sidecar-file.ts";
import type { Server } from "../../local/server.ts";
import { freeTcpPort, root, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

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
      expect(stageOf("built").runs.at(-1)).toContain(`deploy/sidecar-file.ts ${from}/orion-edge-sidecar.mjs`);
      mkdirSync(join(folder, to), { recursive: true });
      writeFileSync(join(folder, to, "orion-edge-sidecar.mjs"), await sidecarFile());
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
