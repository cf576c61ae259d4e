/**
 * What a client can do. It says so itself (`client_features`); nobody guesses, but for clients that are older
 * than that message.
 */
import type { Observed } from "../mapping.ts";

/**
 * Kept lobbies have them by their places here: new ones go to the end. `links`: connects by links
 * (docs/links.md). `pings`: pings, and is gone when it does not.
 */
export const knownFeatures = ["links", "pings"] as const;
export type Feature = (typeof knownFeatures)[number];

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
 * Orion's for all.
 */
export function knowsLinks(
  features: readonly Feature[] | undefined,
  { candidates }: Observed,
  offersLinks: boolean,
): boolean {
  return features ? offersLinks && features.includes("links") : candidates !== undefined;
}
