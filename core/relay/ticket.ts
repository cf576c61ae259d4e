/**
 * What lets a client use a relay: `<link>.<side>.<expires>.<lobby>.<client id>.<peer's client id>`.
 *
 * The lobby draws it up, the sidecar checks it with no I/O. The ticket itself is no secret: its key (HMAC-SHA-256 of the
 * ticket under the relay key, cut to 128 bits, base64url) is told to the client alone, over its WebSocket, and what the client
 * asks of the relay is signed with it (core/wire/signed-datagram.ts). The shells compute it: this file has no crypto.
 */
export type Ticket = {
  /** The link between the two: 12 hex digits, 48 random bits. */
  link: string;
  /** The holder's end of the link: the host is `a`. */
  side: Side;
  /** In milliseconds since 1970; the ticket has whole seconds. The same for all tickets of one mediation, and so tells which is the later. */
  expiresAt: number;
  /** 5 to 8 characters that tell lobbies apart, and show nothing else: a code would be a secret in clear. */
  lobbyTag: string;
  clientId: string;
  peerId: string;
};

export type Side = "a" | "b";

/** Bytes of a link's id: what a number can hold exactly. */
export const linkIdBytes = 6;

const shape = /^([\da-f]{12})\.([ab])\.(\d{1,11})\.([\w-]{5,8})\.([\w-]{16})\.([\w-]{16})$/;

export function ticketText({ link, side, expiresAt, lobbyTag, clientId, peerId }: Ticket): string {
  return [link, side, Math.ceil(expiresAt / 1000), lobbyTag, clientId, peerId].join(".");
}

/** The parts of a ticket, or null for any other text. Whether the lobby drew it up is not checked. */
export function parseTicket(text: string): Ticket | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, link = "", side, seconds, lobbyTag = "", clientId = "", peerId = ""] = match;
  return {
    link,
    side: side === "a" ? "a" : "b",
    expiresAt: Number(seconds) * 1000,
    lobbyTag,
    clientId,
    peerId,
  };
}

/** Why a relay does not carry a link, or soon will not: part of the protocol (docs/protocol.md). */
export const relayCodes = {
  ticket_expired: "The ticket for the relay has expired.",
  ticket_superseded: "The client uses the relay with a ticket of a later mediation.",
  ticket_mismatch: "The ticket for the relay does not belong with that of the link's other end.",
  relay_full: "The relay has as many links as it can carry.",
  rate: "The link sends more than the relay carries for one link.",
  lobby_rate: "The lobby's links together send more than the relay carries for one lobby.",
  total_rate: "The relay carries as much as it can.",
  bytes: "The link has used up what the relay carries for it.",
  lifetime: "The link's time on the relay is over.",
  leaving: "The relay is about to stop.",
} as const;
export type RelayCode = keyof typeof relayCodes;
