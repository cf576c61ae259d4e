/** Whether the machine has room for anything new: on its disk, and in workerd's table of files. Only `npm start` binds something that knows. */
import { type Refusal, refuse } from "../../core/problem.ts";
import type { Env } from "../platform/env.ts";
import { within } from "../platform/retry.ts";
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";
import { roomHeader } from "./room-header.ts";

/** Requests that this isolate has let in, and how many it may have let in before it asks again. Data, not a promise: requests must not share those. */
let letIn = 0;
let last = { at: 0, most: 0 };
/** When it asked last, in milliseconds since 1970. One request asks at a time, and others wait: each question is a connection. */
let askedAt = 0;

/**
 * A refusal while the machine has too little room: then what is left is for the lobbies that are open. Each request that is let in counts until
 * the next answer: many can come before the machine notices the first.
 */
export async function refuseWithoutRoom({ STORAGE }: Env): Promise<Refusal | null> {
  if (!STORAGE) return null;
  const since = (at: number) => Math.abs(Date.now() - at);
  while (since(last.at) >= edgeLimits.roomAgeMs && since(askedAt) < edgeLimits.roomPatienceMs)
    await scheduler.wait(edgeLimits.roomPauseMs);
  if (since(last.at) >= edgeLimits.roomAgeMs) {
    askedAt = Date.now();
    const before = letIn;
    const asked = STORAGE.fetch("http://storage/").then(({ headers }) => Number(headers.get(roomHeader)));
    // A busy machine is late to answer. What it allowed before holds until it does.
    const untold = Math.max(edgeLimits.roomUntold, last.most - before);
    const room = await within(edgeLimits.roomPatienceMs, asked, untold).catch(() => untold);
    last = { at: Date.now(), most: before + room };
    askedAt = 0;
  }
  if (letIn >= last.most) return { ...refuse("unavailable"), retryAfterS: edgeLimits.roomRetryS };
  letIn += 1;
  return null;
}

/** The lobby that each client was let into, as far as this isolate knows. */
const lobbies = new Map<string, string>();

export function rememberMember(clientId: string, lobbyId: string): void {
  remember(lobbies, clientId, lobbyId, edgeLimits.clientsRemembered);
}

/** The same for what is asked of a lobby. Its members go on: others' questions may create an object. */
export async function refuseStrangerWithoutRoom(
  env: Env,
  clientId: string,
  lobbyId: string,
): Promise<Refusal | null> {
  return lobbies.get(clientId) === lobbyId ? null : await refuseWithoutRoom(env);
}
