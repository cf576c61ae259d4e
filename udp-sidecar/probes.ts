/** Probes: "where do you see me?", from a client with a pass, which proves that it knows the pass's key. */
import type { KeyObject } from "node:crypto";
import type { Endpoint } from "../core/endpoint.ts";
import { sharedLimits } from "../core/limits.ts";
import { parsePass } from "../core/observing/pass.ts";
import { readAs } from "../core/shape.ts";
import { probe, type SidecarPayload } from "../core/wire/sidecar-message.ts";
import { readSignedDatagram } from "../core/wire/signed-datagram.ts";
import { isSignedWith, macOf, signDatagram } from "./keys.ts";

/** A probe of a client with a pass of this sidecar's, and how it can be answered. */
export type Probe = SidecarPayload<"ptpMediation_probe"> & { clientId: string; key: string };

/** The probe that a datagram is, or what it is instead. `now` is in milliseconds since 1970. */
export function readProbe(
  passKeys: readonly KeyObject[],
  bytes: Uint8Array,
  now: number,
): Probe | "junk" | "forged" {
  const datagram = readSignedDatagram(bytes);
  const text = datagram?.payload.pass;
  const pass = typeof text === "string" ? parsePass(text) : null;
  if (!datagram || typeof text !== "string" || !pass) return "junk";
  const key = passKeys.map((one) => macOf(one, text)).find((one) => isSignedWith(one, datagram));
  if (key === undefined) return "forged";
  // The clocks of edge and sidecar may differ. The edge looks at the time again.
  if (pass.expiresAt + sharedLimits.postClockMs < now) return "forged";
  const data = readAs(probe, datagram.payload);
  return data ? { ...data, clientId: pass.clientId, key } : "junk";
}

/** What a probe is answered, or null if that would be longer than the probe was. */
export function answerTo(
  { key, nonce }: Probe,
  bytes: Uint8Array,
  { ip, port, cookie }: Endpoint & { cookie: string },
): string | null {
  const answer = signDatagram(key, "ptpMediation_seen", { nonce, ip, port, cookie });
  return answer.length <= bytes.length ? answer : null;
}
