/** Whether the machine's storage has room for anything new. Only `npm start` binds something that knows. */
import { type Refusal, refuse } from "../../core/problem.ts";
import type { Env } from "../platform/env.ts";
import { within } from "../platform/retry.ts";
import { edgeLimits } from "./limits.ts";

/** This isolate's last answer. Data, not a promise: requests must not share those. */
let last = { at: 0, hasRoom: true };

/** A refusal while the storage is almost full: then what is left of it is for the lobbies that are open. */
export async function refuseWithoutRoom({ STORAGE }: Env): Promise<Refusal | null> {
  if (!STORAGE) return null;
  if (Math.abs(Date.now() - last.at) >= edgeLimits.roomAgeMs) {
    const asked = STORAGE.fetch("http://storage/").then(({ ok }) => ok);
    const hasRoom = await within(edgeLimits.roomPatienceMs, asked, true).catch(() => true);
    last = { at: Date.now(), hasRoom };
  }
  return last.hasRoom ? null : refuse("unavailable");
}
