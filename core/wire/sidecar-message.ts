/**
 * What clients and a sidecar say to each other over UDP, signed (core/wire/signed-datagram.ts): under the key of the client's
 * pass, for `ptpMediation_`, and under that of its ticket, for `ptpRelay_`. An answer is never longer than what it answers.
 */
import * as z from "zod";
import { longestPass } from "../observing/pass.ts";
import { type RelayCode, relayCodes, ticketLength } from "../relay/ticket.ts";
import { wireLimits } from "./limits.ts";

const port = z.int().min(1).max(65535);
const ip = z.string().regex(/^[\da-f.:]{2,45}$/i);
export const endpointShape = z.object({ ip, port });
/** Local addresses a client says it has. */
export const candidatesShape = z.array(endpointShape).max(wireLimits.candidates);
/** Chosen by the client; the answer has it too. */
const nonce = z.string().regex(/^[\w-]{8,32}$/);
/** Proof that whoever answers with it is where it was sent. */
const cookie = z.string().regex(/^[\w-]{8,64}$/);
const codes = Object.keys(relayCodes) as [RelayCode, ...RelayCode[]];

/**
 * Client to sidecar, on both its ports: "where do you see me?" Instead of Orion's `ptpMediation_connect`, without the token. It is
 * answered, and counts once it returns the cookie of an answer: before that, its source may be made up, or it a repetition.
 */
export const probe = z.object({
  /** As `ptpMediation_send` had it, for this sidecar. */
  pass: z.string().max(longestPass),
  nonce,
  candidates: candidatesShape,
  cookie: cookie.optional(),
  /** Anything: makes room for the answer. */
  pad: z.string().optional(),
});
/** Sidecar to client: "here", and a cookie: for the next probe, and to bind a relay with. */
export const seen = z.object({ nonce, ip, port, cookie });

/** Client to relay: "carry this link, I am here". Again every few seconds, and whenever the client's address may have changed. */
export const bind = z.object({
  ticket: z.string().max(ticketLength),
  nonce,
  cookie: cookie.optional(),
  pad: z.string().optional(),
});
/** Relay to client: "that may be somebody else's address: say it again, with this cookie". */
export const challenge = z.object({ nonce, cookie });
/** Relay to client: "done". `peer`: whether the other end is bound too. */
export const bound = z.object({ nonce, peer: z.boolean() });
/** Relay to client: "no". */
export const refused = z.object({ nonce, code: z.enum(codes) });
/** Relay to both ends, before it cuts: in `inMs` (0: from now on) packets of this link are dropped, for this reason. */
export const notice = z.object({ link: z.string(), code: z.enum(codes), inMs: z.int().min(0) });

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
export type SidecarPayload<M extends SidecarMethod> = z.infer<(typeof sidecarMessages)[M]>;
