/** What became of noray's lines, datagrams and packets: plain numbers. */
import type { AdmissionRefusal } from "../../../core/dialects/admission.ts";
import type { Command, Failure } from "../../../core/dialects/noray/command.ts";
import type { RegistrarVerdict } from "../../../core/dialects/noray/registrar.ts";
import type { NorayDrop } from "../../../core/dialects/noray/relays.ts";

/** `unknown`: lines with another command. `met`: introductions by way of another gateway. `relayed`: packets. */
type Message = Command["kind"] | "unknown" | "met" | `registrar_${RegistrarVerdict}` | "relayed" | "moved";
/** `edge_…`: players whom other gateways cannot find. `line_too_long`, `too_many_commands`: lines. `unread`, `idle`: connections. `congested`: packets that the network did not take. */
type Drop =
  | AdmissionRefusal
  | `edge_${AdmissionRefusal}`
  | Failure
  | `relay_${NorayDrop | "congested"}`
  | "line_too_long"
  | "too_many_commands"
  | "unread"
  | "idle";

export type NorayCounts = { messages: Record<Message, number>; drops: Record<Drop, number> };

export function newNorayCounts(): NorayCounts {
  return {
    messages: {
      "register-host": 0,
      connect: 0,
      "connect-relay": 0,
      echo: 0,
      unknown: 0,
      met: 0,
      registrar_registered: 0,
      registrar_moved: 0,
      registrar_repeated: 0,
      registrar_unknown: 0,
      registrar_elsewhere: 0,
      registrar_limited: 0,
      relayed: 0,
      moved: 0,
    },
    drops: {
      address_full: 0,
      network_full: 0,
      gateway_full: 0,
      edge_address_full: 0,
      edge_network_full: 0,
      edge_gateway_full: 0,
      line_too_long: 0,
      too_many_commands: 0,
      unread: 0,
      idle: 0,
      unknown_oid: 0,
      not_registered: 0,
      no_address: 0,
      host_has_no_address: 0,
      no_relay: 0,
      not_now: 0,
      relay_stranger: 0,
      relay_unheard: 0,
      relay_rate: 0,
      relay_network_rate: 0,
      relay_total_rate: 0,
      relay_bytes: 0,
      relay_lifetime: 0,
      relay_congested: 0,
    },
  };
}
