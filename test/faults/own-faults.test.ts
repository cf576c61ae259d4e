/** Faults of our own code in an object: they would come again, so nobody repeats the call, and the log has one line. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { lobbyOf, Player, request } from "../../measure/kit/player.ts";
import { failCalls, failedCalls, startLoggedServer } from "../../measure/kit/server.ts";

let server: Awaited<ReturnType<typeof startLoggedServer>>;
let before = 0;
beforeAll(async () => {
  server = await startLoggedServer({ udpPort: null });
});
beforeEach(async () => {
  before = server.logged.length;
});
afterAll(() => server.stop());

/** The faults that were logged in this test so far. */
function faults(): { event: string; fault?: string; error?: string }[] {
  const lines = server.logged.slice(before).filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).filter(({ level }) => level === "error");
}

/** Calls of a method that fail once, and how many of those were made. */
async function callsThatThrow(method: string, act: () => Promise<void>): Promise<number> {
  const failed = await failedCalls(server.url);
  await failCalls(server.url, method, "throw", 100);
  await act();
  await failCalls(server.url, method, "throw", 0);
  return (await failedCalls(server.url)) - failed;
}

test("a player whose lobby's code throws is refused at once, and the log says so once", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 4 });
  const guest = await Player.connect(server.url);
  const calls = await callsThatThrow("enter", async () => {
    expect(await guest.join(lobbyId, "Guest")).toMatchObject({
      status: 503,
      body: { codes: ["unavailable"] },
    });
  });
  expect(calls).toBe(1);
  await vi.waitFor(() => expect(faults()).toMatchObject([{ event: "lobby_unreachable", fault: "ours" }]));
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
});

test("one whose lounge's code throws is refused at once, and the log says so once", async () => {
  const host = await Player.connect(server.url);
  const calls = await callsThatThrow("hostLobby", async () => {
    expect(await host.host()).toMatchObject({ status: 503, body: { codes: ["unavailable"] } });
  });
  expect(calls).toBe(1);
  await vi.waitFor(() => expect(faults()).toMatchObject([{ event: "object_unreachable", fault: "ours" }]));
  expect((await host.host()).status).toBe(201);
});

test("a list that cannot be read for a fault of the directory's code is asked for once", async () => {
  const calls = await callsThatThrow("list", async () => {
    expect((await request(server.url, "/lobbies")).status).toBe(503);
  });
  expect(calls).toBe(1);
  await vi.waitFor(() => expect(faults()).toMatchObject([{ event: "directory_unreachable", fault: "ours" }]));
});

test("a fault of the platform is none of ours: the call is repeated, and nobody hears of it", async () => {
  const { lobbyId } = await lobbyOf(1, server.url, { maxMembers: 4 });
  const guest = await Player.connect(server.url);
  await failCalls(server.url, "enter", "fail", 2);
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  expect(faults()).toEqual([]);
});
