/**
 * What lets a client use a relay:
 * `<link>.<side>.<begun>.<expires>.<lobby>.<client id>.<peer's client id>.<relay>`.
 *
 * The relay is a sidecar's, by its name, or one of the lobby's own over WebSocket: `~<number>` or
 * `~<number>.<region>`, which no sidecar can be called.
 *
 * The lobby draws it up, the relay checks it with no I/O. The ticket itself is no secret: its key (HMAC-SHA-256 of the
 * ticket under the relay key, cut to 128 bits, base64url) is told to the client alone, over its WebSocket, and what the client
 * asks of the relay is signed with it (core/wire/signed-datagram.ts). The shells compute it: this file has no crypto.
 *
 * It lasts for minutes. As long as the client's session lives, the object that holds it renews it: the same ticket with a
 * later expiry, and the key of that. So a ticket outlives its session by no more than its own time.
 */
import { isRegion, type Region } from "../lounges.ts";
import { relayLimits } from "./limits.ts";

export type Ticket = {
  /** The link between the two: 12 hex digits, 48 random bits. */
  link: string;
  /** The holder's end of the link: the host is `a`. */
  side: Side;
  /** When its mediation introduced the two, in milliseconds since 1970: tells which of two mediations is the later. */
  begunAt: number;
  /** In milliseconds since 1970; the ticket has whole seconds. */
  expiresAt: number;
  /** 5 to 8 characters that tell lobbies apart, and show nothing else: a code would be a secret in clear. */
  lobbyTag: string;
  clientId: string;
  peerId: string;
  /** The name of the sidecar whose relay it is for, or a relay over WebSocket as `webSocketRelay` writes it. */
  sidecar: string;
};

/**
 * One of a lobby's relays over WebSocket, by its number: each has few members (core/relay/groups.ts). `region`: where it is put by
 * whom first asks for it; null for near that client.
 */
export type WebSocketRelay = { readonly number: number; readonly region: Region | null };

export type Side = "a" | "b";

/** What tickets of a lobby say of it. */
export function lobbyTagOf(incarnation: string): string {
  return incarnation.slice(0, 8);
}

/** Bytes of a link's id: what a number can hold exactly. */
export const linkIdBytes = 6;

const shape =
  /^([\da-f]{12})\.([ab])\.(0|[1-9]\d{0,13})\.(0|[1-9]\d{0,10})\.([\w-]{5,8})\.([\w-]{16})\.([\w-]{16})\.([\w.-]{1,64}|~.{1,9})$/;
const relayShape = /^~(0|[1-9]\d{0,2})(?:\.([a-z]{2,4}))?$/;
/** Characters of the longest ticket. */
export const ticketLength = 12 + 1 + 14 + 11 + 8 + 16 + 16 + 64 + 7;

export function ticketText(ticket: Ticket): string {
  const { link, side, begunAt, expiresAt, lobbyTag, clientId, peerId, sidecar } = ticket;
  return [link, side, begunAt, Math.ceil(expiresAt / 1000), lobbyTag, clientId, peerId, sidecar].join(".");
}

/** The parts of a ticket, or null for any other text. Whether the lobby drew it up is not checked. */
export function parseTicket(text: string): Ticket | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, link = "", side, begun, seconds, lobbyTag = "", clientId = "", peerId = "", sidecar = ""] = match;
  if (sidecar.startsWith("~") && !relayIn(sidecar)) return null;
  return {
    link,
    side: side === "a" ? "a" : "b",
    begunAt: Number(begun),
    expiresAt: Number(seconds) * 1000,
    lobbyTag,
    clientId,
    peerId,
    sidecar,
  };
}

/** How a ticket names a relay over WebSocket. */
export function webSocketRelay({ number, region }: WebSocketRelay): string {
  return `~${number}${region === null ? "" : `.${region}`}`;
}

/** The relay over WebSocket that a ticket is for; null if it is for a sidecar's. */
export function relayOf({ sidecar }: Ticket): WebSocketRelay | null {
  return relayIn(sidecar);
}

function relayIn(name: string): WebSocketRelay | null {
  const match = relayShape.exec(name);
  if (!match) return null;
  const [, number, region = null] = match;
  if (region !== null && !isRegion(region)) return null;
  return { number: Number(number), region };
}

/** The name of the object that is this relay of the lobby. */
export function relayName(lobbyTag: string, number: number): string {
  return `relay:${lobbyTag}:${number}`;
}

/**
 * The ticket that a client's session gives it for this one: the same link, with a later expiry. Null if it is none of these
 * clients', has been over for too long, or its link has had its time. Whether it is genuine is not checked. Times are in
 * milliseconds since 1970.
 */
export function renewedTicket(ticket: Ticket, clientIds: readonly string[], now: number): Ticket | null {
  const { relayTicketMs, relayRenewGraceMs, relayLinkMs } = relayLimits;
  if (!clientIds.includes(ticket.clientId) || now >= ticket.expiresAt + relayRenewGraceMs) return null;
  const expiresAt = Math.min(now + relayTicketMs, ticket.begunAt + relayLinkMs);
  return expiresAt > now ? { ...ticket, expiresAt } : null;
}

/** Why a relay does not carry a link, or soon will not: part of the protocol (docs/protocol.md). */
export const relayCodes = {
  ticket_expired: "The ticket for the relay has expired.",
  ticket_superseded: "The client uses the relay with a ticket of a later mediation.",
  ticket_mismatch: "The ticket for the relay does not belong with that of the link's other end.",
  relay_full: "The relay has as many links as it can carry, or as many of this address as it takes.",
  rate: "The link sends more than the relay carries for one link.",
  lobby_rate: "The lobby's links together send more than the relay carries for one lobby.",
  address_rate: "The players behind this address together send more than the relay carries for one address.",
  total_rate: "The relay carries as much as it can.",
  bytes: "The link has used up what the relay carries for it.",
  lifetime: "The link's time on the relay is over.",
  leaving: "The relay is about to stop.",
} as const;
export type RelayCode = keyof typeof relayCodes;
