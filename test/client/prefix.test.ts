/** A server behind a path of a site that has other things, too. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect as connectTcp } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { connect as connectPage } from "../../client/browser.ts";
import { connect } from "../../client/index.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { next } from "./heard.ts";

const prefix = "/games/orion";

/** A reverse proxy that passes on what is under the prefix, HTTP and WebSockets, and nothing else. */
async function siteOf(server: URL): Promise<URL> {
  const proxy = createServer((incoming, response) => {
    if (!incoming.url?.startsWith(`${prefix}/`)) return response.writeHead(404).end();
    const { method, headers } = incoming;
    const outgoing = request(new URL(incoming.url.slice(prefix.length), server), { method, headers });
    outgoing.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  proxy.on("upgrade", ({ url = "", rawHeaders }, near) => {
    if (!url.startsWith(`${prefix}/`)) return near.destroy();
    const far = connectTcp(Number(server.port), server.hostname);
    const headers = rawHeaders.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
    far.write(`GET ${url.slice(prefix.length)} HTTP/1.1\r\n${headers}\r\n`);
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return new URL(`http://127.0.0.1:${address.port}${prefix}`);
}

test.each(["", "/", "/?from=menu#play"])(
  "players meet on a server whose URL has a path, written with %j at its end",
  async (end) => {
    const server = await startTestServer();
    onTestFinished(() => server.stop());
    const site = (await siteOf(server.url)).href + end;
    await using ada = await (await connect(site)).host({ name: "Ada", isPublic: true });
    const page = await connectPage(site);
    const { lobbies } = await page.list();
    expect(lobbies.map(({ code }) => code)).toEqual([ada.code]);
    await using cy = await page.join(ada.code, { name: "Cy" });
    const heard = next(ada, "chat");
    await cy.chat("Hello");
    expect(await heard).toMatchObject({ from: "Cy", text: "Hello" });
    const left = next(ada, "left");
    await cy.leave();
    await left;
    await using bo = await (await connect(site)).join(ada.code, { name: "Bo" });
    const [hers, his] = await Promise.all([ada.start(), bo.started()]);
    expect([...hers, ...his].map(({ peer }) => peer.name)).toEqual(["Bo", "Ada"]);
    await Promise.all([...hers, ...his].map((link) => link.close()));
  },
);
