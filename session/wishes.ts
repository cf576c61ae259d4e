/** What a member asks of its lobby, besides to talk: each is one request. Throws as `Session.ask`. */
import type { DataChange } from "../core/data.ts";
import { anything, fields, number, truth } from "../core/shape.ts";
import type { ChangeRequest } from "../core/wire/http.ts";
import { wireLimits } from "../core/wire/limits.ts";
import { SessionError, sessionError } from "./error.ts";
import type { Session } from "./session.ts";

const versionAnswer = fields({ version: number() });
const snapshotAnswer = fields({ version: number(), durable: truth });

/** As the host: asks the server to connect all members. `patienceMs`: how long it waits for each to show up. */
export async function start(session: Session, patienceMs?: number, signal?: AbortSignal): Promise<void> {
  const patience = session.view.isWhole ? { patienceMs } : {};
  await session.ask("/ptp/start", anything, { body: { ...patience, ...termOf(session) } }, signal);
}

/** As the host: stops the connecting, for all. */
export async function stop(session: Session): Promise<void> {
  await session.ask("/ptp/stop", anything, { body: termOf(session) });
}

/** As the host: has the connecting go on without those who are missing. */
export async function proceed(session: Session): Promise<void> {
  await session.ask("/ptp/proceed", anything, { body: termOf(session) });
}

/** As the host: another member becomes host. */
export async function makeHost(session: Session, clientId: string): Promise<void> {
  await session.ask("/host", anything, { body: { clientId, ...termOf(session) } });
}

/** As the host: removes a member. */
export async function kick(
  session: Session,
  clientId: string,
  { reason, ban }: { reason?: string | undefined; ban?: boolean | undefined } = {},
): Promise<void> {
  await session.ask("/kick", anything, { body: { clientId, reason, ban, ...termOf(session) } });
}

/** As the host: lets somebody in again. */
export async function unban(session: Session, clientId: string): Promise<void> {
  await session.ask(`/bans/${encodeURIComponent(clientId)}`, anything, { method: "DELETE" });
}

/** As the host: changes the lobby. Done when this client's view has it. Returns the lobby's version. */
export async function change(
  session: Session,
  change: Omit<ChangeRequest, "token" | "term">,
): Promise<number> {
  return await changed(session, "", { ...change, ...termOf(session) });
}

/** Changes what this member says of itself. Done when this client's view has it. Returns the lobby's version. */
export async function changeSelf(
  session: Session,
  change: { displayName?: string; data?: DataChange; ifVersion?: number },
): Promise<number> {
  return await changed(session, "/members/me", change);
}

async function changed(session: Session, what: string, body: object): Promise<number> {
  const { version } = await session.ask(what, versionAnswer, { method: "PATCH", body });
  await session.reaches(version);
  return version;
}

/** Throws `invalid_signal` too. Done when it is sent: that it was not passed on is an event. */
export async function signal(session: Session, to: string, data: unknown): Promise<void> {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch {
    // Of a circle, or a bigint, there is no JSON.
  }
  if (json === undefined || new TextEncoder().encode(json).length > wireLimits.signalBytes) {
    throw sessionError("invalid_signal");
  }
  await session.signal(to, data);
}

/** As the host: keeps the game's state with the lobby. `durable`: no crash can lose it any more. Throws `invalid_snapshot` too. */
export async function saveSnapshot(
  session: Session,
  bytes: Uint8Array,
  ifVersion?: number,
): Promise<{ version: number; durable: boolean }> {
  if (bytes.length > wireLimits.snapshotBytes) throw sessionError("invalid_snapshot");
  const headers = ifVersion === undefined ? {} : { "if-match": `"${ifVersion}"` };
  return await session.ask("/snapshot", snapshotAnswer, { method: "PUT", bytes, headers });
}

/** Null if there is none. */
export async function readSnapshot(session: Session): Promise<{ bytes: Uint8Array; version: number } | null> {
  try {
    const { bytes, etag } = await session.askForBytes("/snapshot");
    return { bytes, version: Number(/\d+/.exec(etag ?? "")?.[0] ?? 0) };
  } catch (error) {
    if (error instanceof SessionError && error.code === "no_snapshot") return null;
    throw error;
  }
}

/** What a host asks counts only in its own term. A server without additions knows none. */
function termOf({ view }: Session): { term?: number } {
  return view.isWhole ? { term: view.term } : {};
}
