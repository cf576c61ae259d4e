/** Probes: "where do you see me?", from a client that proves its token without sending it. */
import type { Endpoint } from "../core/endpoint.ts";
import { tokenText, unmaskHolder } from "../core/token.ts";
import { probe, type SidecarPayload } from "../core/wire/sidecar-message.ts";
import { readSignedDatagram } from "../core/wire/signed-datagram.ts";
import { isSignedWith, macOf, maskOf, signDatagram, type TokenKeys } from "./keys.ts";

/** A probe of a genuine client, and how it can be answered. */
export type Probe = Omit<SidecarPayload<"ptpMediation_probe">, "home"> & { holder: string; key: string };

/** The probe that a datagram is, or what it is instead. */
export function readProbe(tokenKeys: readonly TokenKeys[], bytes: Uint8Array): Probe | "junk" | "forged" {
  const datagram = readSignedDatagram(bytes);
  if (!datagram) return "junk";
  // Their shape does not matter yet: nobody knows the mac of a text that is not a token's.
  const { holder, home, clientId } = datagram.payload;
  const masked = holder ?? home;
  if (typeof masked !== "string" || typeof clientId !== "string") return "junk";
  const signed = tokenText(masked, clientId);
  for (const keys of tokenKeys) {
    const token = `${signed}.${macOf(keys.token, signed)}`;
    if (!isSignedWith(token, datagram)) continue;
    const name = unmaskHolder(masked, maskOf(keys, clientId));
    const { data } = probe.safeParse(datagram.payload);
    return data && name !== null ? { ...data, holder: name, key: token } : "junk";
  }
  return "forged";
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
