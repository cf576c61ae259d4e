/** Whatever is asked over HTTP is answered as docs/protocol.md says, and changes nothing that it may not. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { problems } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { asGateway, secret, tokenOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { pageFolder } from "../../page/build.ts";
import { patienceMs, reportEffort, runs, together } from "./effort.ts";
import { mutatedBody, mutatedText, oddText } from "./mutations.ts";
import { expectNoLeak, expectRefusal, type Witnesses, witnesses } from "./witnesses.ts";

let server: Server;
let storage: string;
let lobby: Witnesses;
let gone: Player;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
beforeAll(async () => {
  storage = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  server = await startTestServer({ secret, persist: storage });
  lobby = await witnesses(server.url);
  gone = await Player.connect(server.url);
  await gone.leave();
});
afterAll(async () => {
  agent.destroy();
  await server.stop();
  rmSync(storage, { recursive: true });
});
reportEffort();

/** `body` is binary text: a character is a byte. */
type Wish = { method: string; path: string; headers?: OutgoingHttpHeaders; body?: string; chunked?: boolean };
type Reply = { status: number; text: string; type: string };

async function ask({ method, path, headers = {}, body: binary, chunked = false }: Wish): Promise<Reply> {
  const body = binary === undefined ? undefined : Buffer.from(binary, "latin1");
  return await new Promise((resolve, reject) => {
    const length = chunked ? { "transfer-encoding": "chunked" } : { "content-length": body?.length ?? 0 };
    const { hostname: host, port } = server.url;
    const sent = httpRequest({ agent, host, port, method, path, headers: { ...headers, ...length } });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const type = response.headers["content-type"] ?? "";
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), type });
      });
    });
    if (body && chunked) for (let i = 0; i < body.length; i += 1_000) sent.write(body.subarray(i, i + 1_000));
    sent.end(chunked ? undefined : body);
  });
}

const codes = new Set(Object.keys(problems));

/** Sends all of them at once, has every answer looked at, and then the witnesses asked. */
async function batch<T>(rim: string, inputs: T[], look: (input: T) => Promise<void>): Promise<void> {
  await together(rim, inputs, look);
  await lobby.seeNothing();
}

function batchOf<T>(input: Arbitrary<T>): Arbitrary<T[]> {
  return fc.array(input, { minLength: 1, maxLength: 30, size: "max" });
}

/** What the server in front of the Worker says of requests that it cannot even hand on. */
const platformAnswers = [400, 414, 431];

function expectProper(reply: Reply, method: string): void {
  // A file, the same for everybody. It names its scripts.
  if (reply.status === 200 && reply.type.startsWith("text/html") && method === "GET") {
    expect(reply.text).toBe(readFileSync(join(pageFolder, "index.html"), "utf8"));
    return;
  }
  expectNoLeak(reply.text, [...lobby.all, gone]);
  if (reply.status < 400 || method === "HEAD") return;
  if (reply.type === "text/plain") {
    expect(reply.status).toBeOneOf(platformAnswers);
    return;
  }
  expect(reply.type).toBe("application/json");
  expectRefusal(reply, codes);
}

/** Tokens that are no connected client's: of one that left, of another deployment, of clients that never were. */
function wrongToken(): Arbitrary<string> {
  const { token } = lobby.guest;
  const [holder = "", clientId = ""] = token.split(".");
  return fc.oneof(
    fc.constantFrom(
      gone.token,
      tokenOf("Ada"),
      tokenOf("Ada", { holder }),
      tokenOf("Ada", { holder: "99999999" }),
    ),
    fc.constant(tokenOf(clientId, { holder, under: "another secret, of other people" })),
    fc.constant(tokenOf(clientId, { holder: String(Number(holder) + 1) })),
    mutatedText(token).filter((text) => text !== token),
  );
}

/** What docs/protocol.md says of each body's fields, but for the token. */
const isName = (value: unknown) =>
  typeof value === "string" && /^[A-Za-z0-9_][A-Za-z0-9_ ]{0,49}$/.test(value);
const isOneOf = (value: unknown, ...texts: unknown[]) => value === undefined || texts.includes(value);
type Fields = Record<string, unknown>;
const routes: { path: (lobbyId: string) => string; body: object; isValid: (fields: Fields) => boolean }[] = [
  {
    path: () => "/lobbies",
    body: {
      hostName: "Host",
      lobbyName: "Lobby",
      isPublic: true,
      maxMembers: 8,
      onLoss: "abort",
      privacy: "open",
    },
    isValid: ({ hostName, lobbyName, isPublic, maxMembers, onLoss, privacy }) =>
      isName(hostName) &&
      isName(lobbyName) &&
      typeof isPublic === "boolean" &&
      Number.isInteger(maxMembers) &&
      Number(maxMembers) >= 1 &&
      Number(maxMembers) <= 64 &&
      isOneOf(onLoss, "abort", "continue") &&
      isOneOf(privacy, "open", "relay-only"),
  },
  {
    path: (lobbyId) => `/lobbies/${lobbyId}/join`,
    body: { peerName: "Late" },
    isValid: ({ peerName }) => isName(peerName),
  },
  { path: (lobbyId) => `/lobbies/${lobbyId}/ptp/start`, body: {}, isValid: () => true },
];

/** The fields of a body that is one, or null. */
function fieldsOf(body: string): Fields | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(Buffer.from(body, "latin1")));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Of somebody who has a seat already, and is not the host: the best that any body may come to is 409. */
function expectedOf(body: string, isValid: (fields: Fields) => boolean): number {
  if (body.length > 16 * 1024) return 413;
  const fields = fieldsOf(body);
  return fields && fields.token === lobby.guest.token && isValid(fields) ? 409 : 400;
}

test.each(routes.map((route) => [route.path("ABCDE"), route] as const))(
  "POST %s: a body is refused for what is wrong with it, and for nothing else",
  async (_, { path, body, isValid }) => {
    const bodies = mutatedBody({ token: lobby.guest.token, ...body });
    const spoiled = wrongToken().map((token) =>
      Buffer.from(JSON.stringify({ token, ...body })).toString("latin1"),
    );
    const input = fc.record({
      body: fc.oneof({ arbitrary: bodies, weight: 4 }, spoiled),
      chunked: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(batchOf(input), (inputs) =>
        batch("HTTP bodies", inputs, async ({ body, chunked }) => {
          const reply = await ask({ method: "POST", path: path(lobby.lobbyId), body, chunked });
          expectProper(reply, "POST");
          const expected = expectedOf(body, isValid);
          // Nor may anybody ask too often, however well.
          expect(reply.status).toBeOneOf(expected === 409 ? [409, 429] : [expected]);
        }),
      ),
      runs(25),
    );
  },
  patienceMs,
);

test.each([true, false])("a byte order mark is no part of a body (chunked: %s)", async (chunked) => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  const body = `\xef\xbb\xbf${JSON.stringify({ token: host.token, peerName: "Late" })}`;
  const reply = await ask({ method: "POST", path: `/lobbies/${lobbyId}/join`, body, chunked });
  expect(JSON.parse(reply.text)).toMatchObject({ codes: ["already_in_lobby"] });
});

test(
  "a gateway's header is believed as it was signed, and with anything else in it the request is refused",
  async () => {
    const path = "/lobbies/rabid:Fuzzed/join";
    const genuine = asGateway()("POST", path)["orion-gateway"] ?? "";
    const header = fc
      .oneof(fc.constant(genuine), { arbitrary: mutatedText(genuine), weight: 9 }, oddText)
      .filter((text) => /^[\x20-\x7e\xa0-\xff]*$/.test(text));
    await fc.assert(
      fc.asyncProperty(batchOf(header), (headers) =>
        batch("gateways' headers", headers, async (text) => {
          const reply = await ask({ method: "POST", path, headers: { "orion-gateway": text }, body: "{}" });
          expectProper(reply, "POST");
          expect(reply.status).toBe(text.trim() === genuine ? 400 : 401);
        }),
      ),
      runs(25),
    );
  },
  patienceMs,
);

/** What Node sends as a path. */
const isSendable = (path: string) => /^\/[\x21-\xff]*$/.test(path) && !path.includes("#");
const pathPiece = fc.oneof(
  fc.constantFrom(
    "lobbies",
    "ping",
    "sidecar",
    "heartbeat",
    "observations",
    "join",
    "ptp",
    "start",
    "",
    ".",
    "..",
  ),
  fc.constantFrom(
    "%2e%2e",
    "%2F",
    "%00",
    "%",
    "%zz",
    "%c3%28",
    "lobbies%20",
    "LOBBIES",
    ";x=1",
    "\\",
    "//",
    "a".repeat(4_000),
  ),
  oddText.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.string({ maxLength: 8 }),
);
const oddPath = () =>
  fc.oneof(
    mutatedText(`/lobbies/${lobby.lobbyId}/join`),
    mutatedText(`/lobbies/${lobby.lobbyId}/ptp/start`),
    mutatedText("/sidecar/heartbeat"),
    mutatedText("/lobbies?limit=5&cursor=0-1&name=a"),
    fc.array(pathPiece, { maxLength: 6 }).map((pieces) => `/${pieces.join("/")}`),
  );

const methods = [
  ...[
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "HEAD",
    "TRACE",
    "PROPFIND",
    "PURGE",
    "REPORT",
    "SEARCH",
  ],
];
const headerValue = fc.oneof(
  fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((unit) => String.fromCharCode(unit)),
    maxLength: 40,
  }),
  fc.constantFrom("\xff\xfe", "*", "gzip", "bytes=0-0", "0", "-1", "null", "a".repeat(8_000)),
);
const oddHeaders: Arbitrary<OutgoingHttpHeaders> = fc.dictionary(
  fc.constantFrom(
    ...[
      "accept",
      "accept-encoding",
      "authorization",
      "cf-connecting-ip",
      "content-encoding",
      "content-type",
      "cookie",
    ],
    ...[
      "if-none-match",
      "origin",
      "range",
      "referer",
      "upgrade",
      "user-agent",
      "x-forwarded-for",
      "x-orion-signature",
    ],
    ...[
      "access-control-request-method",
      "access-control-request-headers",
      "x-http-method-override",
      "__proto__",
    ],
  ),
  headerValue,
  { maxKeys: 4 },
);

test(
  "any method on any path, with any headers, is answered, and changes nothing",
  async () => {
    const { guest, lobbyId } = lobby;
    const paths = routes.map(({ path }) => path(lobbyId));
    const known = fc.constantFrom(
      ...paths,
      "/ping",
      "/lobbies?limit=1",
      "/sidecar/heartbeat",
      "/sidecar/observations",
    );
    const body = mutatedBody({ token: guest.token, peerName: "Late", hostName: "Host", lobbyName: "Lobby" });
    const input = fc.record({
      method: fc.constantFrom(...methods),
      path: fc.oneof(known, oddPath().filter(isSendable)),
      headers: oddHeaders,
      body: fc.option(body, { nil: undefined }),
      chunked: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(batchOf(input), (inputs) =>
        batch("HTTP requests", inputs, async (wish) => {
          const reply = await ask(clean(wish));
          expectProper(reply, wish.method);
          // Nobody here may do anything: the only successes are those of questions.
          const isQuestion = ["GET", "HEAD", "OPTIONS"].includes(wish.method);
          expect(reply.status).toBeOneOf(
            isQuestion ? [200, 204, 400, 404, 405, 414] : [400, 401, 403, 404, 405, 408, 409, 413, 414, 429],
          );
        }),
      ),
      runs(25),
    );
  },
  patienceMs,
);

/** Without what Node makes of a body's absence. */
function clean({ body, ...wish }: Omit<Wish, "body"> & { body: string | undefined }): Wish {
  return body === undefined ? { ...wish, chunked: false } : { ...wish, body };
}

/** Names to look for are counted in characters. */
const isQuery = ({ limit = "", cursor = "", name = "" }: Record<string, string | undefined>) =>
  (limit === "" || (/^\d{1,3}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 200)) &&
  (cursor === "" || /^\d{1,4}-\d{1,15}$/.test(cursor)) &&
  [...name].length <= 50;

test(
  "any query of the list is answered with lobbies, or refused",
  async () => {
    const cursor = fc.tuple(fc.nat(12_000), fc.nat()).map(([shard, order]) => `${shard}-${order}`);
    const value = fc.oneof(oddText, cursor, fc.integer({ min: -5, max: 1_005 }).map(String));
    const other = oddText.filter((text) => !["where", "sort", "open", "game"].includes(text));
    const key = fc.oneof({ arbitrary: fc.constantFrom("limit", "cursor", "name"), weight: 5 }, other);
    const input = fc.array(fc.tuple(key, value), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(batchOf(input), (inputs) =>
        batch("HTTP queries", inputs, async (pairs) => {
          const query = new URLSearchParams();
          for (const [key, value] of pairs) query.append(key.toWellFormed(), value.toWellFormed());
          const reply = await ask({ method: "GET", path: `/lobbies?${query}` });
          expectProper(reply, "GET");
          if (reply.status === 414 && String(query).length > 30_000) return;
          // Of one that is given twice, whichever way it is read.
          const isDoubled = ["limit", "cursor", "name"].some((key) => query.getAll(key).length > 1);
          const expected = isQuery(Object.fromEntries(query)) ? 200 : 400;
          expect(reply.status).toBeOneOf(isDoubled ? [200, 400] : [expected]);
          if (reply.status === 200)
            expect(JSON.parse(reply.text)).toMatchObject({ lobbies: expect.any(Array) });
        }),
      ),
      runs(25),
    );
  },
  patienceMs,
);

test(
  "any search for a game's lobbies is answered with lobbies, or refused for what is wrong with it",
  async () => {
    const genuine =
      "map:eq:dust s.WyJkdXN0IiwzLDE0MSwyXQ 0-1-2-0 skill:lte:1200 -members title:ne:x true chess";
    const value = fc.oneof(oddText, fc.constantFrom(...genuine.split(" ")), mutatedText("members:gte:2"));
    const key = fc.constantFrom("where", "where", "sort", "open", "game", "cursor", "name");
    const input = fc.array(fc.tuple(key, value), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(batchOf(input), (inputs) =>
        batch("HTTP searches", inputs, async (pairs) => {
          const query = new URLSearchParams();
          for (const [key, value] of pairs) query.append(key, value.toWellFormed());
          const reply = await ask({ method: "GET", path: `/lobbies?${query}` });
          expectProper(reply, "GET");
          if (reply.status === 414 && String(query).length > 30_000) return;
          expect(reply.status).toBeOneOf([200, 400]);
          const read = JSON.parse(reply.text);
          if (reply.status === 200) expect(read).toMatchObject({ lobbies: expect.any(Array) });
          const codes = ["invalid_query", "invalid_search", "invalid_game"];
          for (const code of read.codes ?? []) expect(code).toBeOneOf(codes);
        }),
      ),
      runs(25),
    );
  },
  patienceMs,
);

test(
  "any body of a match by somebody who has a seat is refused, and the seat stays",
  async () => {
    const create = { lobbyName: "Lobby", maxMembers: 4, title: "Tee", data: { map: "dust" }, graceMs: 0 };
    const wish = { game: "chess", peerName: "Late", where: ["map:eq:dust"], create };
    const bodies = mutatedBody({ token: lobby.guest.token, ...wish });
    await fc.assert(
      fc.asyncProperty(batchOf(bodies), (inputs) =>
        batch("HTTP match bodies", inputs, async (body) => {
          const reply = await ask({ method: "POST", path: "/lobbies/match", body });
          expectProper(reply, "POST");
          expect(reply.status).toBeOneOf([400, 409, 413, 429]);
        }),
      ),
      runs(25),
    );
  },
  patienceMs,
);

/** The objects that exist, by what they have on disk. */
const objects = () =>
  readdirSync(storage, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".sqlite"))
    .sort();

test(
  "nobody without a genuine token wakes an object, whichever holder the token names",
  async () => {
    const before = objects();
    expect(before.length).toBeGreaterThan(3);
    const under = "another secret, of other people";
    const holder = fc.nat(99_999_999).map(String);
    const token = fc.oneof(
      holder.map((holder) => tokenOf("Ada", { holder, under })),
      holder.map((holder) => `${holder}${lobby.guest.token.slice(lobby.guest.holder.length)}`),
      mutatedText(lobby.guest.token),
    );
    const code = fc.string({
      unit: fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
      minLength: 5,
      maxLength: 5,
    });
    const input = fc.record({
      token: token.filter((text) => text !== lobby.guest.token),
      code,
      route: fc.constantFrom(...routes),
    });
    await fc.assert(
      fc.asyncProperty(batchOf(input), (inputs) =>
        batch("HTTP tokens", inputs, async ({ token, code, route }) => {
          const body = Buffer.from(JSON.stringify({ token, ...route.body })).toString("latin1");
          const { status } = await ask({ method: "POST", path: route.path(code), body });
          expect(status).toBe(400);
        }),
      ),
      runs(20),
    );
    // Files of lobbies that are over are swept meanwhile.
    expect(objects().filter((path) => !before.includes(path))).toEqual([]);
  },
  patienceMs,
);

test("after all that, players still meet", async () => {
  await carryMediation(server.url, { direct: true, udpPort: server.sidecar?.port ?? 0 });
  await lobby.host.start(lobby.lobbyId);
  for (const player of lobby.all) await player.hears("ptpMediation_peersConnection_start");
});
