/** What a person gets who opens the server in a browser, and what clients get who do not care for pages. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { problems } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { navigation, requestWith } from "../../measure/kit/browser-request.ts";
import { GroovejetClient } from "../../measure/kit/groovejet-client.ts";
import { type Answer, Player, post, request } from "../../measure/kit/player.ts";
import { root } from "../../measure/kit/program.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import {
  failCalls,
  failedCalls,
  setLimits,
  spoilCounting,
  startFaultyServer,
  startTestServer,
} from "../../measure/kit/server.ts";
import { buildSdkTypes, pageFolder } from "../../page/build.ts";

const deployed = { clientAddress: "cloudflare" };
const servers: [what: string, vars: Record<string, string>][] = [
  ["npm start", {}],
  ["a deployment", deployed],
];

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function expectPageHeaders({ headers }: Answer): void {
  expect(headers.get("content-type")).toMatch(/^text\/html; ?charset=utf-8$/i);
  expect(headers.get("content-security-policy")).toBe(policy);
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  expect(headers.get("permissions-policy")).toMatch(/\bcamera=\(\).*\bmicrophone=\(\)/);
}

/** The headers that HEAD and GET share. A proxy may leave the length out of HEAD (RFC 9110, 9.3.2). */
function lasting({ headers }: Answer): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => !["date", "content-length", "cf-cache-status"].includes(name)),
  );
}

for (const [what, vars] of servers) {
  describe(`at ${what}`, () => {
    let server: Server;
    beforeAll(async () => {
      server = await startTestServer({ udpPort: null, vars });
    });
    afterAll(() => server.stop());

    test("a browser that opens the server gets the page, under a strict policy", async () => {
      const answer = await requestWith(server.url, "/", navigation);
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(readFileSync(`${pageFolder}/index.html`, "utf8"));
      expectPageHeaders(answer);
    });

    test("a plain Orion client's WebSocket opens on /", async () => {
      const player = await Player.connect(server.url, "/");
      expect(player.token).not.toBe("");
      await player.leave();
    });

    test("WebSockets of groovejet's clients open on /", async () => {
      expect((await GroovejetClient.connect(server.url, "/")).clientId).not.toBe("");
      const { body } = await post(server.url, "/rooms", {});
      expect(body?.code).toEqual(expect.any(String));
      const host = await GroovejetClient.connect(server.url, `/?code=${body?.code}&host`);
      expect(host.clientId).not.toBe("");
      expect(host.all("error")).toEqual([]);
    });

    test("scripts and styles of the page may be kept for a day without asking again", async () => {
      const { text } = await requestWith(server.url, "/", navigation);
      const loaded = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
      expect(loaded.length).toBeGreaterThan(1);
      for (const path of loaded) {
        const answer = await request(server.url, path);
        expect(answer.status).toBe(200);
        expect(answer.headers.get("cache-control")).toMatch(/\bmax-age=86400\b.*\bimmutable\b/);
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      }
    });

    test("a page anywhere may load the second half of the SDK, which the first one names", async () => {
      const path = /assets\/sdk-lobbies-[\w-]+\.js/.exec((await request(server.url, "/sdk.js")).text)?.[0];
      const answer = await request(server.url, `/${path}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    });

    test("a page anywhere may import the SDK from /sdk.js", async () => {
      const answer = await request(server.url, "/sdk.js");
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(readFileSync(`${pageFolder}/sdk.js`, "utf8"));
      expect(answer.headers.get("content-type")).toMatch(/^(text|application)\/javascript/);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    });
  });
}

describe("the SDK's types", () => {
  test("are at /sdk.d.ts, as text that is no script", async () => {
    await buildSdkTypes();
    const server = await startTestServer({ udpPort: null });
    onTestFinished(() => server.stop());
    const answer = await request(server.url, "/sdk.d.ts");
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/\bconnect\b/);
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("a server that runs", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startFaultyServer();
    // A busy machine may take longer to ask the fleet.
    await setLimits(server.url, { healthPatienceMs: 60_000 });
  });
  afterAll(() => server.stop());

  test.each(["/", "/healthz", "/favicon.ico", "/favicon.svg", "/robots.txt", "/sdk.js", "/lobbies", "/ping"])(
    "HEAD %s has the headers of GET, and no body",
    async (path) => {
      const get = await requestWith(server.url, path, navigation);
      const head = await requestWith(server.url, path, navigation, "HEAD");
      expect([get.status, head.status, head.text]).toEqual([200, 200, ""]);
      expect(get.text).not.toBe("");
      expect(lasting(head)).toEqual(lasting(get));
    },
  );

  test("HEAD of a page that is not there has the headers of GET, and no body", async () => {
    const get = await requestWith(server.url, "/nowhere", navigation);
    const head = await requestWith(server.url, "/nowhere", navigation, "HEAD");
    expect([get.status, head.status, head.text]).toEqual([404, 404, ""]);
    expect(lasting(head)).toEqual(lasting(get));
  });

  test("a browser that has the page already gets no second copy", async () => {
    const { headers } = await requestWith(server.url, "/", navigation);
    const again = await requestWith(server.url, "/", {
      ...navigation,
      "if-none-match": headers.get("etag") ?? "",
    });
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  test.each([
    ["/favicon.ico", /^image\//],
    ["/favicon.svg", /^image\/svg\+xml/],
    ["/robots.txt", /^text\/plain/],
  ])("%s is there", async (path, type) => {
    const answer = await request(server.url, path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(type);
    expectRefused(await post(server.url, path, {}), 405, "method_not_allowed");
  });

  test.each(["POST", "PUT", "DELETE", "PATCH"])("%s / finds nothing, as it always did", async (method) => {
    expectRefused(await request(server.url, "/", { method }), 404, "not_found");
  });

  test.each(["/index.html", "/error.html", "/operator.html", "/_headers", "/site/main.ts", "/built.json"])(
    "%s is no address of the service",
    async (path) => {
      expectRefused(await request(server.url, path), 404, "not_found");
    },
  );

  test.each(["/assets/none-00000000.js", "/assets/", "/assets/%2e%2e/index.html", "/assets/../_headers"])(
    "there is no %s",
    async (path) => {
      expectRefused(await requestWith(server.url, path, {}), 404, "not_found");
    },
  );

  describe("a proxy that removes Upgrade", () => {
    const stripped = {
      connection: "close",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };

    test.each(["/", "/lobbies", "/lobbies/ABCDE", "/anything"])("is named on %s", async (path) => {
      const answer = await requestWith(server.url, path, stripped);
      expectRefused(answer, 426, "upgrade_missing");
    });

    test("does not keep a page from calling", async () => {
      const { status } = await requestWith(server.url, "/ping", { "sec-websocket-version": "13" });
      expect(status).toBe(200);
    });
  });

  describe("what cannot be answered", () => {
    const refusals: [method: string, path: string, status: number, code: keyof typeof problems][] = [
      ["GET", "/nowhere", 404, "not_found"],
      ["GET", "/lobbies?limit=0", 400, "invalid_query"],
      ["GET", "/lobbies/ABCDE", 400, "invalid_token"],
      ["GET", "/lobbies/ABCDE/join", 405, "method_not_allowed"],
    ];

    test.each(refusals)("is a page for people: %s %s", async (method, path, status, code) => {
      const answer = await requestWith(server.url, path, navigation, method);
      expect(answer.status).toBe(status);
      expectPageHeaders(answer);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.text).toContain(`<code>${code}</code>`);
      expect(answer.text).toContain(escaped(problems[code][1]));
      expect(answer.text).not.toContain("{{");
    });

    const programs: [who: string, headers: Record<string, string>][] = [
      ["one that says nothing", {}],
      ["curl", { accept: "*/*" }],
      ["a page's own fetch", { accept: "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }],
      ["a page's fetch of HTML", { accept: "text/html", "sec-fetch-mode": "cors" }],
      ["one that likes JSON better", { accept: "application/json, text/html;q=0.9" }],
      ["one that likes both", { accept: "text/html, application/json" }],
      ["one that takes no HTML", { accept: "text/html;q=0, */*" }],
      ["one that writes nonsense", { accept: "text/html;q=much, ,;;,=" }],
    ];
    for (const [who, headers] of programs) {
      test.each(refusals)(`is JSON for ${who}: %s %s`, async (method, path, status, code) => {
        expectRefused(await requestWith(server.url, path, headers, method), status, code);
      });
    }

    test("is a page in browsers that do not say that a person asks", async () => {
      const { accept } = navigation;
      expectPageHeaders(await requestWith(server.url, "/nowhere", { accept }));
    });

    test("is JSON for who sends a body", async () => {
      expectRefused(await requestWith(server.url, "/lobbies", navigation, "POST"), 400, "invalid_body");
    });

    test.each([
      "/<script>alert(1)</script>",
      "/%3Cscript%3Ealert(1)%3C/script%3E",
      "/lobbies/%22onload=%22alert(1)",
      "/nowhere?marked=<b>bold</b>",
    ])("is a page with nothing of the request in it: %s", async (path) => {
      const { status, text } = await requestWith(server.url, path, navigation);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).not.toMatch(/alert|marked|onload|bold/);
    });
  });

  describe("/healthz", () => {
    const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

    test("says that the server is ready, its version, and how many sidecars it has", async () => {
      const { status, body, headers } = await request(server.url, "/healthz");
      expect([status, body]).toEqual([200, { status: "ready", version, sidecars: 1 }]);
      expect(headers.get("cache-control")).toBe("no-store");
    });
  });
});

test("/healthz is ready without a sidecar, and says that there is none", async () => {
  const server = await startFaultyServer({ udpPort: null });
  onTestFinished(() => server.stop());
  await setLimits(server.url, { healthPatienceMs: 60_000 });
  const { status, body } = await request(server.url, "/healthz");
  expect([status, body]).toMatchObject([200, { status: "ready", sidecars: 0 }]);
});

test("/healthz says why a server is not ready, and the page for people says it as well", async () => {
  const server = await startTestServer({ udpPort: null, secret: "short" });
  onTestFinished(() => server.stop());
  const { status, body, headers } = await request(server.url, "/healthz");
  expect([status, body]).toMatchObject([503, { status: "not_ready", codes: ["not_configured"] }]);
  expect(headers.get("cache-control")).toBe("no-store");
  const page = await requestWith(server.url, "/", navigation);
  expect(page.status).toBe(503);
  expectPageHeaders(page);
  expect(page.text).toContain("<code>not_configured</code>");
});

test("/healthz says that the fleet does not answer, and asks it once in a while, however many ask", async () => {
  const server = await startFaultyServer({ udpPort: null });
  onTestFinished(() => server.stop());
  // However long it takes to answer all of them.
  await setLimits(server.url, { healthAgeMs: 3_600_000, healthPatienceMs: 3_600_000 });
  await failCalls(server.url, "live", "fail", 1_000);
  const answers = await Promise.all(Array.from({ length: 100 }, () => request(server.url, "/healthz")));
  for (const { status, body } of answers) {
    expect([status, body]).toMatchObject([503, { status: "not_ready", codes: ["unavailable"] }]);
  }
  expect(await failedCalls(server.url)).toBeLessThanOrEqual(4);
});

test("who loads too many pages is told so on a page, and goes on playing", async () => {
  const server = await startFaultyServer({ udpPort: null, vars: deployed });
  onTestFinished(() => server.stop());
  const from = { "cf-connecting-ip": "203.0.113.7" };
  await spoilCounting(server.url, "REQUESTS", "full");
  const page = await requestWith(server.url, "/", { ...navigation, ...from });
  expect(page.status).toBe(429);
  expect(page.headers.get("retry-after")).toBe("60");
  expectPageHeaders(page);
  expect((await request(server.url, "/ping", { headers: from })).status).toBe(200);
  expect((await request(server.url, "/healthz", { headers: from })).status).toBe(200);
});

describe("where the operator has named the pages that may call", () => {
  const named = { allowedOrigin: "https://game.example" };

  test("a deployment's own page may call, too", async () => {
    const server = await startTestServer({ udpPort: null, vars: { ...deployed, ...named } });
    onTestFinished(() => server.stop());
    const { origin } = server.url;
    const answer = await request(server.url, "/lobbies", { headers: { origin } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    expect((await Player.connect(server.url, "/", { origin })).token).not.toBe("");
    const other = await request(server.url, "/lobbies", { headers: { origin: "https://evil.example" } });
    expectRefused(other, 403, "origin_not_allowed");
  });

  test("npm start believes nobody who says that he is its own page", async () => {
    const server = await startTestServer({ udpPort: null, vars: named });
    onTestFinished(() => server.stop());
    const headers = { origin: "http://evil.example:5980", host: "evil.example:5980" };
    expectRefused(await requestWith(server.url, "/lobbies", headers), 403, "origin_not_allowed");
  });
});

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
