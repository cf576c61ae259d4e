/** Probes: "where do you see me?", from a client that proves its token without sending it. */
import type { KeyObject } from "node:crypto";
import type { Endpoint } from "../core/endpoint.ts";
import { tokenText } from "../core/token.ts";
import { readSealed } from "../core/wire/sealed.ts";
import { probe, type SidecarPayload } from "../core/wire/sidecar-message.ts";
import { isSealed, macOf, seal } from "./keys.ts";

/** A probe of a genuine client, and how it can be answered. */
export type Probe = SidecarPayload<"ptpMediation_probe"> & { key: string };

/** The probe that a datagram is, or what it is instead. */
export function readProbe(keys: readonly KeyObject[], bytes: Uint8Array): Probe | "junk" | "forged" {
  const sealed = readSealed(bytes);
  if (!sealed) return "junk";
  // Whatever they are: a mac of what is no home and no client id cannot be known to anyone.
  const { home, clientId } = sealed.payload;
  if (typeof home !== "string" || typeof clientId !== "string") return "junk";
  const signed = tokenText(home, clientId);
  const token = keys.map((key) => `${signed}.${macOf(key, signed)}`).find((one) => isSealed(one, sealed));
  if (token === undefined) return "forged";
  const { data } = probe.safeParse(sealed.payload);
  return data ? { ...data, key: token } : "junk";
}

/** What a probe is answered, or null if that would be longer than the probe was. */
export function answerTo(
  { key, nonce }: Probe,
  bytes: Uint8Array,
  { ip, port, cookie }: Endpoint & { cookie: string },
): string | null {
  const answer = seal(key, "ptpMediation_seen", { nonce, ip, port, cookie });
  return answer.length <= bytes.length ? answer : null;
}
