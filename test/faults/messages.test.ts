/** What objects tell each other comes late, twice, or not as it should. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { failCalls, failedCalls, mail, startFaultyServer } from "../../measure/kit/server.ts";

let server: Server;
let watcher: Watch;
beforeAll(async () => {
  server = await startFaultyServer();
});
beforeEach(async () => {
  await answersArrive();
  watcher = watch(server.url);
});
afterEach(async () => {
  await watcher.settles();
  watcher.stop();
});
afterAll(() => server.stop());

const soon = { interval: 10 };

/** From now on answers to messages are lost, and one was, while this was done. */
async function answersGetLost(meanwhile: () => Promise<void>): Promise<void> {
  await failCalls(server.url, "receive", "lose", Number.POSITIVE_INFINITY);
  const before = await failedCalls(server.url);
  await meanwhile();
  await vi.waitFor(async () => expect(await failedCalls(server.url)).toBeGreaterThan(before), soon);
}

async function answersArrive(): Promise<void> {
  await failCalls(server.url, "receive", "lose", 0);
}

/** The lobby hears that a member has left, though it has not. */
async function believedGone({ clientId, holder }: Player, lobbyId: string, host: Player): Promise<void> {
  const items = [{ lobbyId, event: { kind: "member-left", clientId } }];
  await mail(server.url, lobbyId, holder, { id: crypto.randomUUID(), items });
  await host.hears("lobby_peerDisconnect");
}

test("what is repeated because its answer was lost is heard once", async () => {
  const { lobbyId, host, guests, all } = await lobbyOf(2, server.url);
  const [guest = host] = guests;
  await answersGetLost(async () => guest.chat(lobbyId, "Once"));
  await answersArrive();
  await rollCall(lobbyId, guest, host);
  for (const player of all) expect(player.chats.filter((text) => text === "Once")).toHaveLength(1);
});

test("what one hears as an answer and what comes by a call of its own keep their order, when an answer is late", async () => {
  const own = await startFaultyServer({ vars: { clientsPerLounge: 1 } });
  try {
    const { lobbyId, host, guests, all } = await lobbyOf(2, own.url);
    const [guest = host] = guests;
    expect(guest.holder).not.toBe(host.holder);
    // The lobby answers the guest's lounge with the guest's own line, and the answer is lost.
    await failCalls(own.url, "receive", "lose", 1);
    guest.chat(lobbyId, "First");
    await vi.waitFor(() => expect(host.chats).toEqual(["First"]), soon);
    host.chat(lobbyId, "Second");
    await rollCall(lobbyId, host, guest);
    for (const player of all) expect(player.chats.slice(0, 2)).toEqual(["First", "Second"]);
  } finally {
    await own.stop();
  }
});

test("one who joins again stays in, whatever is told late of the one before", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest = host] = guests;
  await believedGone(guest, lobbyId, host);
  // The lobby says that it does not know the guest, and this answer is lost for now.
  await answersGetLost(async () => guest.chat(lobbyId, "Am I in?"));
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await answersArrive();
  await rollCall(lobbyId, guest, host);
  expect(guest.all("lobby_closed")).toHaveLength(1);
  await rollCall(lobbyId, guest, host);
});

test("one whose join failed, and then succeeds, is not thrown out by the late answer about the place given back", async () => {
  const { lobbyId, host } = await lobbyOf(1, server.url);
  const guest = await Player.connect(server.url);
  await failCalls(server.url, "enter", "fail", Number.POSITIVE_INFINITY);
  await answersGetLost(async () => {
    expect((await guest.join(lobbyId, "Guest")).status).toBe(503);
  });
  await failCalls(server.url, "enter", "fail", 0);
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await answersArrive();
  await rollCall(lobbyId, guest, host);
  await rollCall(lobbyId, guest, host);
  expect(guest.all("lobby_closed")).toEqual([]);
});

test("one message that nobody understands does not spoil the rest, nor double it", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest = host] = guests;
  const news = (kind: string, text: string) => ({
    lobbyId,
    event: { kind, clientId: guest.clientId, text },
  });
  const items = [
    news("message-sent", "Before"),
    news("of-a-newer-version", "?"),
    news("message-sent", "After"),
  ];
  const id = crypto.randomUUID();
  // Here it is the test that speaks for the guest.
  for (const message of ["Before", "After"]) {
    const payload = { lobbyId, message };
    guest.story.push({ at: Date.now(), kind: "said", method: "lobby_messaging_send", payload });
  }
  for (let i = 0; i < 2; i++) await mail(server.url, lobbyId, guest.holder, { id, items });
  await rollCall(lobbyId, guest, host);
  expect(host.chats.slice(0, -1)).toEqual(["Before", "After"]);
});

for (const direct of [false, true]) {
  const where = direct ? "that holds it" : "in another object";

  test(`a member that the lobby ${where} does not know any more learns so when it chats`, async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { direct });
    const [guest = host] = guests;
    expect(guest.holder === lobbyId).toBe(direct);
    await believedGone(guest, lobbyId, host);
    guest.chat(lobbyId, "Am I in?");
    expect(await guest.hears("lobby_closed")).toEqual({ lobbyId, lobbyName: "Lobby" });
    expect((await guest.host()).status).toBe(201);
  });
}

test("news of a former lobby of the same code is dropped, and its sender told that it is in no lobby", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest = host] = guests;
  const event = { kind: "message-sent", clientId: host.clientId, text: "From before" };
  const items = [{ lobbyId, incarnation: "of a former lobby", event }];
  await mail(server.url, lobbyId, host.holder, { id: crypto.randomUUID(), items });
  await rollCall(lobbyId, guest, host);
  expect(guest.chats).not.toContain("From before");
});

test("a delivery of a former lobby of the same code reaches nobody", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const message = { type: "lobbyClosed", lobbyName: "The former" };
  const items = [{ lobbyId, incarnation: "of a former lobby", to: [host.clientId], message, release: true }];
  await mail(server.url, host.holder, lobbyId, { id: crypto.randomUUID(), items });
  await rollCall(lobbyId, host, ...guests);
  expect(host.all("lobby_closed")).toEqual([]);
});
