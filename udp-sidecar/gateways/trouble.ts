/** What an error of a gateway's session says: of the edge, of all gateways, or of this player alone. */
import type { ProblemCode } from "../../core/problem.ts";
import type { SessionError } from "../../session/error.ts";
import { isLoss } from "../../session/retry.ts";

/** Codes of the edge's that are about the sidecar, whichever player it asks for. */
const ofSidecar: ReadonlySet<string> = new Set<ProblemCode>(["gateway_busy", "invalid_gateway"]);
/** Codes that another attempt need not get: the connection was lost in between, or many are let in at a time. */
const passing: ReadonlySet<string> = new Set<ProblemCode>([
  "invalid_token",
  "too_many_requests",
  "returned_too_often",
]);
/** Codes by which an attempt is refused because of one before, which the edge has not noticed the end of. */
const leftovers: ReadonlySet<string> = new Set<ProblemCode>(["name_taken", "name_in_use"]);
/** Milliseconds in which the edge notices that a connection is lost. */
const noticedMs = 15_000;

/**
 * Whether the edge serves nobody of this sidecar now: it is unreachable, or something before it answers that is no edge. Cloudflare's 1015
 * is such an answer: status 429, and a page of HTML.
 */
export function isTrouble(error: SessionError): boolean {
  const { code, status } = error;
  if (isLoss(error) || code === "not_orion" || code === "unexpected_answer") return true;
  return ofSidecar.has(code) || (status !== null && status >= 500);
}

/** Whether another attempt may succeed. */
export function passes(error: SessionError): boolean {
  return isTrouble(error) || passing.has(error.code);
}

/** Whether the refusal is due to an attempt that was lost so long ago, and may have been inside. */
export function isLeftover({ code }: SessionError, lostMs: number): boolean {
  return leftovers.has(code) && lostMs < noticedMs;
}
