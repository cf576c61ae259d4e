/**
 * TURN credentials from Cloudflare's API (developers.cloudflare.com/realtime/turn), one for each member that asks, if the operator has made a key.
 * Nothing that the API says, and nothing of a credential, is logged.
 */
import { fields, readAs } from "../../core/shape.ts";
import { type IceServer, iceServersShape, withoutDnsPort } from "../../core/wire/ice.ts";
import type { Env } from "./env.ts";
import { platformLimits } from "./limits.ts";
import { logFault } from "./log.ts";

const answerShape = fields({ iceServers: iceServersShape });

/** `username`: what a credential is revoked by. */
export type TurnCredential = { servers: IceServer[]; username: string };

/** Where Cloudflare's API is. */
const cloudflare = "https://rtc.live.cloudflare.com/v1";

export function hasTurn({ TURN_KEY_ID, TURN_KEY_TOKEN }: Env): boolean {
  return (TURN_KEY_ID ?? "").trim() !== "" && (TURN_KEY_TOKEN ?? "").trim() !== "";
}

/** A credential that is good for `turnLifeS` seconds. Null if there is none to be had; then that is logged. */
export async function newTurnCredential(env: Env): Promise<TurnCredential | null> {
  const answer = await call(env, "credentials/generate-ice-servers", { ttl: platformLimits.turnLifeS });
  if (answer === null) return null;
  const data = readAs(answerShape, answer);
  const username = data?.iceServers.find((server) => server.username !== undefined)?.username;
  if (data && username !== undefined) return { servers: withoutDnsPort(data.iceServers), username };
  logFault("turn_unavailable", { why: "not an answer of the API" });
  return null;
}

/** Ends a credential before its time. Never throws: one that cannot be ended is logged, and ends by itself. */
export async function revokeTurnCredential(env: Env, username: string): Promise<void> {
  await call(env, `credentials/${encodeURIComponent(username)}/revoke`, undefined, "turn_not_revoked");
}

/** What the API answers, `{}` if that is nothing; null if it refuses, or is not there. */
async function call(
  { TURN_KEY_ID = "", TURN_KEY_TOKEN = "", turnApi = cloudflare }: Env,
  path: string,
  body: object | undefined,
  event: "turn_unavailable" | "turn_not_revoked" = "turn_unavailable",
): Promise<unknown> {
  try {
    const response = await fetch(`${turnApi}/turn/keys/${encodeURIComponent(TURN_KEY_ID.trim())}/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TURN_KEY_TOKEN.trim()}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(platformLimits.turnPatienceMs),
    });
    const text = await response.text();
    if (response.ok && text.length <= platformLimits.turnAnswerLength)
      return text === "" ? {} : JSON.parse(text);
    logFault(event, { status: response.status });
  } catch (error) {
    // Its text may have the address, and so the key's id.
    logFault(event, { why: error instanceof Error ? error.name : "unknown" });
  }
  return null;
}
