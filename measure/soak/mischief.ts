/** Faults at random times: objects end, calls fail or lose their answers, sidecars go and come. */
import { setTimeout as pass } from "node:timers/promises";
import type { Server } from "../../local/server.ts";
import { type Sidecar, startSidecar } from "../../udp-sidecar/sidecar.ts";
import type { Player } from "../kit/player.ts";
import { keyOf } from "../kit/secret.ts";
import { crash, failCalls, putToSleep } from "../kit/server.ts";
import type { Board } from "./board.ts";
import type { Chance } from "./chance.ts";

export type Mischief = {
  /** By kind. */
  readonly injected: ReadonlyMap<string, number>;
  /** No new faults from now on, and none goes on. */
  stop(): Promise<void>;
};

/** Milliseconds between two faults. */
const pause = { least: 200, most: 1_500 };
/** Milliseconds in which no second fault of one method comes: one request must not meet more than it can outlive. */
const restMs = 3_000;
/**
 * How many calls of a method fail together, and how many lose their answers. What a request is told when its last
 * try fails is no violation: 503. But of a holder's own answer to the Worker no more may be lost (docs/promises.md).
 */
const methods = {
  fetch: [2, 2],
  hostLobby: [2, 1],
  joinLobby: [2, 1],
  startMediation: [4, 4],
  enter: [4, 4],
  start: [4, 4],
  open: [4, 4],
  isMember: [2, 2],
  isListed: [2, 2],
  receive: [3, 3],
  observe: [4, 4],
  put: [4, 4],
  remove: [4, 4],
  list: [1, 1],
  live: [3, 3],
  hear: [1, 1],
  // Of lobbies in which people stay. Behind the Worker and behind a player's holder there are three tries each.
  resumeMember: [2, 1],
  leaveLobby: [2, 1],
  askLobby: [2, 1],
  matchLobby: [2, 1],
  comeBack: [4, 4],
  ask: [4, 4],
  match: [2, 2],
  unmatch: [1, 1],
} as const;

type Place = Pick<Server, "url" | "evict"> & { board: Board };

export function makeMischief({ url, evict, board }: Place, chance: Chance): Mischief {
  const injected = new Map<string, number>();
  const failedAt = new Map<string, number>();
  const sidecars: Sidecar[] = [];
  let isOver = false;
  let started = 0;

  const note = (kind: string) => injected.set(kind, (injected.get(kind) ?? 0) + 1);
  const addSidecar = async () => {
    started += 1;
    const options = { edge: url, key: keyOf(`soak-${started}`), port: 0, secondPort: 0, bind: "127.0.0.1" };
    sidecars.push(await startSidecar(options, () => {}));
  };
  const doOne = async () => {
    const kind = chance.weighted({
      holder: 2,
      lobby: 2,
      directory: 1,
      fleet: 1,
      sleep: 2,
      fail: 6,
      lose: 6,
      sidecar: 0.5,
    });
    switch (kind) {
      case "holder":
      case "lobby": {
        const player = chance.one([...board.present]);
        const holder = kind === "lobby" ? player && lastLobbyOf(player) : player?.holder;
        if (holder === undefined) return;
        for (const other of board.present)
          if (other.holder === holder)
            board.partings.push({ player: other, how: "object ended", at: Date.now() });
        note(kind === "lobby" ? "a lobby's object ends" : "an object that holds players ends");
        return await crash(url, { holder });
      }
      case "sleep": {
        const player = chance.one([...board.present]);
        const holder = chance.happens(0.5) ? player && lastLobbyOf(player) : player?.holder;
        if (holder === undefined) return;
        note("an object falls asleep");
        return await putToSleep({ evict }, [holder]).catch(() => {});
      }
      case "directory":
        note("the directory ends");
        return await crash(url, { directory: "0" });
      case "fleet":
        note("the fleet ends");
        return await crash(url, { fleet: "" });
      case "fail":
      case "lose": {
        const method = chance.one(Object.keys(methods) as (keyof typeof methods)[]) ?? "receive";
        const count = chance.between(1, methods[method][kind === "fail" ? 0 : 1]);
        if ((failedAt.get(method) ?? 0) + restMs > Date.now()) return;
        failedAt.set(method, Date.now());
        note(kind === "fail" ? "calls fail" : "answers are lost");
        return await failCalls(url, method, kind, count);
      }
      case "sidecar":
        note("a sidecar is replaced");
        await addSidecar();
        await sidecars.shift()?.stop();
    }
  };
  const going = (async () => {
    await addSidecar();
    await addSidecar();
    while (!isOver) {
      await pass(chance.between(pause.least, pause.most));
      if (!isOver) await doOne();
    }
  })();

  return {
    injected,
    stop: async () => {
      isOver = true;
      await going;
      for (const method of Object.keys(methods))
        for (const how of ["fail", "lose"] as const) await failCalls(url, method, how, 0);
    },
  };
}

/** The code of the lobby that a player got into last. */
function lastLobbyOf({ story }: Player): string | undefined {
  for (const entry of story.toReversed()) {
    if (entry.kind === "answered" && typeof entry.body?.lobbyId === "string") return entry.body.lobbyId;
  }
  return undefined;
}
