/**
 * What a client can do. It says so itself (`client_features`); nobody guesses, but for clients that are older
 * than that message.
 */
import type { Observed } from "../mapping.ts";

/**
 * Kept lobbies have them by their places here: new ones go to the end. `links`: connects by links
 * (docs/links.md). `pings`: pings, and is gone when it does not. `ws-relay`: has links whose packets go through
 * the relay over WebSocket. `webrtc`: connects by data channels of WebRTC. `encrypted`: encrypts its links, and
 * commits itself to a key before each mediation.
 */
export const knownFeatures = ["links", "pings", "ws-relay", "webrtc", "encrypted"] as const;
export type Feature = (typeof knownFeatures)[number];
type Able = { readonly features?: readonly Feature[] | undefined };

/** Those that this server knows, each once: a newer client may say more. */
export function featuresAmong(names: readonly string[]): Feature[] {
  return knownFeatures.filter((feature) => names.includes(feature));
}

/** Whether the client may probe a sidecar, for which it needs a pass. One that has said nothing may yet be about to. */
export function mayProbe(features: readonly Feature[] | undefined): boolean {
  return features?.includes("links") ?? true;
}

/**
 * Whether a member can be connected by links in a mediation. `features`: what its client has said; undefined
 * if it has said nothing. SDKs before that message tell their local addresses with each datagram, though it
 * be none, and plain Orion clients never do. `offersLinks`: whether the members were asked for their
 * datagrams by a sidecar that knows links. One that does not asks in Orion's words, and then the mediation is
 * Orion's for all but those that need no sidecar.
 */
export function knowsLinks(
  features: readonly Feature[] | undefined,
  observed: Observed | undefined,
  offersLinks: boolean,
): boolean {
  if (!features) return observed?.candidates !== undefined;
  return features.includes("ws-relay") || (offersLinks && features.includes("links"));
}

/** Whether these can be connected without a sidecar: all of them by the relay over WebSocket. */
export function needNoSidecar(clients: readonly Able[]): boolean {
  return clients.every(({ features }) => features?.includes("ws-relay") ?? false);
}

/** Whether both clients have the feature. One that has said nothing has none. */
export function bothHave(feature: Feature, one: Able, other: Able): boolean {
  return [one, other].every(({ features }) => features?.includes(feature) ?? false);
}
