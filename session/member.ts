import type { Data } from "../core/data.ts";

/** One member, this client's own too. Nothing of it ever changes: a change makes another object. */
export type Member = {
  /** Stands for the member as long as it is in the lobby. Empty if the server is an older one. */
  readonly clientId: string;
  /** Orion's name: ASCII, each once in a lobby. */
  readonly name: string;
  /** The name to show, in any script. */
  readonly displayName: string;
  /** `away`: it has lost its connection, and may come back. */
  readonly presence: "connected" | "away";
  readonly data: Data;
  /** Whether its data says `ready: true`. */
  readonly ready: boolean;
  /** Its page is not being looked at. */
  readonly hidden: boolean;
  readonly isHost: boolean;
  /** Whether it is this client's own. */
  readonly isSelf: boolean;
};
