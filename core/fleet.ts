/** The sidecars that are alive, and which of them a mediation should use. */
import { sharedLimits } from "./limits.ts";

/** Degrees, as Cloudflare attaches them to requests. */
export type Place = { latitude: number; longitude: number };

export type Sidecar = {
  name: string;
  /** Where clients send their datagrams; without one, to the host they use for HTTP. */
  host?: string | undefined;
  /** UDP */
  port: number;
  /** UDP: the other port, by which a client's mapping shows. */
  secondPort?: number | undefined;
  /** Whether it relays, on its first port. */
  relays?: boolean | undefined;
  /** Whether its ports answer STUN. */
  stun?: boolean | undefined;
  /** Datagrams a second, lately. */
  load: number;
  place?: Place | undefined;
  /** When its last heartbeat came, in milliseconds since 1970. */
  heardAt: number;
  /** When it signed that, by its own clock; older versions do not say. */
  signedAt?: number | undefined;
  /** The number of the key that it signed with; older versions do not say. */
  keyNumber?: number | undefined;
  /** The clock has jumped since: it has had one more interval. */
  isSpared?: boolean | undefined;
};

/**
 * A sidecar after a time in which nothing was heard of the fleet, from `before` to `now`. The edge has no clock that cannot jump.
 * So a silence that is too long for a fleet that lives is a jump ahead: who lived before it has one more interval, once. And a word
 * from the future was heard before the clock was set back. In milliseconds since 1970.
 */
export function afterSilence(sidecar: Sidecar, before: number, now: number): Sidecar {
  const { heardAt, isSpared } = sidecar;
  if (heardAt > now) return { ...sidecar, heardAt: now };
  const hasJumped = now - before > sharedLimits.fleetGapMs;
  const wasAlive = heardAt + sharedLimits.sidecarLifeMs > before;
  if (!hasJumped || !wasAlive || isSpared) return sidecar;
  return {
    ...sidecar,
    heardAt: now - sharedLimits.sidecarLifeMs + sharedLimits.fleetSpareMs,
    isSpared: true,
  };
}

/** When a heartbeat was signed, by its sidecar's clock, and under which of its keys. */
export type Word = { at?: number | undefined; keyNumber?: number | undefined };

/**
 * Whether a heartbeat is newer than the last one of its sidecar, both by the sidecar's clock. A last one that is too far ahead to be
 * taken now came before the clocks were set back. One that does not tell its time is of an older version, if none ever told it. Under a
 * key of a higher number it is always news: the key before was revoked, and its thief may have signed ahead of time.
 */
export function isNews({ at, keyNumber = 1 }: Word, last: Word | undefined, now: number): boolean {
  if (last?.at === undefined || last.at > now + sharedLimits.postClockMs) return true;
  if (keyNumber > (last.keyNumber ?? 1)) return true;
  return at !== undefined && at > last.at;
}

/** Where a relay is. Without a host: the host that clients use for HTTP. */
export type RelayPlace = { host?: string | undefined; port: number };
/** A relay, with the name of its sidecar: tickets are for that one. */
export type NamedRelay = RelayPlace & { name: string };

/** Sidecars this much farther than the nearest are as good as it: about 10 ms there and back. */
const nearEnoughKm = 1_000;

/**
 * The sidecar for clients near `place`: one of the nearest, by chance. What a sidecar says of its load counts only against it: a thief
 * of one key says that it has none, and would be sent everybody. Those that relay, and show how clients' NATs map, go before any that
 * do not. One named in `not` (it was asked, and did not see everyone) is taken only if there is no other. `chance` is from 0 up to 1.
 */
export function pickSidecar(
  fleet: readonly Sidecar[],
  { place, not, chance }: { place?: Place | undefined; not?: string | undefined; chance: number },
): Sidecar | undefined {
  const able = fleet.filter(({ relays, secondPort }) => relays && secondPort !== undefined);
  const best = able.length > 0 ? able : fleet;
  const others = best.filter((sidecar) => sidecar.name !== not);
  const choices = (others.length > 0 ? others : best).map((sidecar) => ({
    sidecar,
    km: place && sidecar.place ? distanceKm(place, sidecar.place) : farthestKm,
  }));
  const nearest = Math.min(...choices.map(({ km }) => km));
  const near = choices.filter(({ km }) => km <= nearest + nearEnoughKm).map(({ sidecar }) => sidecar);
  const free = near.filter(({ load }) => load < sharedLimits.overload);
  const drawn = free.length > 0 ? free : near;
  return drawn[Math.floor(chance * drawn.length)];
}

const earthRadiusKm = 6_371;
/** Half way round: what an unknown distance counts as. */
const farthestKm = Math.PI * earthRadiusKm;

/** Over the surface of the earth. */
export function distanceKm(a: Place, b: Place): number {
  const radians = Math.PI / 180;
  const [latA, latB] = [a.latitude * radians, b.latitude * radians];
  const havLat = Math.sin((latB - latA) / 2) ** 2;
  const havLon = Math.sin(((b.longitude - a.longitude) * radians) / 2) ** 2;
  return (
    2 * earthRadiusKm * Math.asin(Math.sqrt(Math.min(1, havLat + Math.cos(latA) * Math.cos(latB) * havLon)))
  );
}
