/** Requests of gateways: which sidecar asks, in which dialect, and for which player (core/wire/gateway.ts). */
import type { Dialect, GatewayDialect } from "../../core/dialects/names.ts";
import { canonicalAddress, scopeOf } from "../../core/endpoint.ts";
import { sharedLimits } from "../../core/limits.ts";
import { accept, type Outcome, type Refusal, refuse } from "../../core/problem.ts";
import type { SidecarId } from "../../core/sidecar-key.ts";
import { gatewayHeader, gatewayPath, parseGatewayHeader } from "../../core/wire/gateway.ts";
import type { Env } from "../platform/env.ts";
import { verifyGateway } from "../platform/keys.ts";
import { sidecarId } from "../platform/sidecar-id.ts";

/** Who sends a request for a player. `address`: the player's; null for one on the sidecar's own machine. */
export type Gateway = { sidecar: SidecarId; dialect: GatewayDialect; address: string | null };

/** What each request that has the header turned out to be. */
const known = new WeakMap<Request, Outcome<Gateway>>();

/**
 * The gateway that sends the request; null for a request without the header. A header that is not genuine is refused: without one, the request
 * would count for the sidecar's own address. It may be called again.
 */
export async function readGateway(request: Request, env: Env): Promise<Outcome<Gateway | null>> {
  const header = request.headers.get(gatewayHeader);
  if (header === null) return accept(null);
  const outcome = known.get(request) ?? (await verified(header, request, env));
  known.set(request, outcome);
  return outcome;
}

/** The same of a request that was read, and not refused. */
export function gatewayOf(request: Request): Gateway | null {
  if (!request.headers.has(gatewayHeader)) return null;
  const outcome = known.get(request);
  if (!outcome?.ok) throw new Error("Nobody has looked at the gateway's header of this request.");
  return outcome.value;
}

/** A sidecar's gateways, as what they do and cost is counted: with a new key, all begins anew. */
export function gatewayName(gateway: Gateway | null): string | undefined {
  return gateway ? `${gateway.sidecar.name} ${gateway.sidecar.number}` : undefined;
}

/** Whose guesses the request may be, where wrong names of one dialect, at one sidecar, use up nothing of any other's: undefined for codes. */
export function guessedIn(request: Request): string | undefined {
  const gateway = gatewayOf(request);
  return gateway ? `${gateway.dialect} ${gatewayName(gateway)}` : undefined;
}

/**
 * A refusal unless the request comes from a gateway of the lobby's dialect; null for a lobby that has a code. No gateway may ask about
 * those: a thief of its key could guess codes from as many addresses as he likes.
 */
export function refuseOtherDialect(request: Request, dialect: Dialect | null): Refusal | null {
  return (gatewayOf(request)?.dialect ?? null) === dialect ? null : refuse("gateway_only");
}

async function verified(header: string, request: Request, env: Env): Promise<Outcome<Gateway>> {
  const signed = parseGatewayHeader(header);
  const address = canonicalAddress(signed?.address ?? "");
  if (!signed || address === null) return refuse("invalid_gateway");
  if (Math.abs(Date.now() - signed.at) > sharedLimits.postClockMs) return refuse("invalid_gateway");
  const sidecar = sidecarId(env, signed.sidecar);
  const asked = { method: request.method, path: gatewayPath(new URL(request.url)) };
  if (!(await verifyGateway(env, sidecar, signed, asked))) return refuse("invalid_gateway");
  const isLocal = scopeOf(address) === "loopback";
  return accept({ sidecar, dialect: signed.dialect, address: isLocal ? null : address });
}
