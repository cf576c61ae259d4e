/** Upgrades to a relay over WebSocket. What is wrong with a ticket ends here: no object is asked. */
import { prices, type Spender } from "../../core/bill.ts";
import { refuse } from "../../core/problem.ts";
import { parseTicket, relayName, relayOf } from "../../core/relay/ticket.ts";
import { type KeyedTicket, relayProtocol } from "../../core/wire/relay-message.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import { addressHeader, claimedHeader, gatewayNameHeader, ticketHeader } from "../platform/ports.ts";
import { isKeyOfTicket } from "../platform/sidecar-id.ts";
import { relayAt } from "../platform/stubs.ts";
import { gatewayName, gatewayOf } from "./gateways.ts";
import { refused } from "./http.ts";
import { spend } from "./spending.ts";

/** What a client offers, and where it comes from. */
type Offer = KeyedTicket & { address: string | null; spenders: readonly Spender[] };

/** The socket of a client with a genuine ticket, in the relay that the ticket names. */
export async function relaySocket(
  request: Request,
  env: Env,
  { ticket: text, key, address, spenders }: Offer,
): Promise<Response> {
  const ticket = parseTicket(text);
  const relay = ticket && relayOf(ticket);
  if (!relay || !(await isKeyOfTicket(env, text, key))) return refused(refuse("invalid_ticket"));
  if (ticket.expiresAt <= Date.now()) return refused(refuse("ticket_expired"));
  const name = relayName(ticket.lobbyTag, relay.number);
  const gateway = gatewayName(gatewayOf(request));
  const headers = {
    upgrade: "websocket",
    [ticketHeader]: text,
    ...(address !== null && { [addressHeader]: address }),
    ...(gateway !== undefined && { [gatewayNameHeader]: gateway }),
  };
  try {
    const answer = await relayAt(env, name, relay.region)?.fetch("http://object/", { headers });
    // Who has a relay claim its part pays for that: else a few networks could use up, by opening relays, what all have together.
    const claimed = Number(answer?.headers.get(claimedHeader) ?? 0);
    await spend(env, spenders, prices.connect + claimed);
    if (!answer?.webSocket) return refused(refuse("unavailable"));
    return new Response(null, {
      status: 101,
      webSocket: answer.webSocket,
      headers: { "sec-websocket-protocol": relayProtocol },
    });
  } catch (error) {
    logFault("object_unreachable", { holder: name }, error);
    return refused(refuse("unavailable"));
  }
}
