/** A gateway's sessions: in turn, with a header for each player, and patient with an edge that does not serve. */
import { expect, onTestFinished, test, vi } from "vitest";
import { parseGatewayHeader } from "../../../core/wire/gateway.ts";
import { freeTcpPort } from "../../../measure/kit/free-ports.ts";
import { keyOf } from "../../../measure/kit/secret.ts";
import type { SessionError } from "../../../session/error.ts";
import { edgeSessionsOf, observationOf } from "../../../udp-sidecar/gateways/edge-sessions.ts";
import { type Rank, Turns } from "../../../udp-sidecar/gateways/turns.ts";
import { deriveKey, signGateway } from "../../../udp-sidecar/keys.ts";
import { blocked, FakeEdge, type Refusal } from "./fake-edge.ts";

const ann = "203.0.113.7";
const wish = { name: "Ada", isPublic: false, maxMembers: 4 };
const elapsed = () => performance.now();

/** Sessions of one gateway. They are left at the end of the test. */
function sessionsAt(
  edge: URL,
  { turns = new Turns(elapsed), dialect = "rabid" as "rabid" | "noray", pingMs = 45_000 } = {},
) {
  const told: (string | null)[] = [];
  const clock = () => 1_700_000_000_000;
  const tell = (trouble: SessionError | null) => told.push(trouble?.code ?? null);
  const sessions = edgeSessionsOf({ edge, key: keyOf(), dialect, turns, clock, elapsed, told: tell, pingMs });
  onTestFinished(() => sessions.stop());
  return { ...sessions, turns, told };
}

/** The refusal with this code, as the edge words it. */
const refusal = (status: number, code: string, retryAfter?: number): Refusal => ({
  status,
  body: { errors: ["No."], codes: [code] },
  headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
});

test("every request of a session says for which player it is asked, and is signed for itself alone", async () => {
  const edge = await FakeEdge.start();
  const { host, counts } = sessionsAt(edge.url);
  const session = await host(ann, "rabid:NiceRoom", wish);
  expect(counts).toEqual({ open: 1, opening: 0, failed: {} });
  expect(edge.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /", "POST /lobbies"]);
  const key = deriveKey(keyOf(), "gateway");
  for (const { method, path, headers } of edge.asked) {
    const text = String(headers["orion-gateway"]);
    const claim = parseGatewayHeader(text);
    if (!claim) throw new Error(`no header: ${text}`);
    expect(claim).toMatchObject({
      sidecar: keyOf().name,
      dialect: "rabid",
      address: ann,
      at: 1_700_000_000_000,
    });
    expect(text).toBe(signGateway(key, claim, { method, path }));
  }
  await session.leave();
  await vi.waitFor(() => expect(counts.open).toBe(0));
});

test("at an edge of a version before, which draws codes, nobody is left in a lobby without its name", async () => {
  const edge = await FakeEdge.start();
  const drawn = { status: 201, body: { lobbyName: "Ada", lobbyId: "K7Q2M", privacy: "open" } };
  edge.refusal = ({ method }) => (method === "POST" ? drawn : null);
  const { host, counts, told } = sessionsAt(edge.url);
  const gone = new AbortController();
  const failed = expect(host(ann, "rabid:NiceRoom", wish, { signal: gone.signal })).rejects.toThrow();
  await vi.waitFor(() => expect(told).toEqual(["unexpected_answer"]));
  gone.abort();
  await failed;
  expect(counts.open).toBe(0);
  await vi.waitFor(() => expect(edge.open).toBe(0));
});

test("what a gateway sees of an address is an observation of the session's client", async () => {
  const edge = await FakeEdge.start();
  const session = await sessionsAt(edge.url).join(ann, "rabid:NiceRoom", { name: "Bo" });
  expect(observationOf(session, { ip: ann, port: 4_000 })).toEqual({
    clientId: session.clientId,
    proof: { kind: "token", text: session.token() },
    ip: ann,
    port: 4_000,
  });
});

test("200 players at once connect at 50 a second, of all gateways together", async () => {
  const edge = await FakeEdge.start();
  const turns = new Turns(elapsed);
  const gateways = [sessionsAt(edge.url, { turns }), sessionsAt(edge.url, { turns, dialect: "noray" })];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      gateways[i % 2]?.join(`198.51.100.${i}`, i % 2 ? `noray:a${i}` : `rabid:a${i}`, { name: "Bo" }),
    ),
  );
  expect(performance.now() - began).toBeGreaterThan(3_000 + 49 * 10);
  // 50 at once, and then one each 20 ms. They may arrive later, and together.
  for (const [nth, { at }] of edge.connects.entries())
    expect(at - began).toBeGreaterThan((nth - 50) * 20 - 10);
});

test("made-up players of Rabid wait for a share, and nobody of noray's or who comes back waits for them", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const turns = new Turns(elapsed);
  const { signal } = new AbortController();
  const gone: Record<Rank, number> = { hurried: 0, unproven: 0, patient: 0 };
  const take = (rank: Rank) =>
    turns.take(signal, rank).then((turn) => {
      gone[rank] += 1;
      turns.ended(turn, "served");
    });
  for (let i = 0; i < 1_000; i++) void take("unproven");
  for (let i = 0; i < 100; i++) void take("patient");
  for (let i = 0; i < 10; i++) void take("hurried");
  await vi.advanceTimersByTimeAsync(200);
  // One of them was there alone.
  expect(gone.hurried).toBe(10);
  await vi.advanceTimersByTimeAsync(790);
  expect(gone).toEqual({ hurried: 10, unproven: 20, patient: 20 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(gone.unproven).toBeLessThanOrEqual(41);
  expect(gone.patient).toBeGreaterThanOrEqual(49);
});

test("new players of Rabid have that share, and those who come back have not", async () => {
  const edge = await FakeEdge.start();
  const turns = new Turns(elapsed);
  const ranks: Rank[] = [];
  const take = turns.take.bind(turns);
  turns.take = (signal, rank) => {
    ranks.push(rank);
    return take(signal, rank);
  };
  const rabid = sessionsAt(edge.url, { turns });
  const noray = sessionsAt(edge.url, { turns, dialect: "noray" });
  await rabid.join(ann, "rabid:a", { name: "Bo" });
  await noray.join(ann, "noray:a", { name: "Bo" });
  await noray.host(ann, "noray:b", wish, { forMs: Infinity });
  await rabid.join("127.0.0.1", "rabid:b", { name: "Cy" });
  expect(ranks).toEqual(["unproven", "hurried", "patient", "hurried"]);
  edge.cut();
  await vi.waitFor(() => expect(ranks.slice(4)).toEqual(Array(4).fill("hurried")));
});

test("a page of Cloudflare's (1015) holds all gateways back, and then one tries alone", async () => {
  const edge = await FakeEdge.start();
  const { join, counts, told, turns } = sessionsAt(edge.url);
  edge.refusal = () => blocked;
  const many = Array.from({ length: 20 }, (_, i) =>
    join(ann, `rabid:a${i}`, { name: "Bo" }, { forMs: Infinity }),
  );
  await vi.waitFor(() => expect(turns.isHeld).toBe(true));
  await vi.waitFor(() => expect(turns.waiting).toBe(20));
  expect(told).toEqual(["unexpected_answer"]);
  expect(counts.failed.unexpected_answer).toBeGreaterThan(0);
  const asked = edge.connects.length;
  edge.refusal = () => null;
  await Promise.all(many);
  // It asked for two seconds.
  const blockedAt = edge.connects[0]?.at ?? 0;
  const [next, after] = edge.connects.slice(asked).map(({ at }) => at - blockedAt);
  expect(next).toBeGreaterThan(1_500);
  expect(after).toBeGreaterThan(next ?? 0);
  expect(told).toEqual(["unexpected_answer", null]);
});

test.each([
  ["the edge's own word to a busy sidecar", refusal(429, "gateway_busy", 1), "gateway_busy"],
  ["a key that the edge does not know", refusal(401, "invalid_gateway"), "invalid_gateway"],
  ["an edge that fails", refusal(503, "unavailable"), "unavailable"],
])("%s holds all back", async (_, answer, code) => {
  for (const method of ["GET", "POST"]) {
    const edge = await FakeEdge.start();
    const { join, told, turns } = sessionsAt(edge.url);
    edge.refusal = (asked) => (asked.method === method ? answer : null);
    const joined = join(ann, "rabid:a", { name: "Bo" });
    await vi.waitFor(() => expect(turns.isHeld).toBe(true));
    expect(told).toEqual([code]);
    edge.refusal = () => null;
    await joined;
    expect(turns.isHeld).toBe(false);
  }
});

test("what the edge refuses one player holds nobody else back", async () => {
  for (const method of ["GET", "POST"]) {
    const edge = await FakeEdge.start();
    const { join, turns, counts } = sessionsAt(edge.url);
    edge.refusal = (asked) =>
      asked.method === method && String(asked.headers["orion-gateway"]).includes(ann)
        ? refusal(429, "too_many_requests", 60)
        : null;
    const failing = join(ann, "rabid:a", { name: "Bo" });
    await expect(failing).rejects.toMatchObject({ code: "too_many_requests", retryAfterS: 60 });
    expect(turns.isHeld).toBe(false);
    await join("198.51.100.9", "rabid:a", { name: "Cy" });
    expect(counts).toEqual({ open: 1, opening: 0, failed: { too_many_requests: 1 } });
  }
});

test("what the edge refuses for good is thrown at once", async () => {
  const edge = await FakeEdge.start();
  const { host, counts, turns } = sessionsAt(edge.url);
  edge.refusal = ({ method }) => (method === "POST" ? refusal(409, "banned") : null);
  await expect(host(ann, "rabid:a", wish)).rejects.toMatchObject({ code: "banned", status: 409 });
  expect(edge.connects).toHaveLength(1);
  expect(turns.isHeld).toBe(false);
  expect(counts.failed).toEqual({ banned: 1 });
});

test("an edge that cannot be reached is tried for as long as the player waits, and found again", async () => {
  const port = await freeTcpPort();
  const { join, told, counts } = sessionsAt(new URL(`http://127.0.0.1:${port}/`));
  await expect(join(ann, "rabid:a", { name: "Bo" }, { forMs: 500 })).rejects.toMatchObject({
    code: "unanswered",
  });
  const patient = join(ann, "rabid:a", { name: "Bo" }, { forMs: Infinity });
  await vi.waitFor(() => expect(counts.failed.unreachable).toBeGreaterThan(1));
  const edge = await FakeEdge.start({ port });
  const session = await patient;
  expect(edge.connects).toHaveLength(1);
  expect(session.code).toBe("rabid:a");
  expect(told.at(-1)).toBeNull();
});

test("a player who is gone waits no more, and its turn is the next one's", async () => {
  const edge = await FakeEdge.start();
  const { join, turns, counts } = sessionsAt(edge.url);
  const gone = new AbortController();
  const waiting = Array.from({ length: 100 }, () =>
    join(ann, "rabid:a", { name: "Bo" }, { signal: gone.signal }),
  );
  const patient = join("198.51.100.9", "rabid:b", { name: "Cy" }, { forMs: Infinity });
  gone.abort();
  const outcomes = await Promise.allSettled(waiting);
  expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
  await patient;
  expect(turns.waiting).toBe(0);
  await vi.waitFor(() => expect(counts).toMatchObject({ open: 1, opening: 0 }));
});

test("when all have given up, no timer is left that would keep the program running", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const turns = new Turns(elapsed);
  const gone = new AbortController();
  turns.ended(await turns.take(gone.signal, "patient"), "trouble");
  const waiting = turns.take(gone.signal, "patient");
  expect(vi.getTimerCount()).toBe(1);
  gone.abort();
  await expect(waiting).rejects.toThrow();
  expect(vi.getTimerCount()).toBe(0);
});

test("an attempt whose answer was lost may find its own name in use, and waits for that to end", async () => {
  const edge = await FakeEdge.start();
  const { host } = sessionsAt(edge.url);
  let posts = 0;
  edge.refusal = ({ method }) => {
    if (method !== "POST") return null;
    posts += 1;
    if (posts === 1) return "lost";
    return posts === 2 ? refusal(409, "name_in_use") : null;
  };
  const session = await host(ann, "rabid:a", wish);
  expect(session.code).toBe("rabid:a");
  expect(posts).toBe(3);
});

test("a gateway that stops leaves its lobbies, and opens no more", async () => {
  const edge = await FakeEdge.start();
  const { join, stop, counts } = sessionsAt(edge.url);
  const sessions = await Promise.all([1, 2, 3].map((i) => join(ann, `rabid:a${i}`, { name: "Bo" })));
  await stop();
  expect(sessions.map(({ endReason }) => endReason)).toEqual(["left", "left", "left"]);
  await vi.waitFor(() => expect(edge.open).toBe(0));
  expect(counts.open).toBe(0);
  await expect(join(ann, "rabid:b", { name: "Bo" })).rejects.toMatchObject({ code: "aborted" });
  expect(edge.connects).toHaveLength(3);
});

test("sessions that lost their connections come back in turn, from lounges, each with its player's header", async () => {
  const edge = await FakeEdge.start();
  const { join, turns, counts, told } = sessionsAt(edge.url);
  const addresses = Array.from({ length: 30 }, (_, i) => `198.51.100.${i}`);
  const sessions = await Promise.all(addresses.map((ip, i) => join(ip, `rabid:a${i}`, { name: "Bo" })));
  const before = edge.asked.length;
  edge.refusal = () => ({ ...blocked, headers: {} });
  edge.cut();
  await vi.waitFor(() => expect(turns.isHeld).toBe(true));
  edge.refusal = () => null;
  await vi.waitFor(() => expect(edge.open).toBe(30));
  await vi.waitFor(() => expect(sessions.some(({ isReconnecting }) => isReconnecting)).toBe(false));
  expect(counts.open).toBe(30);
  expect(told).toEqual(["unexpected_answer", null]);
  const back = edge.asked.slice(before).filter(({ path }) => path === "/" || path.endsWith("/resume"));
  expect(back).toHaveLength(edge.asked.length - before);
  const claimed = back.map(({ headers }) => parseGatewayHeader(String(headers["orion-gateway"]))?.address);
  expect(new Set(claimed)).toEqual(new Set(addresses));
  const times = back.filter(({ path }) => path === "/").map(({ at }) => at);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(30 * 20);
});

test("a session pings, and one whose edge fell silent ends", async () => {
  const edge = await FakeEdge.start();
  const { join, counts } = sessionsAt(edge.url, { pingMs: 50 });
  await join(ann, "rabid:a", { name: "Bo" });
  await vi.waitFor(() => expect(edge.said.filter((text) => text === "ping").length).toBeGreaterThan(3));
  expect(counts.open).toBe(1);
  edge.refusal = () => ({ status: 409, body: { errors: ["No."], codes: ["no_such_lobby"] } });
  edge.cut();
  await vi.waitFor(() => expect(counts.open).toBe(0));
});
