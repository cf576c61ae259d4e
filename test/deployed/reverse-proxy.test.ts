import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { request } from "../../measure/kit/player.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const noCaddy = spawnSync("caddy", ["version"]).error !== undefined;
const title = "the reverse proxy of deploy/caddy/worker.Caddyfile";

describe.skipIf(noCaddy)(noCaddy ? `${title} (skipped: there is no caddy on this machine)` : title, () => {
  let folder: string;
  const caddies: Program[] = [];
  let server: Server;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "orion-edge-caddy-"));
    server = await startTestServer();
  });
  afterAll(async () => {
    await Promise.all([server.stop(), ...caddies.map((caddy) => caddy.stop())]);
    rmSync(folder, { recursive: true });
  });

  /** The proxy's own URL, once it serves. */
  async function startCaddy(edge: string): Promise<URL> {
    const port = await freeTcpPort();
    // Around the file, only what keeps it apart from a Caddy that this machine may run already.
    const config = join(folder, `Caddyfile-${port}`);
    writeFileSync(config, `{\n\tadmin off\n}\nimport ${join(root, "deploy/caddy/worker.Caddyfile")}\n`);
    const caddy = startProgram("caddy", ["run", "--config", config, "--adapter", "caddyfile"], {
      ORION_SITE: `http://:${port}`,
      ORION_EDGE: edge,
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
    });
    caddies.push(caddy);
    await caddy.prints(/serving initial configuration/);
    return new URL(`http://127.0.0.1:${port}`);
  }

  test("3 players meet, connect and part through it, by both paths", async () => {
    const proxy = await startCaddy(server.url.origin);
    const udpPort = server.sidecar?.port ?? 0;
    for (const direct of [false, true]) await carryMediation(proxy, { direct, udpPort });
  });

  test("a refusal comes through it as the edge said it", async () => {
    const proxy = await startCaddy(server.url.origin);
    const init = { method: "POST", body: "{}" };
    const [through, straight] = [
      await request(proxy, "/lobbies", init),
      await request(server.url, "/lobbies", init),
    ];
    expect(straight.status).toBe(400);
    expect({ ...through, headers: null }).toEqual({ ...straight, headers: null });
  });

  test("the Worker is called by its own name, by which Cloudflare finds it", async () => {
    const listener = createServer((request, response) => response.end(request.headers.host));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    try {
      const proxy = await startCaddy(`http://${host}`);
      expect(await (await fetch(proxy)).text()).toBe(host);
    } finally {
      listener.close();
    }
  });
});
