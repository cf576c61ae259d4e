/** A player of the lab with the SDK, in Node or in a page: how it plays one run. */

import type { TimelineEntry } from "../../client/report.ts";
import { isStraight } from "../../core/link/path.ts";
import type { Conversation } from "./conversation.ts";
import type { Order } from "./orders.ts";
import { type GameLink, Traffic, wait } from "./traffic.ts";

/** What the lab needs of a link of either SDK. */
export type LabLink = GameLink & {
  readonly report: { readonly cause: string | null; readonly timeline: readonly TimelineEntry[] };
};

export type LabLobby = AsyncDisposable & {
  readonly code: string;
  start(options: { signal: AbortSignal }): Promise<LabLink[]>;
  started(options: { signal: AbortSignal }): Promise<LabLink[]>;
  on(event: "introduced", listener: () => void): () => void;
};

/** A server, as `connect` of either SDK finds it. */
export type LabServer = AsyncDisposable & {
  host(options: {
    name: string;
    lobbyName: string;
    isPublic: boolean;
    maxMembers: number;
    privacy?: "relay-only";
    signal: AbortSignal;
  }): Promise<LabLobby>;
  join(code: string, options: { name: string; signal: AbortSignal }): Promise<LabLobby>;
};

/** Milliseconds for everything until the path is usable. The SDK should give up by itself, and say why. */
const patienceMs = 40_000;
/** Milliseconds that a player waits for a path without relay: more than the 10 s in which there should be one. */
const directPatienceMs = 12_000;
/** Milliseconds that an echo may take, and between two attempts: paths may lose messages. */
const echoPatienceMs = 8_000;
const echoAgainMs = 150;
const lookMs = 50;

/** What `playRuns` needs to have a run played. `connect`: that of the SDK. */
export function orionPlayer(
  connect: (signal: AbortSignal) => Promise<LabServer>,
  conversation: Conversation,
): (first: Order) => Promise<void> {
  return async (first) => {
    const signal = AbortSignal.timeout(patienceMs);
    await using orion = await connect(signal);
    if (first.order === "host") {
      const { privacy } = first;
      const about = { lobbyName: "The lab", isPublic: false, maxMembers: 2, ...(privacy && { privacy }) };
      await using lobby = await orion.host({ name: "Ada", ...about, signal });
      conversation.tell({ told: "hosting", code: lobby.code });
      if ((await conversation.nextOrder())?.order === "start")
        await meet(lobby, () => lobby.start({ signal }), conversation);
    } else if (first.order === "join") {
      await using lobby = await orion.join(first.code, { name: "Bo", signal });
      conversation.tell({ told: "joined" });
      await meet(lobby, () => lobby.started({ signal }), conversation);
    }
  };
}

/** Meets the other player, and stays until told to part: the other may need an answer still. */
async function meet(
  lobby: LabLobby,
  start: () => Promise<LabLink[]>,
  { nextOrder, tell }: Conversation,
): Promise<void> {
  let introducedAt: number | null = null;
  lobby.on("introduced", () => {
    introducedAt ??= performance.now();
  });
  const sinceIntroduced = () => (introducedAt === null ? null : performance.now() - introducedAt);
  const [link] = await start();
  const usableMs = sinceIntroduced();
  if (!link) throw new Error("no-link");
  let directMs = isStraight(link.path) ? usableMs : null;
  link.on("path", (path) => {
    if (isStraight(path)) directMs ??= sinceIntroduced();
  });
  const peer = echo(link);
  using traffic = new Traffic(link);
  const giveUpAt = performance.now() + directPatienceMs;
  while (!isStraight(link.path) && mayBecomeDirect(link) && performance.now() < giveUpAt) await wait(lookMs);
  const echoed = await peer.answers();
  const { path, report } = link;
  const outcome = { usableMs, directMs, path, cause: report.cause, echoed };
  tell({ told: "outcome", outcome: echoed ? outcome : { ...outcome, timeline: timelineOf(link) } });
  for (let order = await nextOrder(); order !== null && order.order !== "part"; order = await nextOrder()) {
    if (order.order === "play") traffic.start();
    if (order.order === "flow") {
      const flow = await traffic.flowSince(order.sinceMs);
      tell({ told: "flow", flow: { ...flow, timeline: timelineOf(link) } });
    }
    if (order.order === "sum") tell({ told: "sum", sum: await traffic.sum() });
  }
}

function timelineOf({ report }: LabLink): string[] {
  return report.timeline.map(({ atMs, what }) => `${Math.round(atMs)} ms: ${what}`);
}

/** A relay that stays one says why. */
function mayBecomeDirect({ report }: LabLink): boolean {
  return report.cause === null || report.cause === "not-yet-direct";
}

/** Answers the other player's calls from now on, and calls it when asked to. */
function echo(link: LabLink): { answers(): Promise<boolean> } {
  let answered = false;
  const say = (word: string) => link.send(new TextEncoder().encode(word));
  link.on("message", (bytes) => {
    const word = new TextDecoder().decode(bytes);
    if (word === "call") say("answer");
    answered ||= word === "answer";
  });
  const answers = async () => {
    const giveUpAt = performance.now() + echoPatienceMs;
    while (!answered && performance.now() < giveUpAt) {
      say("call");
      const againAt = performance.now() + echoAgainMs;
      while (!answered && performance.now() < againAt) await wait(5);
    }
    return answered;
  };
  return { answers };
}

/** The SDK's errors say why in `cause`, or in `code`. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (typeof error.cause === "string") return error.cause;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.message;
}
