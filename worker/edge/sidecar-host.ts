/** Where a sidecar may send players to. Whoever has stolen its key must not send them elsewhere. */
import { plainHost, scopeOf } from "../../core/endpoint.ts";
import { accept, type Outcome, refuse } from "../../core/problem.ts";
import type { Heartbeat } from "../../core/wire/sidecar-post.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { senderOf } from "./address.ts";

/**
 * The host that players are sent to: one that the operator has listed for this sidecar. A sidecar that is not listed is at the
 * address that it posts from. Without a host: where players have the edge itself, as with `npm start`.
 */
export function sidecarHost(
  request: Request,
  env: Env,
  { name, host }: Pick<Heartbeat, "name" | "host">,
): Outcome<string | undefined> {
  const sender = env.clientAddress === "socket" ? null : senderOf(request, env);
  const listed = settingsOf(env).sidecarHosts.get(name);
  const wanted = host === undefined ? undefined : plainHost(host);
  if (listed) {
    // It need not say what the operator has said already.
    if (wanted === undefined) return accept(listed[0]);
    return listed.includes(wanted) ? accept(wanted) : refuse("host_not_listed");
  }
  if (wanted !== undefined && wanted !== sender) return refuse("host_not_listed");
  return accept(sender === null || scopeOf(sender) === "loopback" ? undefined : sender);
}

/**
 * Whether one of the operator's own proxies is on the sidecar's machine. Clients of Orion's own that use that proxy send their
 * datagrams to this machine, whichever sidecar a mediation has named (docs/sidecar.md).
 */
export function isAtProxy(request: Request, env: Env): boolean {
  const sender = senderOf(request, env);
  return sender !== null && settingsOf(env).reverseProxies.includes(sender);
}
