/** Why a relay over WebSocket does not carry a link, or soon will not: part of the protocol (docs/links.md). */
export const socketRelayCodes = {
  invalid_ticket: "The ticket is not genuine, or is not for this relay and this client.",
  ticket_expired: "The ticket for the relay has expired.",
  ticket_superseded: "The two have a link of a later mediation.",
  removed: "The player was removed from the lobby, or has left it.",
  relay_full: "The relay has as many players as it takes, or the server has relayed as much as it may today.",
  not_bound: "This link is not bound on this socket.",
  malformed: "This is neither a frame of records nor a message that the relay knows.",
  lifetime: "The ticket of this link is about to expire.",
  rate: "The link sends more than the relay carries for one link.",
  frame_rate: "This client sends more frames than the relay takes from one.",
  relay_rate: "The players of this relay together send more frames than it takes.",
  over_budget: "Your network has used this server too much today.",
} as const;
export type SocketRelayCode = keyof typeof socketRelayCodes;
