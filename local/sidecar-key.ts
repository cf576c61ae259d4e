/** Makes a sidecar's key from the deployment's secret, as the Worker does (worker/platform/keys.ts), where both are on one machine. */
import { createHmac } from "node:crypto";
import { type SidecarId, type SidecarKey, sidecarKeyLabel } from "../core/sidecar-key.ts";
import { keyLabels, secretText } from "../core/token.ts";

export function sidecarKeyOf(secret: string, sidecar: SidecarId): SidecarKey {
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const trimmed = secretText(secret);
  return {
    name: sidecar.name,
    key: hmac(hmac(trimmed, keyLabels.sidecar), sidecarKeyLabel(sidecar)).toString("base64url"),
    filter: hmac(trimmed, keyLabels.filter).toString("base64url"),
  };
}
