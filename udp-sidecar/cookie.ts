/**
 * Cookies: whoever returns one is where it was sent, so nobody else can be made a relay's target. Nothing is stored. Each sidecar
 * takes its own alone.
 */
import { plainAddress } from "../core/endpoint.ts";
import type { SidecarKey } from "../core/sidecar-key.ts";
import { sameText } from "../core/token.ts";
import { deriveKey, macOf } from "./keys.ts";
import { sidecarLimits } from "./limits.ts";

export type Cookies = {
  /** The cookie of an endpoint, at a time in milliseconds since 1970. */
  bake(address: string, port: number, now: number): string;
  /** Whether it is that endpoint's, of this epoch or the one before. */
  isGood(cookie: string, address: string, port: number, now: number): boolean;
};

const cookieBytes = 12;

export function cookiesOf(own: SidecarKey): Cookies {
  const key = deriveKey(own, "cookie");
  const of = (address: string, port: number, epoch: number) =>
    macOf(key, `${epoch} ${plainAddress(address)} ${port}`, cookieBytes);
  const epochAt = (now: number) => Math.floor(now / sidecarLimits.cookieEpochMs);
  return {
    bake: (address, port, now) => of(address, port, epochAt(now)),
    isGood: (cookie, address, port, now) =>
      [0, 1].some((age) => sameText(cookie, of(address, port, epochAt(now) - age))),
  };
}
