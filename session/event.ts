/** What a session tells: what happens in its lobby, and that it is over. */
import type { HeardMessage } from "../core/wire/server-message.ts";
import type { EndReason } from "./end.ts";

/** What the server says about a mediation: show yourself, these are your peers, it failed, it succeeded. */
export type MediationMessage = Extract<HeardMessage, { method: `ptpMediation_${string}` }>;

export type SessionEvent =
  /** This member's own messages come back too. `at` is in milliseconds since 1970, by the server's clock. */
  | { kind: "chat"; from: string; text: string; at: number }
  | { kind: "joined"; name: string }
  | { kind: "left"; name: string }
  | { kind: "mediation"; message: MediationMessage }
  /** The last event. It comes once. */
  | { kind: "ended"; reason: EndReason };
