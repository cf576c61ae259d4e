/** What a session tells: what happens in its lobby, and that it is over. */
import type { HeardMessage } from "../core/wire/server-message.ts";
import type { EndReason } from "./end.ts";
import type { Difference } from "./lobby-view.ts";
import type { Member } from "./member.ts";

/** What the server says about a mediation: show yourself, these are your peers, it failed, it succeeded. */
export type MediationMessage = Extract<HeardMessage, { method: `ptpMediation_${string}` }>;

export type SessionEvent =
  /**
   * This member's own messages come back too. `at` is in milliseconds since 1970, by the server's clock. `member`: null if it is
   * not there any more. `missed`: it was said while this member was away.
   */
  | { kind: "chat"; from: string; text: string; at: number; member: Member | null; missed?: true }
  | Exclude<Difference, { kind: "left" | "away" }>
  /** `kicked`: the host has removed it. */
  | { kind: "left"; member: Member; kicked: boolean }
  /** `until`: in milliseconds since 1970, by the server's clock; null if that is not known. */
  | { kind: "away"; member: Member; until: number | null }
  /** From another member; `member` is null if it is not there any more. */
  | { kind: "signal"; clientId: string; member: Member | null; data: unknown }
  /** A signal of ours was not passed on. */
  | { kind: "signal-failed"; clientId: string; code: string }
  /** Who of a mediation has been seen, and who is awaited. */
  | { kind: "progress"; seen: Member[]; awaited: Member[] }
  /** The connection is lost. The lobby keeps the member's place for so long, and this client tries to come back. */
  | { kind: "reconnecting"; graceMs: number }
  /** It is back, and has the whole lobby. `isComplete`: it has also been told all that was said meanwhile. */
  | { kind: "resumed"; isComplete: boolean }
  /** Somebody has tried to come back in this member's place, with a key that was used before. */
  | { kind: "resume-refused" }
  | { kind: "mediation"; message: MediationMessage }
  /** The last event. It comes once. */
  | { kind: "ended"; reason: EndReason; message?: string; banned?: boolean };
