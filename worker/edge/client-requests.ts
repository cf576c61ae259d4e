/**
 * How often each client has asked in a minute. While the address that many share has used up its requests, a client
 * that asks seldom goes on: nobody is kept from a game by what a neighbour sends.
 */
import { edgeLimits } from "./limits.ts";
import { Recent } from "./recent.ts";

const clients = new Recent();

/** Counts a request of a client whose token is good. Whether it has made few in this minute, with this one. */
export function asksSeldom(clientId: string): boolean {
  return clients.count(clientId, edgeLimits.clientsRemembered) <= edgeLimits.clientRequestsKept;
}
