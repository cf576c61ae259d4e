/** What a client and a relay over WebSocket say to each other in text frames: `method:base64(JSON)`, as everywhere. */
import { type SocketRelayCode, socketRelayCodes } from "../relay/socket/codes.ts";
import { ticketLength } from "../relay/ticket.ts";
import { fields, listOf, number, oneOf, readAs, type Shaped, text, truth } from "../shape.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { wireLimits } from "./limits.ts";

/** The subprotocol of a relay's WebSocket, which the server selects. The client offers its first ticket behind it. */
export const relayProtocol = "orion-relay";

/** Where a relay's WebSocket is opened. */
export const relayPath = "/relay";

/** A ticket with its key. */
export type KeyedTicket = { ticket: string; key: string };

/** The second subprotocol that a client offers: `<ticket>.<key>`. Browsers can set no header, and a URL is logged. */
export function ticketProtocol({ ticket, key }: KeyedTicket): string {
  return `${ticket}.${key}`;
}

/** The ticket in what a client offers as subprotocols; null if it does not ask for a relay. Whether it is genuine is not checked. */
export function offeredTicket(header: string | null): KeyedTicket | null {
  const [protocol, offered, ...others] = (header ?? "").split(",").map((one) => one.trim());
  if (protocol !== relayProtocol || offered === undefined || others.length > 0) return null;
  const dot = offered.lastIndexOf(".");
  return { ticket: offered.slice(0, Math.max(0, dot)), key: offered.slice(dot + 1) };
}

const keyedTicket = fields({ ticket: text(ticketLength), key: text(64) });
const bind = fields({ tickets: listOf(keyedTicket, wireLimits.seats, 1) });

/** The tickets of a `relay_bind`; null for any other text. */
export function readRelayBind(said: string): KeyedTicket[] | null {
  const message = decodeMessage(said);
  if (message?.method !== "relay_bind") return null;
  return readAs(bind, message.payload)?.tickets ?? null;
}

/** More links for this socket, or later tickets for those it has. */
export function relayBind(tickets: readonly KeyedTicket[]): string {
  return encodeMessage("relay_bind", { tickets });
}

const code = oneOf(Object.keys(socketRelayCodes) as SocketRelayCode[]);
const linkId = text(12);
const serverMessages = {
  /** The link is bound. `peer`: whether its other end is, too. Said again when that changes. */
  relay_bound: fields({ link: linkId, peer: truth }),
  /** It is not, or not any more. `link`: empty if it is about no link, or nobody knows about which. */
  relay_refused: fields({ link: linkId, code }),
  /** In so many milliseconds packets will be dropped. `link`: empty if it is about all of them. */
  relay_notice: fields({ link: linkId, code, inMs: number(0) }),
} as const;
type Messages = typeof serverMessages;
/** What a relay says to a client in a text frame. */
export type RelayMessage = {
  [Method in keyof Messages]: { method: Method } & Shaped<Messages[Method]>;
}[keyof Messages];

/** The text of what a relay says. */
export function relayText({ method, ...payload }: RelayMessage): string {
  return encodeMessage(method, payload);
}

/** What a relay has said; null for any other text, or a code that this client does not know. */
export function readRelayMessage(said: string): RelayMessage | null {
  const message = decodeMessage(said);
  if (!message || !Object.hasOwn(serverMessages, message.method)) return null;
  const method = message.method as keyof Messages;
  const data = readAs<object>(serverMessages[method], message.payload);
  return data ? ({ method, ...data } as RelayMessage) : null;
}
