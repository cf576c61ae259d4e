/** The STUN servers that pages are told: both ports of the nearest sidecar. So nobody needs a third party to find out where others reach it. */

import { hostInUrl } from "../../core/endpoint.ts";
import { pickSidecar } from "../../core/fleet.ts";
import { readAs } from "../../core/shape.ts";
import { type IceAnswer, iceServersShape, withoutDnsPort } from "../../core/wire/ice.ts";
import { recentSidecars } from "../objects/fleet.ts";
import type { Env } from "../platform/env.ts";
import { random } from "../platform/random.ts";
import { placeOf } from "./place.ts";

/**
 * The answer with the nearest sidecar's STUN before all other servers. As it is, if no sidecar answers STUN. Which sidecars are alive is in this isolate's copy,
 * mostly: the fleet is asked at most once in 25 s, and no other object is.
 */
export async function withStun(request: Request, env: Env, answer: IceAnswer): Promise<IceAnswer> {
  const able = (await recentSidecars(env)).filter(({ stun }) => stun);
  const sidecar = pickSidecar(able, { place: placeOf(request), chance: random() });
  if (!sidecar) return answer;
  const { host, port, secondPort } = sidecar;
  // A sidecar that nobody knows an address of is on this machine: as the client calls it.
  const where = host === undefined ? new URL(request.url).hostname : hostInUrl(host);
  const ports = secondPort === undefined ? [port] : [port, secondPort];
  const urls = ports.map((each) => `stun:${where}:${each}`);
  const servers = [...withoutDnsPort([{ urls }]), ...answer.iceServers];
  // A host that a client made up, or one server too many, must not cost it all the others.
  const iceServers = readAs(iceServersShape, servers);
  return iceServers ? { ...answer, iceServers } : answer;
}
