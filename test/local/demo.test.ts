/** `npm run demo` from its command line: what it says, and which servers it finds. */
import { once } from "node:events";
import { createServer, request as forward, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const demo = (...args: string[]) => startProgram("node", ["local/demo.ts", ...args]);

let server: Server;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A reverse proxy that serves it below a path, and has nothing anywhere else. */
async function proxyUnder(prefix: string, target: URL) {
  const inside = ({ url = "" }: IncomingMessage) =>
    url.startsWith(prefix) ? url.slice(prefix.length - 1) : null;
  const proxy = createServer((asked, answer) => {
    const path = inside(asked);
    if (path === null) {
      answer.writeHead(404).end("nothing here");
      return;
    }
    const { method, headers } = asked;
    const on = forward(new URL(path, target), { method, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    asked.pipe(on);
  });
  proxy.on("upgrade", (asked, socket, head) => {
    const path = inside(asked);
    if (path === null) return socket.destroy();
    const on = connect(Number(target.port), target.hostname, () => {
      const lines = asked.rawHeaders.flatMap((name, i, all) =>
        i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : [],
      );
      on.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      on.write(head);
      socket.pipe(on).pipe(socket);
    });
    for (const end of [socket, on]) end.on("error", () => {});
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    stop: () => {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}

test("players meet on a server below a path, with a slash at its end or without", async () => {
  const proxy = await proxyUnder("/orion/", server.url);
  for (const url of [proxy.url, proxy.url.slice(0, -1)]) {
    const program = demo(url);
    await program.ended;
    expect(program.errors).toBe("");
    expect(program.output).toContain(`Three players meet at ${proxy.url.slice(0, -1)}\n`);
    expect(program.output).toContain("\nNow the game would begin.\n");
    for (const line of [
      "Cy   joins the running game",
      "Bo   comes back to Ada, Bo, Cy",
      "Bo is the host now",
    ])
      expect(program.output).toContain(line);
    expect(program.output).toMatch(/The game goes on\.\n$/);
  }
  proxy.stop();
});

test("--help tells how to run it, and runs nothing", async () => {
  const program = demo("--help");
  expect(await program.ended).toBe(0);
  expect(program.errors).toBe("");
  expect(program.output).toMatch(/^Usage: npm run demo/m);
  expect(program.output).not.toContain("Ada ");
});

describe("a command line with a mistake is one clear line, and exit code 1", () => {
  test.concurrent.each<[what: string, args: string[], says: RegExp]>([
    ["an unknown option", ["--url=http://127.0.0.1:5980"], /^Unknown option --url\./],
    ["two servers", ["http://127.0.0.1:1", "http://[::1]:1"], /"http:\/\/\[::1\]:1" is not an option/],
    ["a URL without its beginning", ["127.0.0.1:5980"], /^.* Did you mean http:\/\/127\.0\.0\.1:5980\?$/],
    ["a host alone", ["localhost"], /"localhost" .* Did you mean http:\/\/localhost\?$/],
    ["a WebSocket's URL", ["ws://localhost:5980/x"], /Did you mean http:\/\/localhost:5980\/x\?$/],
    ["no URL at all", ["http://"], /^A server's URL begins with .*"http:\/\/" does not\.$/],
    [
      "a server that is not there",
      ["http://127.0.0.1:9"],
      /^No Orion server answers at http:\/\/127\.0\.0\.1:9\./,
    ],
  ])("%s", async (_, args, says) => {
    const program = demo(...args);
    expect(await program.ended).toBe(1);
    expect(program.errors.trim()).toMatch(says);
    expect(program.errors.trim().split("\n")).toHaveLength(1);
    expect(program.output).toBe(program.errors);
  });
});
