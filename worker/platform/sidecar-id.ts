/** Which of a sidecar's keys the operator lets it use, and what follows from that for the keys of relays' tickets. */
import { parseTicket, relayOf } from "../../core/relay/ticket.ts";
import type { SidecarId } from "../../core/sidecar-key.ts";
import { type Env, settingsOf } from "./env.ts";
import { isTicketKey, isWebSocketTicketKey, ticketKey, webSocketTicketKey } from "./keys.ts";

export function sidecarId(env: Env, name: string): SidecarId {
  return { name, number: settingsOf(env).sidecarKeys.get(name) ?? 1 };
}

/** What the ticket's holder signs with at the sidecar that the ticket names, or shows to the relay over WebSocket. */
export async function keyOfTicket(env: Env, ticket: string): Promise<string> {
  const sidecar = sidecarOf(env, ticket);
  return sidecar ? await ticketKey(env, sidecar, ticket) : await webSocketTicketKey(env, ticket);
}

/** Whether this is the key that the holder of the ticket was told. */
export async function isKeyOfTicket(env: Env, ticket: string, text: string): Promise<boolean> {
  const sidecar = sidecarOf(env, ticket);
  return sidecar
    ? await isTicketKey(env, sidecar, ticket, text)
    : await isWebSocketTicketKey(env, ticket, text);
}

/** Null for a ticket whose relay is no sidecar's. */
function sidecarOf(env: Env, ticket: string): SidecarId | null {
  const parsed = parseTicket(ticket);
  return parsed && relayOf(parsed) ? null : sidecarId(env, parsed?.sidecar ?? "");
}
