import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Server } from "../../local/server.ts";
import { navigation, requestWith } from "../../measure/kit/browser-request.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { Player, request } from "../../measure/kit/player.ts";
import { descendants, descendantsNamed, runs } from "../../measure/kit/processes.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";

// wrangler takes some seconds to start, more on a busy machine.
const slow = 90_000;
const node = process.execPath;
const temporary = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe("the Worker under wrangler, and a sidecar that knows only its URL and the secret", () => {
  const secret = randomBytes(24).toString("base64url");
  let base: URL;
  let udpPort: number;
  let dev: Program;
  beforeAll(async () => {
    const httpPort = await freeTcpPort();
    udpPort = await freeUdpPort();
    base = new URL(`http://127.0.0.1:${httpPort}`);
    const ports = ["--httpPort", String(httpPort), "--udpPort", String(udpPort)];
    const environment = { ORION_SECRET: secret, TMPDIR: temporary };
    dev = startProgram("npm", ["run", "-s", "dev", "--", ...ports], environment);
    await dev.prints(/knows this sidecar/);
  }, slow);
  afterAll(() => dev.stop());

  for (const direct of [false, true]) {
    test(`3 players meet, connect and part, by the ${direct ? "direct" : "plain"} path`, async () => {
      await carryMediation(base, { direct, udpPort });
    });
  }

  test("a browser gets the page where a game's WebSocket opens, and its scripts without the Worker", async () => {
    const page = await requestWith(base, "/", navigation);
    expect([page.status, page.headers.get("x-frame-options")]).toEqual([200, "DENY"]);
    const script = /"(\/assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? "";
    for (const path of ["/sdk.js", script]) {
      const { status, headers } = await request(base, path);
      expect([status, headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
      expect(headers.get("content-type")).toMatch(/javascript/);
    }
    expect((await Player.connect(base, "/")).token).not.toBe("");
    expect((await requestWith(base, "/nowhere", navigation)).text).toContain("<code>not_found</code>");
    expect((await request(base, "/healthz")).body).toMatchObject({ status: "ready", sidecars: 1 });
  });

  test("a client that offers subprotocols is given the first of them", async () => {
    const socket = new WebSocket(base.href.replace(/^http/, "ws"), ["orion", "other"]);
    await once(socket, "message");
    expect(socket.protocol).toBe("orion");
    socket.close();
  });

  test("both loopback addresses answer, as games try either for localhost", async () => {
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      expect(await (await fetch(`http://${host}:${base.port}/ping`)).text()).toBe("pong");
    }
  });

  test("the demo's players meet there", async () => {
    const demo = startProgram("npm", ["run", "-s", "demo", "--", base.href]);
    expect({ code: await demo.ended, output: demo.output }).toEqual({
      code: 0,
      output: expect.stringContaining("Now the game would begin."),
    });
  });

  test("a second one on the same port says so in a sentence and leaves the first alone", async () => {
    const second = startProgram("npm", ["run", "-s", "dev", "--", "--httpPort", base.port]);
    expect(await second.ended).toBe(1);
    expect(second.output).toBe(
      `TCP port ${base.port} is in use by another program. Choose another with --httpPort.\n`,
    );
    expect((await request(base, "/ping")).status).toBe(200);
  });

  test("the secret is in no command line and in no output, and nothing of it stays", async () => {
    const commands = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    expect(commands).toContain(`--port ${base.port}`);
    expect(commands).not.toContain(secret);
    await dev.stop();
    expect(dev.output).not.toContain(secret);
    expect(readdirSync(temporary).filter((name) => name.startsWith("orion-edge-dev-"))).toEqual([]);
    await expect(fetch(new URL("/ping", base))).rejects.toThrow("fetch failed");
  });
});

describe("the end of npm run dev", () => {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    test(
      `after ${signal} to npm, players hear close code 1012 and nothing runs any more`,
      async () => {
        const base = new URL(`http://127.0.0.1:${await freeTcpPort()}`);
        const ports = `--httpPort ${base.port} --udpPort ${await freeUdpPort()}`;
        const shell = startProgram("sh", ["-c", `npm run -s dev -- ${ports} & wait $!`], {
          TMPDIR: temporary,
        });
        await shell.prints(/knows this sidecar/);
        const all = descendants(shell.pid);
        const player = await Player.connect(base);
        const [npm = 0] = descendantsNamed(shell.pid, "npm");
        process.kill(npm, signal);
        expect(await player.closed).toMatchObject({ code: 1012 });
        await vi.waitFor(() => expect(all.filter(runs)).toEqual([]), { timeout: 30_000, interval: 100 });
      },
      slow,
    );
  }

  test.skipIf(process.platform !== "linux")(
    "after SIGKILL to its own process, nothing runs any more",
    async () => {
      const ports = ["--httpPort", String(await freeTcpPort()), "--udpPort", String(await freeUdpPort())];
      const killed = startProgram(node, ["local/dev.ts", ...ports], { TMPDIR: temporary });
      await killed.prints(/knows this sidecar/);
      const all = descendants(killed.pid);
      process.kill(killed.pid, "SIGKILL");
      await vi.waitFor(() => expect(all.filter(runs)).toEqual([]), { timeout: 30_000, interval: 100 });
    },
    slow,
  );
});

test("npm run dev takes any free ports where it is told 0, says which, and tells how players connect", {
  timeout: slow,
}, async () => {
  const dev = startProgram("npm", ["run", "-s", "dev", "--", "--httpPort=0", "--udpPort", "0"]);
  try {
    await dev.prints(/knows this sidecar/);
    const [, edge = ""] = /edge (http:\/\/127\.0\.0\.1:\d+)/.exec(dev.output) ?? [];
    const [, udpPort] = /\bport (\d+)/.exec(dev.output) ?? [];
    expect((await request(new URL(edge), "/ping")).status).toBe(200);
    await carryMediation(new URL(edge), { direct: true, udpPort: Number(udpPort) });
    await dev.prints(/ \d\d:\d\d:\d\d \S+ connected 3 of 3 in \d/);
  } finally {
    await dev.stop();
  }
});

describe("the demo", () => {
  test("without a URL its players meet all the same, and it ends by itself", async () => {
    const demo = startProgram("npm", ["run", "-s", "demo"]);
    expect({ code: await demo.ended, output: demo.output }).toEqual({
      code: 0,
      output: expect.stringContaining("Now the game would begin."),
    });
  });

  test("one sentence says that there is no server, or no URL", async () => {
    const nobody = `http://127.0.0.1:${await freeTcpPort()}`;
    for (const [url, sentence] of [
      [nobody, `No Orion server answers at ${nobody}.\n`],
      ["my server", 'A server\'s URL begins with http:// or https://, and "my server" does not.\n'],
    ] as const) {
      const demo = startProgram(node, ["local/demo.ts", url]);
      expect({ code: await demo.ended, output: demo.output }).toEqual({ code: 1, output: sentence });
    }
  });
});

describe("an edge without a sidecar", () => {
  const secret = "the secret of the deployment";
  let edge: Server;
  beforeAll(async () => {
    edge = await startTestServer({ udpPort: null, secret });
  });
  afterAll(() => edge.stop());

  const startSidecar = (under: string, port: number) =>
    startProgram(node, ["udp-sidecar/main.ts"], {
      ORION_EDGE: edge.url.origin,
      ORION_UDP_PORT: String(port),
      ORION_METRICS_PORT: "off",
      ORION_SIDECAR_KEY: keyTextOf("vm-1", { under }),
    });

  test("a sidecar with another secret says so, and the edge stays without one until the right one comes", async () => {
    const [host, guest] = [await Player.connect(edge.url), await Player.connect(edge.url)];
    const lobbyId = String((await host.host()).body?.lobbyId);
    await guest.join(lobbyId, "Guest");

    const stranger = startSidecar("the secret of somebody else", await freeUdpPort());
    await stranger.prints(/sidecar_not_accepted.*"another_secret"/);
    expect(await host.start(lobbyId)).toMatchObject({ status: 503, body: { codes: ["no_sidecar"] } });

    const udpPort = await freeUdpPort();
    const sidecar = startSidecar(secret, udpPort);
    await sidecar.prints(/sidecar_accepted/);
    expect((await host.start(lobbyId)).status).toBe(200);
    expect(await guest.hears("ptpMediation_send")).toMatchObject({ port: udpPort });
    expect(stranger.output).not.toContain("sidecar_accepted");
    expect(stranger.output + sidecar.output).not.toMatch(/the secret of/);

    await Promise.all([host.leave(), guest.leave(), stranger.stop(), sidecar.stop()]);
  });
});

test(
  "a Worker without a secret answers 503 not_configured, and its log says what to do",
  async () => {
    const port = await freeTcpPort();
    const noSecrets = join(temporary, "no-secrets.env");
    writeFileSync(noSecrets, "");
    const worker = startProgram(
      node,
      [
        join(root, "node_modules/wrangler/bin/wrangler.js"),
        ...["dev", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
        ...["--env-file", noSecrets, "--persist-to", join(temporary, "state")],
      ],
      {
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_REGISTRY_PATH: join(temporary, "registry"),
        TMPDIR: temporary,
      },
    );
    try {
      await worker.prints(/Ready on/);
      for (const path of ["/ping", "/lobbies"]) {
        expect(await request(new URL(`http://127.0.0.1:${port}`), path)).toMatchObject({
          status: 503,
          body: { codes: ["not_configured"] },
        });
      }
      await worker.prints(/wrangler secret put ORION_SECRET/);
    } finally {
      await worker.stop();
    }
  },
  slow,
);
