/** The folder for a VPS: the server as its unit starts it, behind Caddy with the Caddyfile and a certificate of Caddy's own. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";

const noCaddy = spawnSync("caddy", ["version"]).error !== undefined;
const title = "a server on a VPS";

/** An address by which this machine calls itself as another one would; none without a network. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4");

describe.skipIf(noCaddy)(noCaddy ? `${title} (skipped: there is no caddy on this machine)` : title, () => {
  let folder: string;
  let site: URL;
  /** Of the authority that signs Caddy's certificate here. */
  let authority: string;
  const programs: Program[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "orion-edge-vps-"));
    const [httpPort, httpsPort, udpPort] = [await freeTcpPort(), await freeTcpPort(), await freeUdpPort()];
    site = new URL(`https://localhost:${httpsPort}`);
    const own = [`--httpPort=${httpPort}`, `--udpPort=${udpPort}`, "--secondUdpPort=0"];
    const server = startProgram(process.execPath, [...serverArguments(), ...own, "--socketsPerAddress=2"]);
    programs.push(server);
    await server.prints(/Orion Edge/);
    // Around the file, only what keeps it apart from this machine's own Caddy and its trusted authorities.
    const config = join(folder, "Caddyfile");
    const apart = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n";
    writeFileSync(config, `${apart}import ${join(root, "deploy/caddy/server.Caddyfile")}\n`);
    const caddy = startProgram("caddy", ["run", "--config", config, "--adapter", "caddyfile"], {
      ORION_SITE: site.origin,
      ORION_PORT: String(httpPort),
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
    });
    programs.push(caddy);
    await caddy.prints(/certificate obtained successfully/);
    authority = join(folder, "caddy/pki/authorities/local/root.crt");
    // Caddy says so a moment before it shows the certificate to others.
    await vi.waitFor(() => get("/ping"), { timeout: 30_000, interval: 100 });
  }, 120_000);
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    rmSync(folder, { recursive: true });
  });

  /** What the unit starts, for a site of this name. */
  function serverArguments(): string[] {
    const unit = readFileSync(join(root, "deploy/systemd/orion-edge.service"), "utf8");
    const [, command = ""] = /^ExecStart=\S+\/node (.*)$/m.exec(unit) ?? [];
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    return words.map((word) => word.replace(/https:\/\/\$\{ORION_SITE\}/, site.origin));
  }

  const trusting = () => ({ ca: readFileSync(authority) });

  async function get(path: string): Promise<{ status: number; type: string; body: string }> {
    const asked = request(new URL(path, site), { agent: new Agent(trusting()) }).end();
    const [answer] = await once(asked, "response");
    const body = Buffer.concat(await answer.toArray()).toString();
    return { status: answer.statusCode, type: String(answer.headers["content-type"]), body };
  }

  test("people get the page over HTTPS, and pages get the SDK", async () => {
    const page = await get("/");
    expect(page).toMatchObject({ status: 200, type: expect.stringContaining("text/html") });
    const sdk = await get("/sdk.js");
    expect(sdk).toMatchObject({ status: 200, type: expect.stringContaining("javascript") });
    expect(sdk.body).toContain("connect");
  });

  test("three players meet on it, chat and connect over UDP, past Caddy", async () => {
    const demo = startProgram(process.execPath, ["local/demo.ts", site.href], {
      NODE_EXTRA_CA_CERTS: authority,
    });
    onTestFinished(() => demo.stop());
    expect({ code: await demo.ended, errors: demo.errors }).toEqual({ code: 0, errors: "" });
  });

  /** Connects to this address of the machine, and so from it, perhaps with these headers. The HTTP status: 101 if it may. */
  async function status(address: string, headers: Record<string, string> = {}): Promise<number> {
    const url = `wss://${address}:${site.port}/lobbies`;
    const name = { servername: site.hostname, headers: { Host: site.host, ...headers } };
    const socket = new WebSocket(url, { ...trusting(), ...name });
    onTestFinished(() => socket.terminate());
    return await new Promise((resolve, reject) => {
      socket.on("open", () => resolve(101));
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      socket.on("error", reject);
    });
  }

  test.skipIf(!outside)(
    "each player counts by the address that Caddy saw, whatever a header claims",
    async () => {
      const { address = "" } = outside ?? {};
      expect([await status(address), await status(address)]).toEqual([101, 101]);
      expect(await status(address)).toBe(429);
      expect(await status(address, { "X-Forwarded-For": "203.0.113.7" })).toBe(429);
      // Somebody else, who comes by Caddy as well.
      expect(await status("127.0.0.1")).toBe(101);
    },
  );

  test("pages of this site may use it, and pages of others not", async () => {
    expect(await status("127.0.0.1", { Origin: site.origin })).toBe(101);
    expect(await status("127.0.0.1", { Origin: "https://other.example" })).toBe(403);
  });
});
