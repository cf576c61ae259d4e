/** What the Worker logs: enough for its operator, nothing that is a secret, and not as much as a stranger likes. */
import { expect, test, vi } from "vitest";
import { lobbyOf, Player, post, refusedUpgrade, request, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { postAsSidecar, secret, tokenOf } from "../../measure/kit/secret.ts";
import {
  crash,
  failCalls,
  later,
  setSecrets,
  spoilCounting,
  startLoggedServer,
} from "../../measure/kit/server.ts";
import { lookThrough } from "../../measure/kit/whole-log.ts";
import { encode } from "../../measure/kit/wire.ts";
import { platformLimits } from "../../worker/platform/limits.ts";

const before = "the secret before, of 32 letters";
const address = "203.0.113.99";

/** The lines as what they say. A line that is no JSON is an error here. */
function read(lines: readonly string[]): Record<string, unknown>[] {
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

// The end of every test file looks for secrets and addresses in all that was logged; here it has most to find.
test("a long evening with every kind of trouble leaves no token, key, ticket, secret or address in the log", async () => {
  const server = await startLoggedServer({
    secret,
    vars: { clientAddress: "cloudflare", allowedOrigin: "https://game.example", logLobbies: "on" },
  });
  const { url, logged } = server;
  const players: Player[] = [];
  const codes: string[] = [];
  for (const direct of [false, true]) {
    const { lobbyId, host, guests, all } = await lobbyOf(4, url, { direct, isPublic: true, maxMembers: 5 });
    const [first, second, third] = guests;
    if (!first || !second || !third) throw new Error("too few guests");
    codes.push(lobbyId);
    const loner = await Player.connect(url);
    players.push(...all, loner);
    for (const player of all) {
      player.answersOverUdp = false;
      await rollCall(lobbyId, player, ...all);
    }
    // Refusals of all kinds, with tokens wherever a stranger can put one.
    const from = { "cf-connecting-ip": address };
    await spoilCounting(url, "REQUESTS", "broken");
    await host.host();
    await loner.host({ maxMembers: 65 });
    await loner.join(lobbyId, "Guest 1");
    await loner.join("00000", loner.token);
    await loner.join("00000", "Loner");
    await first.start(lobbyId);
    await request(url, `/lobbies?token=${host.token}&limit=${host.token}`);
    await request(url, `/${host.token}`);
    await request(url, `/lobbies/${host.token}/join`, { method: "PUT" });
    await post(url, `/lobbies/${host.token}/join`, { token: first.token, peerName: first.token }, from);
    await post(url, "/lobbies", `{"token":"${host.token}"`, from);
    await post(url, "/lobbies", { token: `${host.token}x` }, from);
    await post(url, "/lobbies", { token: tokenOf("nobody", { under: before }) }, { origin: host.token });
    await refusedUpgrade(url, `/${host.token}`, { origin: `https://${host.token}` });
    await post(
      url,
      "/sidecar/observations",
      { token: host.token },
      { "x-orion-signature": host.token, "x-orion-sidecar": "vm" },
    );
    await postAsSidecar(url, "/sidecar/heartbeat", { name: host.token }, { name: "vm" });
    await postAsSidecar(url, "/sidecar/heartbeat", { at: 1, name: "vm", port: 1, load: 0 });
    // Players who are told all there is: links, keys and tickets.
    await host.start(lobbyId);
    await host.start(lobbyId);
    for (const player of all) {
      const { port } = await player.hears("ptpMediation_send");
      const connect = encode("ptpMediation_connect", { token: player.token, candidates: [] });
      player.sendDatagram(Number(port), connect);
    }
    for (const player of all) await player.hears("ptpMediation_peersConnection_start");
    // Trouble inside.
    third.socket.send(third.token.repeat(1_000));
    await third.closed;
    await third.host();
    for (let i = 0; i < 1_000; i++) second.socket.send(second.token);
    await second.closed;
    await failCalls(url, "enter", "fail", Number.POSITIVE_INFINITY);
    await loner.join(lobbyId, "Loner");
    await failCalls(url, "enter", "fail", 0);
    await setSecrets(url, before, secret);
    await crash(url, { holder: host.holder });
    await host.closed;
    await host.host();
    await setSecrets(url, secret, before);
    players.push(await Player.connect(url));
  }
  await server.stop();

  const lines = read(logged);
  for (const code of codes) expect(logged.filter((line) => line.includes(code))).toEqual([]);
  const kinds = new Set(lines.map(({ level, event }) => `${level}: ${event}`));
  const refusals = new Set(lines.map(({ code }) => code));
  expect([...refusals]).toEqual(
    expect.arrayContaining([
      "already_in_lobby",
      "flood",
      "frame_too_large",
      "invalid_max_members",
      "invalid_post",
      "invalid_query",
      "invalid_token",
      "lobby_locked",
      "method_not_allowed",
      "name_taken",
      "no_such_lobby",
      "not_found",
      "not_the_host",
      "origin_not_allowed",
      "stale_post",
      "unauthorized",
      "unavailable",
    ]),
  );
  expect([...kinds]).toEqual(
    expect.arrayContaining([
      "error: lobby_unreachable",
      "info: request_refused",
      "info: client_thrown_out",
      "info: address_not_counted",
    ]),
  );
  const { wrong, looked } = lookThrough();
  expect(wrong).toEqual([]);
  // Of each kind: all players, both ends of both sides' links twice.
  expect(looked.secrets["client's token"]).toBeGreaterThanOrEqual(players.length);
  expect(looked.secrets["relay's ticket"]).toBe(2 * 3 * 2);
  // And the key of each member's pass.
  expect(looked.secrets["link's or a ticket's key"]).toBe(2 * 3 * 3 + 2 * 4);
  // The kit has computed the keys of a sidecar from them.
  expect(looked.secrets["deployment's secret"]).toBeGreaterThanOrEqual(2);
});

test("an error that quotes a token is logged without it", async () => {
  type Log = { logFault(event: string, details: object, error: unknown): void };
  const { logFault }: Log = await import(new URL("../../worker/platform/log.ts", import.meta.url).href);
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  const token = tokenOf("Ada");
  // The second is cut off in the middle of it.
  for (const before of ["", "x".repeat(250)])
    logFault("it_failed", {}, new TypeError(`${before} ${token} is wrong`));
  const lines = written.mock.calls.map(([line]) => String(line));
  written.mockRestore();
  expect(lines.length).toBe(2);
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({ level: "error", event: "it_failed" });
    for (const part of token.split(".").slice(1)) expect(line).not.toContain(part.slice(0, 8));
  }
});

test("a refusal says whom it was for, where, and why", async () => {
  const server = await startLoggedServer({ udpPort: null });
  const { lobbyId, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  await guest?.start(lobbyId);
  const tag = `${lobbyId[0]}-[0-9a-f]{6}`;
  await vi.waitFor(() =>
    expect(read(server.logged)).toContainEqual({
      time: expect.any(String),
      level: "info",
      event: "request_refused",
      status: 409,
      method: "POST",
      path: expect.stringMatching(new RegExp(`^/lobbies/${tag}/ptp/start$`)),
      code: "not_the_host",
      clientId: guest?.clientId,
      lobbyId: expect.stringMatching(new RegExp(`^${tag}$`)),
    }),
  );
  await server.stop();
});

test("the lives of lobbies are logged only where the operator asks for it", async () => {
  const { url, logged, stop } = await startLoggedServer({ udpPort: null });
  const { all } = await lobbyOf(3, url);
  for (const player of all) await player.leave();
  await request(url, "/nothing");
  await vi.waitFor(() => expect(read(logged)).toMatchObject([{ code: "not_found" }]));
  await stop();

  const wrong = await startLoggedServer({ udpPort: null, vars: { logLobbies: "perhaps" } });
  expectRefused(await request(wrong.url, "/ping"), 503, "not_configured");
  await vi.waitFor(() =>
    expect(read(wrong.logged)[0]).toMatchObject({ why: 'logLobbies must be on or off, not "perhaps".' }),
  );
  await wrong.stop();
});

test("players who open lobbies all the time do not fill the log: what is left out of it is counted", async () => {
  const vars = { logLobbies: "on" };
  const { url, logged, stop } = await startLoggedServer({ udpPort: null, bounded: true, vars });
  const began = Date.now();
  const lobbies = 150;
  const open = async () => {
    const player = await Player.connect(url);
    await player.host();
    await player.leave();
  };
  for (let i = 0; i < lobbies; i += 25) await Promise.all(Array.from({ length: 25 }, open));
  // Somebody leaves when the server has noticed it.
  const all = () => ["lobby_opened", "member_left", "lobby_closed"].map((event) => timesOf(event, logged));
  const most =
    platformLimits.lobbyLineBurst + ((Date.now() - began) / 1000) * platformLimits.lobbyLinesPerSecond + 1;
  expect(logged.length).toBeLessThanOrEqual(most);
  let more = 0;
  await vi.waitFor(
    async () => {
      more += 1;
      await open();
      const [opened = 0, left = 0, closed = 0] = all();
      expect(opened + left + closed).toBeGreaterThanOrEqual(3 * lobbies);
      expect(opened).toBeLessThanOrEqual(lobbies + more);
    },
    { interval: 200 },
  );
  await stop();
});

/** How often this was logged, and how often it was left out of the log, as the lines after it tell. */
function timesOf(event: string, lines: readonly string[]): number {
  const all = read(lines);
  const leftOut = all.map(({ leftOut }) => Number(Object(leftOut)[event] ?? 0));
  return all.filter((line) => line.event === event).length + leftOut.reduce((a, b) => a + b, 0);
}

test("a stranger cannot fill the log: what is left out of it is counted", async () => {
  const { url, logged, stop } = await startLoggedServer({ udpPort: null, bounded: true });
  const began = Date.now();
  const refusals = 2_000;
  for (let i = 0; i < refusals; i += 50) {
    await Promise.all(Array.from({ length: 50 }, () => request(url, "/nowhere")));
  }
  const most =
    platformLimits.refusalLineBurst +
    ((Date.now() - began) / 1000) * platformLimits.refusalLinesPerSecond +
    1;
  expect(logged.length).toBeLessThanOrEqual(most);
  // What a hundred isolates write in a day costs less than 30 cents, at Cloudflare's $0.60 a million.
  expect(100 * 86_400 * platformLimits.refusalLinesPerSecond * 0.6e-6).toBeLessThan(0.3);
  // The next line tells of those before it.
  let more = 0;
  await vi.waitFor(
    async () => {
      more += 1;
      await later(url, 1000 / platformLimits.refusalLinesPerSecond);
      await request(url, "/nowhere");
      expect(timesOf("request_refused", logged)).toBe(refusals + more);
    },
    { interval: 600 },
  );
  await stop();
});

test("an outage does not fill the log either: its errors are counted, and another fault that begins meanwhile is written", async () => {
  const { url, logged, stop } = await startLoggedServer({ udpPort: null, bounded: true });
  const host = await Player.connect(url);
  await failCalls(url, "list", "fail", Number.POSITIVE_INFINITY);
  await failCalls(url, "hostLobby", "fail", Number.POSITIVE_INFINITY);
  const began = Date.now();
  const half = 400;
  const listings = () => Array.from({ length: half }, () => request(url, "/lobbies"));
  // Its own fault comes among those of the directory, when no more of them are written.
  const answers = await Promise.all([...listings(), host.host(), ...listings()]);
  for (const answer of answers) expectRefused(answer, 503, "unavailable");
  const errors = () => logged.filter((line) => line.includes('"error"'));
  await vi.waitFor(() => expect(errors().length).toBeGreaterThanOrEqual(platformLimits.faultLineBurst));
  const most =
    platformLimits.faultLineBurst + ((Date.now() - began) / 1000) * platformLimits.faultLinesPerSecond + 2;
  expect(errors().length).toBeLessThanOrEqual(most);
  await vi.waitFor(() =>
    expect(read(errors()).filter(({ event }) => event === "object_unreachable")).toMatchObject([
      { holder: host.holder },
    ]),
  );
  let more = 0;
  await vi.waitFor(
    async () => {
      more += 1;
      await request(url, "/lobbies");
      expect(timesOf("directory_unreachable", errors())).toBe(2 * half + more);
    },
    { interval: 10 },
  );
  await stop();
});

test("one lobby has the same tag in all lines, whoever writes them, and another lobby another", async () => {
  const server = await startLoggedServer({ udpPort: null, vars: { logLobbies: "on" } });
  const first = await lobbyOf(2, server.url, { direct: true });
  await lobbyOf(2, server.url);
  await first.guests[0]?.start(first.lobbyId);
  await first.host.start(first.lobbyId);
  await request(server.url, `/lobbies/${first.lobbyId.toLowerCase()}/join`, { method: "POST" });
  const tagged = () => read(server.logged).filter(({ lobbyId, path }) => lobbyId ?? path);
  await vi.waitFor(() => expect(tagged()).toHaveLength(7));
  const tags = tagged().map((line) => String(line.lobbyId ?? String(line.path).split("/")[2]));
  expect(new Set(tags).size).toBe(2);
  await server.stop();
});
