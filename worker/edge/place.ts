import type { Place } from "../../core/fleet.ts";

/** Where Cloudflare says a request comes from; nothing elsewhere. */
export function placeOf(request: Request): Place | undefined {
  const [latitude, longitude] = [Number(request.cf?.latitude), Number(request.cf?.longitude)];
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? { latitude, longitude } : undefined;
}
