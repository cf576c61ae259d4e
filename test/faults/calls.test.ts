/**
 * Calls between objects fail: once, all for as long as a lobby lives, or only their answers are lost. Whatever players
 * are refused meanwhile, the promises hold, and when the fault is over they can play.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import type { Player } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { failCalls, failedCalls, startFaultyServer } from "../../measure/kit/server.ts";
import { alive, castOf, steps } from "./life.ts";

vi.setConfig({ maxConcurrency: 4, testTimeout: 120_000 });

const timing = { ptpmConnectRequestIntervalMs: 200, ptpmConnectTimeoutMs: 2_000 };
let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ timing });
});
afterAll(() => server.stop());

/** The methods, and what they are for. */
const methods = {
  fetch: "handing a socket to an object",
  hostLobby: "asking a lounge for a lobby",
  joinLobby: "asking a lounge to join",
  open: "asking an object to be a lobby",
  enter: "asking a lobby to let a player in",
  startMediation: "asking a lounge to start",
  start: "asking a lobby to start",
  receive: "messages between objects",
  observe: "telling a lounge of a datagram",
  put: "listing a lobby",
  remove: "striking a lobby off the list",
  live: "asking which sidecars live",
} as const;
type Method = keyof typeof methods;

const faults = {
  "fails once": ["fail", 1],
  "fails twice": ["fail", 2],
  "is done, but its answer is lost": ["lose", 1],
  "is done, but its answer is lost twice": ["lose", 2],
} as const;

for (const [method, purpose] of Object.entries(methods)) {
  // An isolate asks once in some seconds.
  if (method === "live") continue;
  describe(purpose, () => {
    for (const [what, [how, count]] of Object.entries(faults)) {
      test(what, () => lives(server, method, how, count));
    }
  });
}

/** Long enough for what is repeated in vain to be given up. */
const forLong = 1_000_000;

describe("for long", () => {
  const failing: Method[] = [
    "hostLobby",
    "joinLobby",
    "open",
    "enter",
    "receive",
    "observe",
    "put",
    "remove",
    "live",
  ];
  for (const method of failing) {
    test.concurrent(`${methods[method]} fails, and then works again`, () => alone(method, "fail"));
  }
  const unanswered: Method[] = ["open", "enter", "receive", "observe", "put", "remove", "live"];
  for (const method of unanswered) {
    test.concurrent(`${methods[method]} is done but never answered, and then works again`, () =>
      alone(method, "lose"));
  }
  test("asking a lounge for a lobby is done but never answered, and then works again", () =>
    alone("hostLobby", "lose"));
});

/** On a server of its own: the fault is one of all its objects. */
async function alone(method: Method, how: "fail" | "lose"): Promise<void> {
  const own = await startFaultyServer({ timing });
  await lives(own, method, how, forLong).finally(own.stop);
}

/** What a player was refused. */
function refusals({ story }: Player): unknown[] {
  return story.filter((entry) => entry.kind === "answered" && (entry.status < 200 || entry.status > 299));
}

async function lives(
  { url, sidecar }: Server,
  method: string,
  how: "fail" | "lose",
  count: number,
): Promise<void> {
  const watcher = watch(url);
  const before = await failedCalls(url);
  const cast = await castOf({ url, sidecar }, false);
  await failCalls(url, method, how, count);
  for (const step of Object.values(steps)) await step(cast);
  if (count !== forLong) expect([cast.host, ...cast.guests].flatMap(refusals)).toEqual([]);
  // A guest that goes, and a lobby that ends, while calls fail.
  await alive(...cast.guests)[0]?.leave();
  await failCalls(url, method, how, 0);
  const mayLoseChat = count === forLong;
  await watcher.settles({ withinMs: 40_000, mayLoseChat });
  await carryMediation(url, { direct: false, udpPort: sidecar?.port ?? 0 });
  await Promise.all(alive(cast.host, ...cast.guests).map((player) => player.leave()));
  await watcher.settles({ mayLoseChat });
  watcher.stop();
  if (method !== "fetch") expect(await failedCalls(url)).toBeGreaterThan(before);
}
