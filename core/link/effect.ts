import type { Endpoint } from "../endpoint.ts";
import type { Cause } from "./cause.ts";
import type { ChannelName, LocalSocket, Path } from "./path.ts";
import type { Unproven } from "./unproven.ts";

/** What the shell is to do, in this order. */
export type LinkEffect =
  /**
   * Send a packet. An answer's number is that of the check it answers. `unproven`: only if the client's allowance
   * has one of these (unproven.ts); else `check-withheld` comes for a check, and an answer is dropped.
   */
  | {
      kind: "send";
      packet: "check" | "answer" | "farewell";
      number: number;
      local: LocalSocket;
      remote: Endpoint;
      unproven?: Unproven | undefined;
    }
  /** Ask the relay to bind our end (again). The shell answers a challenge by itself. */
  | { kind: "bind-relay" }
  /** A channel is silent: open another in its place, unless the shell knows that it lives. */
  | { kind: "reopen-channel"; local: ChannelName }
  /** Ask for a turn at probing for ports: few links of a client do at once. `turn-given` comes when it may. */
  | { kind: "ask-turn" }
  | { kind: "end-turn" }
  /** Open this many sockets more, each at a port of its own; `sockets-opened` comes. */
  | { kind: "open-sockets"; count: number }
  /** Those sockets are needed no more, but for `keep`. */
  | { kind: "close-sockets"; keep: LocalSocket | null }
  /** The game's packets go this way from now on; the first time, the link is usable. */
  | { kind: "use-path"; path: Path }
  /** No better path is looked for; the peer may find one yet. The cause says why the one in use is not direct. Comes once. */
  | { kind: "settle"; cause: Cause | null }
  /** The link is over. */
  | { kind: "end"; cause: Cause | null }
  /** For the report: something happened, worth a line. */
  | { kind: "note"; what: string };
