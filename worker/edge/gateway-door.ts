/**
 * Which requests with a gateway's header have it looked at. A signature is work, and anybody can send one that is none: so such a request counts for
 * the address that it really comes from, before the work is done. A sidecar that has proved its key here does not count: its players do.
 */
import { networksOf } from "../../core/network.ts";
import type { Outcome, Refusal } from "../../core/problem.ts";
import { gatewayHeader } from "../../core/wire/gateway.ts";
import type { Env } from "../platform/env.ts";
import { ownAddressOf } from "./address.ts";
import { count } from "./address-limits.ts";
import { type Gateway, readGateway } from "./gateways.ts";
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";

/** Addresses from which a genuine header has come. The one from which the last came longest ago comes first. */
const proven = new Map<string, true>();

/** What was found of each request that has the header. */
const admitted = new WeakMap<Request, Outcome<Gateway | null>>();

/**
 * The gateway that sends the request, as `readGateway` has it; a refusal too for an address that has used up what it may ask without a good token.
 * It may be called again, and counts once.
 */
export async function admitGateway(request: Request, env: Env): Promise<Outcome<Gateway | null>> {
  if (!request.headers.has(gatewayHeader)) return await readGateway(request, env);
  const outcome = admitted.get(request) ?? (await looked(request, env));
  admitted.set(request, outcome);
  return outcome;
}

async function looked(request: Request, env: Env): Promise<Outcome<Gateway | null>> {
  const address = ownAddressOf(request, env);
  const isProven = address !== null && proven.has(address);
  const tooManyBefore = isProven ? null : await countStranger(env, address);
  if (tooManyBefore) return tooManyBefore;
  const gateway = await readGateway(request, env);
  if (gateway.ok && address !== null) remember(proven, address, true, edgeLimits.gatewaySendersRemembered);
  // Afterwards: a neighbour behind the sidecar's own address must not keep it out.
  const tooMany = isProven && !gateway.ok ? await countStranger(env, address) : null;
  return tooMany ?? gateway;
}

/** Counts it like a request without a token. */
async function countStranger(env: Env, address: string | null): Promise<Refusal | null> {
  return await count(env, "REQUESTS", networksOf(address ?? ""), "without a token");
}
