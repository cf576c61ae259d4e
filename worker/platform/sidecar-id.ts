/** Which of a sidecar's keys the operator lets it use, and what follows from that. */
import { parseTicket } from "../../core/relay/ticket.ts";
import type { SidecarId } from "../../core/sidecar-key.ts";
import { type Env, settingsOf } from "./env.ts";
import { isTicketKey, ticketKey } from "./keys.ts";

export function sidecarId(env: Env, name: string): SidecarId {
  return { name, number: settingsOf(env).sidecarKeys.get(name) ?? 1 };
}

/** What the ticket's holder signs with, at the sidecar that the ticket names. */
export async function keyOfTicket(env: Env, ticket: string): Promise<string> {
  return await ticketKey(env, sidecarOf(env, ticket), ticket);
}

/** Whether this is the key that the holder of the ticket was told. */
export async function isKeyOfTicket(env: Env, ticket: string, text: string): Promise<boolean> {
  return await isTicketKey(env, sidecarOf(env, ticket), ticket, text);
}

function sidecarOf(env: Env, ticket: string): SidecarId {
  return sidecarId(env, parseTicket(ticket)?.sidecar ?? "");
}
