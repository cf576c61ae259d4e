/**
 * Tickets for the relay are renewed for the session that they belong to, as long as it lives. Nothing is stored and nobody is asked: a
 * ticket names its client, and its key shows that it is genuine and was told to whoever says it.
 */
import { parseTicket, renewedTicket, ticketText } from "../../core/relay/ticket.ts";
import type { HeldTicket } from "../../core/wire/client-message.ts";
import type { Env } from "../platform/env.ts";
import { isKeyOfTicket, keyOfTicket } from "../platform/sidecar-id.ts";
import type { Session } from "./session.ts";

/**
 * Later tickets for those of these that are the session's own and not long over, in the same order. None of a lobby that has removed it. `now`: in
 * milliseconds since 1970.
 */
export async function renewTickets(
  env: Env,
  session: Pick<Session, "clientIds" | "removals">,
  held: readonly HeldTicket[],
  now: number,
): Promise<HeldTicket[]> {
  const renewed = await Promise.all(held.map((one) => renew(env, session, one, now)));
  return renewed.filter((one) => one !== null);
}

async function renew(
  env: Env,
  { clientIds, removals }: Pick<Session, "clientIds" | "removals">,
  { ticket: text, key }: HeldTicket,
  now: number,
) {
  const ticket = parseTicket(text);
  if (!ticket || removals.some(({ tag }) => tag === ticket.lobbyTag)) return null;
  // First what costs nothing.
  const later = renewedTicket(ticket, clientIds, now);
  if (!later || !(await isKeyOfTicket(env, text, key))) return null;
  const renewed = ticketText(later);
  return { ticket: renewed, key: await keyOfTicket(env, renewed) };
}
