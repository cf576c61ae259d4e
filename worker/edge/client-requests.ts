/**
 * How often each client has asked in a minute. While the address that many share has used up its requests, a client
 * that asks seldom goes on: nobody is kept from a game by what a neighbour sends. Memory of one isolate.
 */
import { edgeLimits } from "./limits.ts";
import { remember } from "./remembered.ts";

/** `since`: when its minute began, in milliseconds since 1970. */
type Asked = { since: number; requests: number };

/** By the client's id. The one that asked longest ago comes first. */
const clients = new Map<string, Asked>();
const periodMs = edgeLimits.addressPeriodS * 1000;

/** Counts a request of a client whose token is good. Whether it has made few in this minute, with this one. */
export function asksSeldom(clientId: string): boolean {
  const now = Date.now();
  const known = clients.get(clientId);
  const asked = known && Math.abs(now - known.since) < periodMs ? known : { since: now, requests: 0 };
  asked.requests += 1;
  remember(clients, clientId, asked, edgeLimits.clientsRemembered);
  return asked.requests <= edgeLimits.clientRequestsKept;
}
