/**
 * Tickets for the relay are renewed for the session that they belong to, as long as it lives. Nothing is stored and nobody is asked: a
 * ticket names its client, and its key shows that it is genuine and was told to whoever says it.
 */
import { parseTicket, renewedTicket, ticketText } from "../../core/relay/ticket.ts";
import type { HeldTicket } from "../../core/wire/client-message.ts";
import type { Env } from "../platform/env.ts";
import { isKeyOfTicket, keyOfTicket } from "../platform/sidecar-id.ts";

/** Later tickets for those of these that are the client's own and not long over, in the same order. `now`: in milliseconds since 1970. */
export async function renewTickets(
  env: Env,
  clientId: string,
  held: readonly HeldTicket[],
  now: number,
): Promise<HeldTicket[]> {
  const renewed = await Promise.all(held.map((one) => renew(env, clientId, one, now)));
  return renewed.filter((one) => one !== null);
}

async function renew(env: Env, clientId: string, { ticket: text, key }: HeldTicket, now: number) {
  const ticket = parseTicket(text);
  // First what costs nothing.
  const later = ticket && renewedTicket(ticket, clientId, now);
  if (!later || !(await isKeyOfTicket(env, text, key))) return null;
  const renewed = ticketText(later);
  return { ticket: renewed, key: await keyOfTicket(env, renewed) };
}
