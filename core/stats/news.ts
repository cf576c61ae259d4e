import type { Outcome } from "../lobby/outcome.ts";

/** What the statistics are told, in plain data. Each piece may be lost, and then later ones put most of it right. */
export type StatsNews =
  /** A lobby is open, and has so many members now. `isNew`: it has just been opened. */
  | { kind: "open"; lobbyId: string; isPublic: boolean; members: number; isNew?: true }
  /** It is over. */
  | { kind: "over"; lobbyId: string }
  | ({ kind: "outcome" } & { outcome: Outcome })
  /** Requests and the like that were refused, by their codes. */
  | { kind: "refused"; counts: Readonly<Record<string, number>> }
  /** So many sidecars are alive, and get so many datagrams a second together. */
  | { kind: "fleet"; sidecars: number; load: number };
