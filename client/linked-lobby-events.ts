/** What happens in a lobby whose players can be connected. */

import type { Link } from "./link/link.ts";
import { type LobbyEvents, lobbyEvents } from "./lobby-events.ts";
import type { Peer } from "./peer.ts";
import type { ConnectionReport } from "./report.ts";

export type LinkedLobbyEvents = LobbyEvents & {
  /** The server has told who the peers are. Now they look for each other. */
  introduced: { peers: Peer[] };
  /** A link is usable. Others may follow. */
  link: Link;
  /** To the host: a member could not be connected to it, or not directly, and why. */
  report: { clientId: string; name: string } & ConnectionReport;
};

/** All of them, for callers that have no types. */
export const linkedLobbyEvents: Record<keyof LinkedLobbyEvents, true> = {
  ...lobbyEvents,
  introduced: true,
  link: true,
  report: true,
};
