/** A groovejet room outlives its host's connection: the host returns, another client leads, or the room is over in time. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { groovejetLimits } from "../../core/dialects/groovejet/limits.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient } from "../../measure/kit/groovejet-client.ts";
import {
  crash,
  failCalls,
  later,
  putToSleep,
  ring,
  setLimits,
  startFaultyServer,
  storedOf,
} from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null });
  // Guests keep their places from the first moment on.
  await setLimits(server.url, { presentMs: 0 });
});
afterAll(() => server.stop());

const { hostAwaitedMs } = lobbyLimits;
const { roomGraceMs } = groovejetLimits;
/** Some tests wait for less. */
afterEach(() => setLimits(server.url, { hostAwaitedMs, roomGraceMs }));

const connect = () => GroovejetClient.connect(server.url);
const byQuery = (query: string) => GroovejetClient.connect(server.url, `/?${query}`);
const keyOf = (client: GroovejetClient) =>
  client.heard.findLast(({ data }) => data?.resumeKey !== undefined)?.data?.resumeKey;
const offerOf = (client: GroovejetClient, signal: unknown) =>
  client.say({ type: "guestOfferSignal", data: { offerSignal: signal } });

/** A host with its room, and a guest in it. */
async function room(): Promise<{ code: string; host: GroovejetClient; guest: GroovejetClient }> {
  const host = await connect();
  const code = await host.createRoom();
  const guest = await connect();
  await guest.joinRoom(code);
  return { code, host, guest };
}

/** The same, whose host is gone. */
async function hostless() {
  const { code, host, guest } = await room();
  host.cut();
  await guest.hears("hostDisconnected");
  return { code, host, guest };
}

describe("when the host is gone", () => {
  test.each<[how: string, go: (host: GroovejetClient) => unknown]>([
    ["it closed its socket", (host) => host.leave()],
    ["it closed it with 1000", (host) => host.leave(1000)],
    ["its page was closed", (host) => host.leave(1001)],
    ["its connection broke", (host) => host.cut()],
  ])("because %s, the guests hear until when it may come back", async (_, go) => {
    const { code, host, guest } = await room();
    const before = Date.now();
    await go(host);
    const { data } = await guest.hears("hostDisconnected");
    expect(Number(data?.until)).toBeGreaterThanOrEqual(before + roomGraceMs);
    expect(Number(data?.until)).toBeLessThanOrEqual(Date.now() + roomGraceMs);
    const late = await connect();
    expect(await late.joinRoom(code)).toEqual({
      type: "error",
      errorType: "hostDisconnected",
      errorMessage: `No host connected for room ${code}`,
    });
    expect(await late.closed).toBe(1005);
    const older = await byQuery(`code=${code}`);
    expect(await older.hears("error")).toMatchObject({
      errorType: "hostDisconnected",
      errorMessage: `The host for room ${code} has disconnected`,
    });
    expect(await older.closed).toBe(1005);
  });

  test("who can host and joins is host, and a guest's later offer reaches it", async () => {
    const { code, guest } = await hostless();
    offerOf(guest, "dropped");
    const heir = await connect();
    expect(await heir.joinRoom(code, { canHost: "yes" })).toMatchObject({ data: { isHost: true } });
    expect((await guest.hears("hostChanged")).data).toEqual({ clientId: heir.clientId });
    offerOf(guest, "heard");
    const { data } = await heir.hears("guestOfferSignal");
    expect(data).toEqual({ offerSignal: "heard", clientId: guest.clientId });
    heir.say({ type: "hostAnswerSignal", data: { answerSignal: 1, clientId: guest.clientId } });
    await guest.hears("hostAnswerSignal");
    // It was told by its answer.
    expect(heir.types).not.toContain("becameHost");
    const late = await connect();
    expect(await late.joinRoom(code)).toMatchObject({ data: { isHost: false } });
  });

  test("the next host of forms A and B has its room", async () => {
    const code = await drawRoom(server.url);
    const host = await byQuery(`code=${code}&host`);
    await host.leave();
    const next = await byQuery(`code=${code}&host`);
    const guest = await byQuery(`code=${code}`);
    guest.say({ type: "clientSignal", data: { offerSignal: 1 } });
    await next.hears("clientConnection");
  });

  test("a guest that can host takes over after a while, and all hear it", async () => {
    await setLimits(server.url, { hostAwaitedMs: 50 });
    const { code, host, guest } = await room();
    const heir = await connect();
    expect(await heir.joinRoom(code, { canHost: true })).toMatchObject({ data: { isHost: false } });
    host.cut();
    await heir.hears("becameHost");
    expect((await guest.hears("hostChanged")).data).toEqual({ clientId: heir.clientId });
    offerOf(guest, "again");
    expect((await heir.hears("guestOfferSignal")).data).toMatchObject({ offerSignal: "again" });
  });
});

describe("a client that comes back with its key", () => {
  test("is host again, by the id that it had", async () => {
    const { code, host, guest } = await hostless();
    const again = await connect();
    const first = again.clientId;
    again.say({ type: "joinRoom", data: { roomCode: code, resumeKey: keyOf(host) } });
    expect((await again.hears("joinedRoom")).data).toMatchObject({ isHost: true });
    expect(again.types.slice(0, 3)).toEqual(["identity", "identity", "joinedRoom"]);
    expect((await again.hears("roomJoined")).data).toEqual({
      clientIsHost: true,
      isHost: true,
      reconnected: true,
    });
    expect([again.clientId, again.clientId === first]).toEqual([host.clientId, false]);
    expect((await guest.hears("hostRejoined")).data).toEqual({ clientId: host.clientId });
    offerOf(guest, "once more");
    expect((await again.hears("guestOfferSignal")).data).toMatchObject({ clientId: guest.clientId });
    again.say({ type: "hostAnswerSignal", data: { answerSignal: 1, clientId: guest.clientId } });
    await guest.hears("hostAnswerSignal");
  });

  test("takes the place of its old connection, which hears why it closes", async () => {
    const { code, host, guest } = await room();
    const again = await connect();
    expect(await again.joinRoom(code, { resumeKey: keyOf(host) })).toMatchObject({ data: { isHost: true } });
    expect(await host.hears("error")).toMatchObject({ errorType: "resumedElsewhere" });
    expect(await host.closed).toBe(1005);
    offerOf(guest, 1);
    await again.hears("guestOfferSignal");
    // To the guest it was there all the time.
    expect(guest.types).not.toContain("hostDisconnected");
  });

  test("is the guest that it was, and its host hears it go and come", async () => {
    const { code, host, guest } = await room();
    guest.cut();
    const gone = await host.hears("guestDisconnected");
    expect(gone.data).toMatchObject({ clientId: guest.clientId });
    const again = await connect();
    await again.joinRoom(code, { resumeKey: keyOf(guest), requestId: "r1" });
    expect(again.clientId).toBe(guest.clientId);
    expect((await host.hears("guestRejoined")).data).toEqual({ clientId: guest.clientId });
    host.say({ type: "hostAnswerSignal", data: { answerSignal: 1, clientId: guest.clientId } });
    await again.hears("hostAnswerSignal");
  });

  test("may have to be a guest, if another leads by now", async () => {
    const { code, host, guest } = await hostless();
    const heir = await connect();
    await heir.joinRoom(code, { canHost: true });
    const again = await connect();
    expect(await again.joinRoom(code, { resumeKey: keyOf(host) })).toMatchObject({ data: { isHost: false } });
    expect(again.clientId).toBe(host.clientId);
    offerOf(again, "as a guest");
    expect((await heir.hears("guestOfferSignal")).data).toMatchObject({ clientId: host.clientId });
    expect(guest.types).not.toContain("hostRejoined");
  });

  test("a key is good once: then its client is somebody else", async () => {
    const { code, host } = await room();
    const key = keyOf(host);
    const again = await connect();
    await again.joinRoom(code, { resumeKey: key });
    const thief = await connect();
    const own = thief.clientId;
    expect(await thief.joinRoom(code, { resumeKey: key })).toMatchObject({ data: { isHost: false } });
    expect(thief.clientId).toBe(own);
    expect(keyOf(again)).not.toBe(key);
  });

  test.each([
    ["a text", "no key"],
    ["nothing", ""],
    ["a number", 7],
    ["an object", {}],
    ["a forged one", "AAAAAAAAAAAAAAAA.0.AAAAAAAAAAAAAAAAAAAAAA"],
    ["a long text", "x".repeat(10_000)],
  ])("%s is no key, and joins as anybody else", async (_, resumeKey) => {
    const { code } = await room();
    const guest = await connect();
    expect(await guest.joinRoom(code, { resumeKey })).toMatchObject({ data: { isHost: false } });
  });
});

test("a guest that leaves is told to the host, by the id that its offer had", async () => {
  const { host, guest } = await room();
  await guest.leave();
  expect((await host.hears("guestLeft")).data).toEqual({ clientId: guest.clientId });
});

describe("a room whose host does not come back", () => {
  beforeEach(() => setLimits(server.url, { roomGraceMs: 300 }));

  test("is over: its guests hear it, may create another, and nothing is kept", async () => {
    const { code, guest } = await hostless();
    await guest.hears("roomClosed");
    const late = await connect();
    expect(await late.joinRoom(code, { canHost: true })).toMatchObject({ errorType: "noRoomFound" });
    expect(await storedOf(server.url, `groovejet:${code}`)).toEqual({ rows: 0, alarm: false });
    guest.say({ type: "createRoom" });
    const { data } = await guest.hears("createdRoom");
    expect(data?.roomCode).not.toBe(code);
  });

  test.each<[does: string, enter: (client: GroovejetClient, code: string) => void, answers: string[]]>([
    [
      "joins",
      (client, roomCode) => client.say({ type: "joinRoom", data: { roomCode } }),
      ["joinedRoom", "roomJoined"],
    ],
    ["creates", (client) => client.say({ type: "createRoom" }), ["createdRoom", "roomCreated"]],
  ])(
    "is over: a guest that came back to it hears who it is in the room that it %s next",
    async (_, enter, answers) => {
      // A guest's place waits as long as the room does: longer than it takes to come back on a busy machine.
      await setLimits(server.url, { roomGraceMs });
      const { code, host, guest } = await room();
      guest.cut();
      const again = await connect();
      const own = again.clientId;
      await again.joinRoom(code, { resumeKey: keyOf(guest) });
      expect([again.clientId, again.clientId === own]).toEqual([guest.clientId, false]);
      host.cut();
      await again.hears("hostDisconnected");
      await later(server.url, roomGraceMs);
      await ring(server.url, `groovejet:${code}`);
      await again.hears("roomClosed");
      await later(server.url, -roomGraceMs);
      const told = again.heard.length;
      const next = await room();
      enter(again, next.code);
      await again.hears(answers[1] ?? "", answers[1] === "roomJoined" ? 2 : 1);
      expect(again.types.slice(told)).toEqual(["identity", ...answers]);
      expect(again.clientId).toBe(own);
      if (answers[0] !== "joinedRoom") return;
      offerOf(again, 1);
      expect((await next.host.hears("guestOfferSignal")).data).toMatchObject({ clientId: own });
    },
  );

  test("is over: one that was nobody else hears no other identity in its next room", async () => {
    const { guest } = await hostless();
    await guest.hears("roomClosed");
    await guest.createRoom();
    expect(guest.all("identity")).toHaveLength(1);
  });

  test("of forms A and B may be opened again, under the same code", async () => {
    const code = await drawRoom(server.url);
    const host = await byQuery(`code=${code}&host`);
    const guest = await byQuery(`code=${code}`);
    host.cut();
    await guest.hears("roomClosed");
    await byQuery(`code=${code}&host`);
    const other = await byQuery(`code=${code}`);
    expect(other.types).toEqual(["identity"]);
  });
});

describe("nothing is lost", () => {
  test("when lounges and lobby sleep between any two messages", async () => {
    const { code, host, guest } = await room();
    const sleep = () => putToSleep(server, [`groovejet:${code}`, host.holder, guest.holder]);
    await sleep();
    offerOf(guest, "asleep");
    const { data } = await host.hears("guestOfferSignal");
    await sleep();
    host.say({ type: "hostAnswerSignal", data: { answerSignal: "awake", clientId: data?.clientId } });
    expect((await guest.hears("hostAnswerSignal")).data).toEqual({ answerSignal: "awake" });
    await sleep();
    host.cut();
    await guest.hears("hostDisconnected");
    await putToSleep(server, [`groovejet:${code}`, guest.holder]);
    const again = await connect();
    expect(await again.joinRoom(code, { resumeKey: keyOf(host) })).toMatchObject({ data: { isHost: true } });
    await guest.hears("hostRejoined");
  });

  test("of what is said to a host that does not know yet that its room is open", async () => {
    const code = await drawRoom(server.url);
    await failCalls(server.url, "open", "lose", 1);
    const host = await byQuery(`code=${code}&host`);
    const guest = await byQuery(`code=${code}`);
    guest.say({ type: "clientSignal", data: { offerSignal: "early" } });
    expect((await host.hears("clientConnection")).data).toMatchObject({ offerSignal: "early" });
  });

  test("when the answer to a client that comes back is lost", async () => {
    const { code, host, guest } = await hostless();
    await failCalls(server.url, "comeBack", "lose", 1);
    const again = await connect();
    expect(await again.joinRoom(code, { resumeKey: keyOf(host) })).toMatchObject({ data: { isHost: true } });
    offerOf(guest, 1);
    await again.hears("guestOfferSignal");
    expect(again.types.filter((type) => type === "joinedRoom")).toHaveLength(1);
  });

  test("when the room's object is reset", async () => {
    const { code, host, guest } = await room();
    await crash(server.url, { holder: `groovejet:${code}` });
    offerOf(guest, "after");
    expect((await host.hears("guestOfferSignal")).data).toMatchObject({ offerSignal: "after" });
  });
});

test("a full room refuses the next guest, and has a place again when one leaves", async () => {
  const host = await connect();
  const code = await host.createRoom();
  const guests = await Promise.all(Array.from({ length: wireLimits.seats - 1 }, connect));
  for (const answer of await Promise.all(guests.map((guest) => guest.joinRoom(code))))
    expect(answer.type).toBe("joinedRoom");
  const late = await connect();
  expect(await late.joinRoom(code)).toMatchObject({ errorType: "lobbyFull" });
  expect(await late.closed).toBe(1005);
  // All of them offer at once, and each is answered.
  for (const [i, guest] of guests.entries()) offerOf(guest, `${i} ${"x".repeat(3_000)}`);
  for (const nth of guests.keys()) {
    const { data } = await host.hears("guestOfferSignal", nth + 1);
    host.say({
      type: "hostAnswerSignal",
      data: { answerSignal: "x".repeat(3_000), clientId: data?.clientId },
    });
  }
  await Promise.all(guests.map((guest) => guest.hears("hostAnswerSignal")));
  await guests[0]?.leave();
  await host.hears("guestLeft");
  const next = await connect();
  expect(await next.joinRoom(code)).toMatchObject({ type: "joinedRoom" });
});
