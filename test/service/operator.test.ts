/** The operator's view: what it shows, who may look, and what a key may do. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ProblemCode, problems } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { actKey, lookKey, Operator, operatorVars } from "../../measure/kit/operator.ts";
import { type Answer, lobbyOf, Player, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused as expectCodes } from "../../measure/kit/refusal.ts";
import {
  crash,
  failCalls,
  later,
  putToSleep,
  setLimits,
  spoilCounting,
  startFaultyServer,
  startLoggedServer,
} from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { platformLimits } from "../../worker/platform/limits.ts";

let server: Server & { readonly logged: readonly string[] };
let operator: Operator;
beforeAll(async () => {
  server = await startLoggedServer({ vars: { ...operatorVars, logLobbies: "on" } });
  operator = new Operator(server.url);
});
afterAll(() => server.stop());

const acting = () => new Operator(server.url, actKey);

const expectRefused = (answer: Answer, code: ProblemCode) => expectCodes(answer, problems[code][0], code);

/** What is told without anybody waiting for it arrives a moment later. */
const soon = async (look: () => Promise<void>) => await vi.waitFor(look, { interval: 50 });

describe("the view shows", () => {
  test("lobbies and players, public and private, from the opening to the end", async () => {
    const before = await operator.now();
    const open = await lobbyOf(3, server.url, { isPublic: true, direct: true });
    const hidden = await lobbyOf(2, server.url);
    await soon(async () => {
      const now = await operator.now();
      expect(now.silent).toEqual([]);
      expect(now.listed).toEqual({
        lobbies: before.listed.lobbies + 1,
        players: before.listed.players + 3,
      });
      expect(now.unlisted).toEqual({
        lobbies: before.unlisted.lobbies + 1,
        players: before.unlisted.players + 2,
      });
    });
    const { lobbies } = await operator.lobbies();
    const shown = new Map(lobbies.map((lobby) => [lobby.tag, lobby]));
    expect(shown.get(await operator.finds(open.lobbyId))).toMatchObject({ isPublic: true, members: 3 });
    expect(shown.get(await operator.finds(hidden.lobbyId))).toMatchObject({ isPublic: false, members: 2 });
    for (const player of [...open.all, ...hidden.all]) await player.leave();
    await soon(async () => {
      const now = await operator.now();
      expect([now.open.lobbies, now.unlisted]).toEqual([before.open.lobbies, before.unlisted]);
      expect(now.total.opened - before.total.opened).toBe(2);
      expect(now.total.closed - before.total.closed).toBe(2);
    });
  });

  test("how mediations end, now and in the chart", async () => {
    const { lobbyId, host, all } = await lobbyOf(2, server.url);
    await host.start(lobbyId);
    for (const player of all) {
      await player.hears("ptpMediation_peersConnection_start");
      player.reportsSuccess();
    }
    const failing = await lobbyOf(2, server.url, { features: ["links"] });
    await failing.host.start(failing.lobbyId);
    const { mediation } = await failing.host.hears("ptpMediation_send");
    failing.host.say("ptpMediation_peersConnection_failure", { mediation, cause: "udp-blocked", peers: [] });
    await soon(async () => {
      const { lastHour } = await operator.now();
      expect(lastHour.outcomes).toMatchObject({ unsaid: 1, failed: 1 });
      expect(lastHour.failed).toEqual({ "udp-blocked": 1 });
    });
    const { minutes, hours } = await operator.charts();
    expect([minutes.length, hours.length]).toEqual([60, 24]);
    // An hour may have ended between the two.
    const [unsaid, failed] = (["unsaid", "failed"] as const).map((what) =>
      hours.slice(-2).reduce((sum, { outcomes }) => sum + (outcomes[what] ?? 0), 0),
    );
    expect([unsaid, failed]).toEqual([1, 1]);
    for (const player of failing.all) await player.leave();
  });

  test("sidecars with their load and their age, and nothing of where they are", async () => {
    const { sidecars } = await operator.now();
    expect(sidecars).toEqual([
      { name: "local", load: expect.any(Number), relays: true, ageMs: expect.any(Number) },
    ]);
  });

  test("refusals by their codes, in one call for many", async () => {
    const before = (await operator.now()).total.refused.not_found ?? 0;
    for (let i = 0; i < 20; i++) await request(server.url, `/nothing/${i}`);
    await soon(async () => {
      // The next lobby takes them along; nobody waits for the isolate's own time.
      await (await lobbyOf(1, server.url)).host.leave();
      expect(((await operator.now()).total.refused.not_found ?? 0) - before).toBeGreaterThanOrEqual(20);
    });
  });

  test("what was counted before its objects slept", async () => {
    const before = await operator.now();
    const { all } = await lobbyOf(2, server.url);
    await soon(async () => expect((await operator.now()).open.players).toBe(before.open.players + 2));
    for (let number = 0; number < platformLimits.statsObjects; number++)
      await server.evict({ className: "Stats", name: `stats-${number}` }, "close").catch(() => {});
    const after = await operator.now();
    expect([after.open, after.total.opened]).toEqual([
      { lobbies: before.open.lobbies + 1, players: before.open.players + 2 },
      before.total.opened + 1,
    ]);
    for (const player of all) await player.leave();
  });
});

describe("an operator who looks into a lobby", () => {
  test("sees its members, and no secret of theirs", async () => {
    await setLimits(server.url, { presentMs: 0 });
    const { lobbyId, host, guests, all } = await lobbyOf(3, server.url, {
      graceMs: 60_000,
      features: ["pings"],
    });
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const tag = await operator.finds(lobbyId);
    expect(tag).toMatch(/^.-[0-9a-f]{6}$/);
    guests[0]?.vanish();
    await soon(async () => {
      const { lobby } = await operator.looksInto(tag);
      expect(lobby.members.map(({ clientId, presence }) => [clientId, presence.kind])).toEqual([
        [host.clientId, "connected"],
        [guests[0]?.clientId, "away"],
        [guests[1]?.clientId, "connected"],
      ]);
    });
    const { text } = await operator.asks(`lobbies/${tag}`);
    const secrets = all.flatMap(({ token, secretToken }) => [token, secretToken]);
    for (const secret of [lobbyId, "127.0.0.1", ...secrets]) expect(text).not.toContain(secret);
    for (const player of [host, ...guests.slice(1)]) await player.leave();
  });

  test("finds it by its code as people type it, and no code that nobody has opened", async () => {
    const { lobbyId, all } = await lobbyOf(1, server.url);
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const tag = await operator.finds(lobbyId);
    expect(await operator.finds(lobbyId.toLowerCase())).toBe(tag);
    expect(await operator.finds(tag)).toBe(tag);
    for (const lobby of ["00000", "", "x".repeat(80), "rabid:Nobody", `${tag.slice(0, -1)}`])
      expectRefused(await operator.asks("find", { lobby }), "no_such_lobby");
    expectRefused(await operator.asks("find", { lobby: 5 }), "invalid_body");
    for (const player of all) await player.leave();
    await soon(async () => expectRefused(await operator.asks(`lobbies/${tag}`), "no_such_lobby"));
  });
});

describe("an operator who acts", () => {
  test("ends a lobby: all its members hear it", async () => {
    const { lobbyId, all } = await lobbyOf(3, server.url, { isPublic: true });
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const tag = await operator.finds(lobbyId);
    expect((await acting().asks(`lobbies/${tag}/close`, { confirm: tag })).status).toBe(204);
    await Promise.all(all.map((player) => player.hears("lobby_closed")));
    expect((await request(server.url, "/lobbies")).text).not.toContain(lobbyId);
    await soon(async () =>
      expect((await operator.lobbies()).lobbies.map((one) => one.tag)).not.toContain(tag),
    );
    expectRefused(await acting().asks(`lobbies/${tag}/close`, { confirm: tag }), "no_such_lobby");
    const done = () => server.logged.filter((line) => line.includes("operator_acted"));
    await vi.waitFor(() =>
      expect(done().map((line) => JSON.parse(line))).toMatchObject([{ deed: "close", lobbyId: tag }]),
    );
  });

  test("removes the host, and another leads; bans a guest, who cannot come back", async () => {
    const { lobbyId, host, guests } = await lobbyOf(3, server.url, {
      features: ["pings"],
      onHostLoss: "migrate",
    });
    const [first, second] = guests as [Player, Player];
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const tag = await operator.finds(lobbyId);
    const reason = "Please be kind.";
    const kicked = await acting().asks(`lobbies/${tag}/kick`, {
      confirm: tag,
      clientId: host.clientId,
      reason,
    });
    expect(kicked.status).toBe(204);
    expect(await host.hears("lobby_kicked")).toMatchObject({ reason, banned: false });
    expect(await second.hears("lobby_hostChanged")).toMatchObject({ clientId: first.clientId });
    const ban = { confirm: tag, clientId: second.clientId };
    expect((await acting().asks(`lobbies/${tag}/ban`, ban)).status).toBe(204);
    expect(await second.hears("lobby_kicked")).toMatchObject({ banned: true });
    expectRefused(await second.join(lobbyId, "Again"), "banned");
    expectRefused(await acting().asks(`lobbies/${tag}/ban`, ban), "no_such_member");
    await first.leave();
  });

  test("has to say once more which lobby is meant, and by POST", async () => {
    const { lobbyId, all } = await lobbyOf(2, server.url);
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const tag = await operator.finds(lobbyId);
    const path = `lobbies/${tag}/close`;
    for (const body of [{}, { confirm: "" }, { confirm: lobbyId }, { confirm: 5 }])
      expectRefused(await acting().asks(path, body), "not_confirmed");
    expectRefused(await acting().asks(path), "method_not_allowed");
    const kick = { confirm: tag, clientId: all[1]?.clientId };
    expectRefused(await acting().asks(`lobbies/${tag}/kick`, { ...kick, clientId: "" }), "invalid_client");
    expectRefused(
      await acting().asks(`lobbies/${tag}/kick`, { ...kick, reason: "\u202e" }),
      "invalid_reason",
    );
    expectRefused(await acting().asks(`lobbies/${tag}/tickle`, kick), "not_found");
    expect((await operator.looksInto(tag)).lobby.members.length).toBe(2);
    for (const player of all) await player.leave();
  });

  test("needs the other key: the one to look does nothing", async () => {
    const { lobbyId, all } = await lobbyOf(2, server.url);
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const tag = await operator.finds(lobbyId);
    for (const deed of ["close", "kick", "ban"]) {
      const body = { confirm: tag, clientId: all[1]?.clientId };
      expectRefused(await operator.asks(`lobbies/${tag}/${deed}`, body), "read_only_key");
    }
    expect([(await operator.now()).mayAct, (await acting().now()).mayAct]).toEqual([false, true]);
    for (const player of all) await player.leave();
  });
});

describe("a key", () => {
  const paths = ["now", "charts", "lobbies", "lobbies/K-000000"];
  test.each(paths)("is needed for %s, and for what is not there", async (path) => {
    for (const headers of [{}, { authorization: "Bearer" }, { authorization: lookKey }]) {
      const answer = await request(server.url, `/operator/api/${path}`, { headers });
      expectRefused(answer, "wrong_operator_key");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
    expectRefused(await request(server.url, "/operator/api/nothing"), "wrong_operator_key");
    expectRefused(await operator.asks("nothing"), "not_found");
    expectRefused(await operator.asks("now/more"), "not_found");
    expectRefused(await operator.asks("lobbies/K-000000/close/more", {}), "not_found");
  });

  test("is refused in an address: as a query, as a user's name, and as what browsers make of that", async () => {
    const basic = { authorization: `Basic ${btoa(`operator:${lookKey}`)}` };
    for (const path of [`/operator?key=${lookKey}`, `/operator/api/now?${lookKey}`])
      expectRefused(await request(server.url, path), "key_in_url");
    for (const path of ["/operator", "/operator/api/now"])
      expectRefused(await request(server.url, path, { headers: basic }), "key_in_url");
    expectRefused(await request(server.url, `/operator/${lookKey}`), "not_found");
  });

  test.each([
    ["counts", "as it is"],
    ["does not count", "missing"],
  ] as const)(
    "that is guessed at speed is not looked at any more, nor the right one from there, where the platform %s",
    async (_, counting) => {
      const guessed = await startFaultyServer({
        udpPort: null,
        vars: { ...operatorVars, clientAddress: "cloudflare" },
      });
      onTestFinished(() => guessed.stop());
      if (counting === "missing") await spoilCounting(guessed.url, "OPERATOR_TRIES", counting);
      const from = (address: string) => ({ "cf-connecting-ip": address });
      const guesser = new Operator(guessed.url, "x".repeat(lookKey.length), from("203.0.113.9"));
      // All at once, so that none comes after the others were counted.
      const tries = await Promise.all(
        Array.from({ length: 4 * edgeLimits.operatorTries }, () => guesser.asks("now")),
      );
      const statuses = Map.groupBy(tries, ({ status }) => status);
      expect(statuses.get(401)?.length).toBe(edgeLimits.operatorTries);
      expect(statuses.get(429)?.length).toBe(3 * edgeLimits.operatorTries);
      const right = await new Operator(guessed.url, lookKey, from("203.0.113.9")).asks("now");
      expectRefused(right, "too_many_requests");
      expect(Number(right.headers.get("retry-after"))).toBeGreaterThan(0);
      // Its operator is elsewhere.
      expect((await new Operator(guessed.url, lookKey, from("198.51.100.7")).asks("now")).status).toBe(200);
      await later(guessed.url, 61_000);
      expect((await new Operator(guessed.url, lookKey, from("203.0.113.9")).asks("now")).status).toBe(200);
    },
  );

  test("that many networks guess is tried less often from each, and its operator gets in", async () => {
    const guessed = await startFaultyServer({
      udpPort: null,
      vars: { ...operatorVars, clientAddress: "cloudflare" },
    });
    onTestFinished(() => guessed.stop());
    let wrong = 0;
    // All networks at once, so that none of them has a new minute before the others are through.
    const guess = async (network: number) => {
      const headers = { "cf-connecting-ip": `203.0.${network}.9` };
      const guesser = new Operator(guessed.url, "y".repeat(lookKey.length), headers);
      for (let i = 0; i < 3; i++) if ((await guesser.asks("now")).status === 401) wrong += 1;
    };
    await Promise.all(Array.from({ length: 60 }, (_, network) => guess(network)));
    expect(wrong).toBeGreaterThanOrEqual(edgeLimits.operatorTriesOfAll);
    expect(wrong).toBeLessThan(edgeLimits.operatorTriesOfAll + 60);
    const headers = { "cf-connecting-ip": "198.51.100.7" };
    expect((await new Operator(guessed.url, lookKey, headers).asks("now")).status).toBe(200);
  });

  test("and a lobby's code are in no line of the log", async () => {
    await new Operator(server.url, `${lookKey}x`).asks("now");
    await request(server.url, `/operator/${lookKey}`);
    await request(server.url, `/operator/api/now?key=${lookKey}`);
    await vi.waitFor(() => expect(server.logged.join("\n")).toContain("operator_key_refused"));
    const log = server.logged.join("\n");
    for (const secret of [lookKey, actKey]) expect(log).not.toContain(secret);
  });
});

describe("a page of another site", () => {
  const headers = { authorization: `Bearer ${lookKey}` };

  test("cannot ask, and cannot read", async () => {
    for (const origin of ["https://evil.example", "null", "http://localhost:1"]) {
      const answer = await request(server.url, "/operator/api/now", { headers: { ...headers, origin } });
      expectRefused(answer, "origin_not_allowed");
      expect(answer.headers.get("access-control-allow-origin")).toBe(null);
    }
    const crossSite = { ...headers, "sec-fetch-site": "cross-site" };
    expectRefused(
      await request(server.url, "/operator/api/now", { headers: crossSite }),
      "origin_not_allowed",
    );
    const own = { ...headers, origin: server.url.origin, "sec-fetch-site": "same-origin" };
    const answer = await request(server.url, "/operator/api/now", { headers: own });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, null]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    const preflight = await request(server.url, "/operator/api/now", {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-headers": "authorization" },
    });
    expect(preflight.status).toBe(403);
  });

  test.each(["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"])(
    "that leads the name %s here is served nothing",
    async (host) => expectRefused(await bare(host, "/operator/api/now"), "foreign_host"),
  );

  test.each(["localhost", "127.0.0.1", "[::1]", "192.168.1.5:5980", "game-box", "box.local"])(
    "has none of the names of a machine at home: %s is served",
    async (host) => expect((await bare(host, "/operator/api/now")).status).toBe(200),
  );

  test("is not served under a name that the operator has not named, where there is one", async () => {
    const named = await startFaultyServer({
      udpPort: null,
      vars: { ...operatorVars, operatorOrigin: "https://play.example" },
    });
    onTestFinished(() => named.stop());
    expect((await bare("play.example", "/operator/api/now", named)).status).toBe(200);
    expectRefused(await bare("other.example", "/operator/api/now", named), "foreign_host");
    const origin = "https://play.example";
    expect((await bare("play.example", "/operator/api/now", named, { origin })).status).toBe(200);
  });

  /** Asks under another name: `fetch` would not say it. */
  async function bare(host: string, path: string, to: Server = server, more = {}) {
    const { request: ask } = await import("node:http");
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      type: string;
      text: string;
    }>();
    ask(
      { host: to.url.hostname, port: to.url.port, path, headers: { ...headers, host, ...more } },
      (response) => {
        response.setEncoding("utf8");
        let text = "";
        response.on("data", (part) => {
          text += part;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", text }),
        );
      },
    )
      .on("error", reject)
      .end();
    const { status, type, text } = await promise;
    return { status, text, body: JSON.parse(text || "null"), headers: new Headers({ "content-type": type }) };
  }
});

describe("without a key that is any good", () => {
  test.each([
    ["none", {}],
    ["a short one", { ORION_OPERATOR_KEY: "password1234" }],
    ["one that no header can carry", { ORION_OPERATOR_KEY: "schlüssel schlüssel schlüssel" }],
  ])("%s, there is no such address, and nothing is counted", async (_, vars) => {
    const without = await startLoggedServer({ udpPort: null, vars });
    onTestFinished(() => without.stop());
    const nothing = await request(without.url, "/no/such/path");
    for (const path of ["/operator", "/operator/", "/operator/api/now", "/operator.html"]) {
      const answer = await request(without.url, path, { headers: { authorization: `Bearer ${lookKey}` } });
      expect([answer.status, answer.text]).toEqual([404, nothing.text]);
    }
    await lobbyOf(2, without.url);
    await expect(without.evict({ className: "Stats", name: "stats-0" }, "close")).rejects.toThrow();
    const why = await vi.waitFor(() => {
      const lines = without.logged.filter((line) => line.includes("operator_key_unusable"));
      expect(lines.length).toBe("ORION_OPERATOR_KEY" in vars ? 1 : 0);
      return lines;
    });
    expect(why.join()).not.toMatch(/password1234|schlüssel/);
  });

  test("the deployment's own secret is none", async () => {
    const secret = "the same secret for everything, 1";
    const careless = await startLoggedServer({
      udpPort: null,
      secret,
      vars: { ORION_OPERATOR_KEY: secret.replaceAll(" ", "-") },
    });
    onTestFinished(() => careless.stop());
    const same = "the-same-secret-for-everything-1";
    const equal = await startLoggedServer({
      udpPort: null,
      secret: same,
      vars: { ORION_OPERATOR_KEY: same },
    });
    onTestFinished(() => equal.stop());
    expect((await request(equal.url, "/operator/api/now")).status).toBe(404);
    await vi.waitFor(() => expect(equal.logged.join()).toContain("operator_key_unusable"));
  });
});

describe("when the statistics fail", () => {
  test("no lobby and no player notices, and the view says what is missing", async () => {
    const broken = await startFaultyServer({ udpPort: null, vars: operatorVars, logged: () => {} });
    onTestFinished(() => broken.stop());
    await failCalls(broken.url, "hearNews", "throw", 1_000);
    const { lobbyId, host, all } = await lobbyOf(3, broken.url, { isPublic: true });
    await rollCall(lobbyId, host, ...all.slice(1));
    const looking = new Operator(broken.url);
    expect((await looking.now()).listed).toEqual({ lobbies: 1, players: 3 });
    await failCalls(broken.url, "read", "throw", 1_000);
    const { silent, listed } = await looking.now();
    expect([silent.length, listed.players]).toEqual([platformLimits.statsObjects, 3]);
    await host.leave();
    await Promise.all(all.slice(1).map((player) => player.hears("lobby_closed")));
  });

  test("a directory that does not answer is named", async () => {
    const broken = await startFaultyServer({ udpPort: null, vars: operatorVars, logged: () => {} });
    onTestFinished(() => broken.stop());
    await failCalls(broken.url, "count", "throw", 10);
    expect((await new Operator(broken.url).now()).silent).toEqual(["directory 0"]);
  });
});

describe("nothing is told", () => {
  test("for chat, and a sleeping lobby is not woken by the view", async () => {
    const { lobbyId, host, all } = await lobbyOf(2, server.url, { direct: true, isPublic: true });
    await soon(async () => expect(await operator.finds(lobbyId)).not.toBe("undefined"));
    const before = (await operator.lobbies()).lobbies.find((one) => one.members === 2 && one.isPublic);
    for (let line = 0; line < 20; line++) await rollCall(lobbyId, host, ...all.slice(1));
    const after = (await operator.lobbies()).lobbies.find(({ tag }) => tag === before?.tag);
    expect(after).toEqual(before);
    await putToSleep(server, [lobbyId]);
    await operator.now();
    await operator.charts();
    await operator.lobbies();
    // An object that sleeps cannot be put to sleep.
    await expect(server.evict({ className: "Lobby", name: lobbyId }, "hibernate")).rejects.toThrow();
    for (const player of all) await player.leave();
  });

  test("more often than a lobby may, however often players come and go", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 64 });
    for (let i = 0; i < platformLimits.statsNewsBurst + 10; i++) {
      const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
      await guest.join(lobbyId, `Guest ${i}`);
      await guest.leave();
    }
    await host.leave();
    await soon(async () => expectRefused(await operator.asks("find", { lobby: lobbyId }), "no_such_lobby"));
  });

  test("that was lost for ever: a lobby that comes back after its object ended is counted once", async () => {
    const before = await operator.now();
    const { lobbyId, all } = await lobbyOf(2, server.url, { isPublic: true, maxMembers: 4 });
    await crash(server.url, { holder: lobbyId });
    const third = await Player.connect(server.url);
    await third.join(lobbyId, "Third");
    await soon(async () => {
      const now = await operator.now();
      expect(now.open.players - before.open.players).toBe(3);
      expect(now.total.opened - before.total.opened).toBe(1);
    });
    for (const player of [...all, third]) await player.leave();
  });
});
