/** A program with other people's players says with each request for whom it asks. */
import { expect, onTestFinished, test } from "vitest";
import { hostLobby, joinLobby } from "../../session/opening.ts";
import type { Transport } from "../../session/transport.ts";
import { start } from "../../session/wishes.ts";
import { blocked, FakeEdge } from "../sidecar/gateways/fake-edge.ts";

const headers = (method: string, { pathname, search }: URL) => ({
  "x-asked": `${method} ${pathname}${search}`,
});
const transport: Transport = {
  socket: (url) => new WebSocket(url, { headers: headers("GET", url) }),
  headers,
};

/** What the edge was asked, and what the header said of it. */
function said({ asked }: FakeEdge): string[][] {
  return asked.map(({ method, path, headers }) => [`${method} ${path}`, String(headers["x-asked"])]);
}

test("all that a session asks has the transport's headers, and a dialect's lobby is opened from a lounge", async () => {
  const edge = await FakeEdge.start();
  const wish = { name: "Ada", isPublic: false, maxMembers: 4, code: "rabid:NiceRoom" };
  const session = await hostLobby(edge.url, wish, undefined, [], { transport });
  onTestFinished(() => session.leave());
  expect(session.code).toBe("rabid:NiceRoom");
  await start(session);
  expect(said(edge)).toEqual([
    ["GET /", "GET /"],
    ["POST /lobbies", "POST /lobbies"],
    ["POST /lobbies/rabid%3ANiceRoom/ptp/start", "POST /lobbies/rabid%3ANiceRoom/ptp/start"],
  ]);
  expect(edge.asked[1]?.body).toMatchObject({ code: "rabid:NiceRoom", hostName: "Ada" });
});

test("members of a dialect's lobby are in lounges, those of others in the lobby", async () => {
  const edge = await FakeEdge.start();
  for (const code of ["rabid:NiceRoom", "K7Q2M"]) {
    const session = await joinLobby(edge.url, code, { name: "Bo" }, undefined, [], { transport });
    onTestFinished(() => session.leave());
  }
  expect(said(edge).map(([asked]) => asked)).toEqual([
    "GET /",
    "POST /lobbies/rabid%3ANiceRoom/join",
    "GET /lobbies/K7Q2M",
    "POST /lobbies/K7Q2M/join",
  ]);
});

test("a plain client sends no headers of its own, and no code", async () => {
  const edge = await FakeEdge.start();
  const session = await hostLobby(edge.url, { name: "Ada", isPublic: false, maxMembers: 4 });
  onTestFinished(() => session.leave());
  expect(said(edge)).toEqual([
    ["GET /lobbies", "undefined"],
    ["POST /lobbies", "undefined"],
  ]);
  expect(edge.asked[1]?.body).not.toHaveProperty("code");
});

test("a transport says how often its clients ping, where the server knows pings at all", async () => {
  const edge = await FakeEdge.start({ pingMs: 60_000 });
  const often = { ...transport, pingMs: 20 };
  const session = await joinLobby(edge.url, "K7Q2M", { name: "Bo" }, undefined, [], { transport: often });
  onTestFinished(() => session.leave());
  await expect.poll(() => edge.said.filter((method) => method === "ping").length).toBeGreaterThan(2);
});

test("who tries again by itself asks for one attempt", async () => {
  const edge = await FakeEdge.start();
  edge.refusal = ({ method }) => (method === "POST" ? { status: 503, body: "busy" } : null);
  const join = joinLobby(edge.url, "K7Q2M", { name: "Bo" }, undefined, [], { transport, once: true });
  await expect(join).rejects.toMatchObject({ code: "unexpected_answer", status: 503 });
  edge.refusal = () => blocked;
  const again = joinLobby(edge.url, "K7Q2M", { name: "Bo" }, undefined, [], { transport, once: true });
  await expect(again).rejects.toMatchObject({ code: "unreachable" });
  expect(edge.connects).toHaveLength(2);
});
