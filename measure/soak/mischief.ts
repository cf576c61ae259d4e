/** Faults at random times: objects end, calls fail or lose their answers, sidecars go and come. */
import { once } from "node:events";
import { setTimeout as pass } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Server } from "../../local/server.ts";
import { freeUdpPorts } from "../kit/free-ports.ts";

import type { Player } from "../kit/player.ts";
import { keyOf } from "../kit/secret.ts";
import { crash, failCalls, putToSleep } from "../kit/server.ts";
import type { Board, Gateways } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { ThreadOptions } from "./sidecar-thread.ts";

export type Mischief = {
  /** By kind. */
  readonly injected: ReadonlyMap<string, number>;
  /** Objects that ended or fell asleep, by their names, in order. `at` is in milliseconds since 1970. */
  readonly endings: readonly { at: number; kind: string; name: string }[];
  /** No new faults from now on, and none goes on. */
  stop(): Promise<void>;
  /** The sidecars stop, and their gateways. */
  end(): Promise<void>;
};

/** A sidecar, and where its gateways are. */
type Running = {
  readonly gateways: Gateways;
  /** It says goodbye. */
  stop(): Promise<void>;
  /** It does not. */
  kill(): Promise<void>;
};

/** Ports of relays that each gateway of noray has: guests ask again and again, and a relay between two gateways takes one of each. */
const relayPorts = 256;

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
  const sidecars: Running[] = [];
  let isOver = false;
  let started = 0;

  const endings: { at: number; kind: string; name: string }[] = [];
  const note = (kind: string, name?: string) => {
    injected.set(kind, (injected.get(kind) ?? 0) + 1);
    if (name !== undefined) endings.push({ at: Date.now(), kind, name });
  };
  const addSidecar = async () => {
    started += 1;
    const sidecar = await startSoakSidecar(url, `soak-${started}`);
    sidecars.push(sidecar);
    board.gateways = [...board.gateways, sidecar.gateways];
  };
  const replaceSidecar = async (how: "stop" | "kill") => {
    await addSidecar();
    const old = sidecars.shift();
    board.gateways = board.gateways.filter((one) => one !== old?.gateways);
    await old?.[how]();
  };
  const doOne = async () => {
    const kind = chance.weighted({
      holder: 2,
      lobby: 2,
      name: 1,
      relay: 1,
      directory: 1,
      fleet: 1,
      sleep: 2,
      fail: 6,
      lose: 6,
      sidecar: 0.5,
      kill: 0.5,
    });
    switch (kind) {
      case "name": {
        const holder = chance.one(board.names);
        if (holder === undefined) return;
        note("the object of another protocol's lobby ends", holder);
        return await crash(url, { holder });
      }
      case "relay": {
        const relay = chance.one(board.linked.relays);
        if (relay === undefined) return;
        note("a relay over WebSocket ends");
        return await crash(url, { relay });
      }
      case "holder":
      case "lobby": {
        const player = chance.one([...board.present]);
        const holder = kind === "lobby" ? player && lastLobbyOf(player) : player?.holder;
        if (holder === undefined) return;
        for (const other of board.present)
          if (other.holder === holder)
            board.partings.push({ player: other, how: "object ended", at: Date.now() });
        note(kind === "lobby" ? "a lobby's object ends" : "an object that holds players ends", holder);
        return await crash(url, { holder });
      }
      case "sleep": {
        const player = chance.one([...board.present]);
        const holder = chance.happens(0.5) ? player && lastLobbyOf(player) : player?.holder;
        if (holder === undefined) return;
        note("an object falls asleep", holder);
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
      case "kill":
        note(kind === "kill" ? "a sidecar is killed" : "a sidecar is replaced");
        await replaceSidecar(kind === "kill" ? "kill" : "stop");
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
    endings,
    stop: async () => {
      isOver = true;
      await going;
      for (const method of Object.keys(methods))
        for (const how of ["fail", "lose"] as const) await failCalls(url, method, how, 0);
    },
    end: async () => {
      await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    },
  };
}

async function startSoakSidecar(edge: URL, name: string): Promise<Running> {
  const ports = await freeUdpPorts(relayPorts);
  const options: ThreadOptions = {
    edge: edge.href,
    key: keyOf(name),
    address: "127.0.0.1",
    relayPorts: ports,
  };
  const thread = new Worker(new URL("./sidecar-thread.ts", import.meta.url), {
    workerData: options,
    execArgv: [],
  });
  const ended = once(thread, "exit");
  const [gateways] = await once(thread, "message");
  return {
    gateways,
    stop: async () => {
      thread.postMessage("stop");
      await ended;
    },
    kill: async () => {
      await thread.terminate();
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
