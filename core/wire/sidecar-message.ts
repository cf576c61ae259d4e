/**
 * What clients and a sidecar say to each other over UDP, signed (core/wire/signed-datagram.ts): under the key of the client's
 * pass, for `ptpMediation_`, and under that of its ticket, for `ptpRelay_`. An answer is never longer than what it answers.
 */
import { longestPass } from "../observing/pass.ts";
import { type RelayCode, relayCodes, ticketLength } from "../relay/ticket.ts";
import { fields, oneOf, optional, type Shaped, text, truth, whole } from "../shape.ts";
import { candidatesShape, ipShape, portShape } from "./endpoint.ts";

/** Chosen by the client; the answer has it too. */
const nonce = text(32, 8, /^[\w-]*$/);
/** Proof that whoever answers with it is where it was sent. */
const cookie = text(64, 8, /^[\w-]*$/);
const codes = Object.keys(relayCodes) as RelayCode[];

/**
 * Client to sidecar, on both its ports: "where do you see me?" Instead of Orion's `ptpMediation_connect`, without the token. It is
 * answered, and counts once it returns the cookie of an answer: before that, its source may be made up, or it a repetition.
 */
export const probe = fields({
  /** As `ptpMediation_send` had it, for this sidecar. */
  pass: text(longestPass),
  nonce,
  candidates: candidatesShape,
  cookie: optional(cookie),
  /** Anything: makes room for the answer. */
  pad: optional(text()),
});
/** Sidecar to client: "here", and a cookie: for the next probe, and to bind a relay with. */
export const seen = fields({ nonce, ip: ipShape, port: portShape, cookie });

/** Client to relay: "carry this link, I am here". Again every few seconds, and whenever the client's address may have changed. */
export const bind = fields({
  ticket: text(ticketLength),
  nonce,
  cookie: optional(cookie),
  pad: optional(text()),
});
/** Relay to client: "that may be somebody else's address: say it again, with this cookie". */
export const challenge = fields({ nonce, cookie });
/** Relay to client: "done". `peer`: whether the other end is bound too. */
export const bound = fields({ nonce, peer: truth });
/** Relay to client: "no". */
export const refused = fields({ nonce, code: oneOf(codes) });
/** Relay to both ends, before it cuts: in `inMs` (0: from now on) packets of this link are dropped, for this reason. */
export const notice = fields({ link: text(), code: oneOf(codes), inMs: whole(0) });

/** The methods, and what each carries. */
export const sidecarMessages = {
  ptpMediation_probe: probe,
  ptpMediation_seen: seen,
  ptpRelay_bind: bind,
  ptpRelay_challenge: challenge,
  ptpRelay_bound: bound,
  ptpRelay_refused: refused,
  ptpRelay_notice: notice,
} as const;
export type SidecarMethod = keyof typeof sidecarMessages;
export type SidecarPayload<M extends SidecarMethod> = Shaped<(typeof sidecarMessages)[M]>;
