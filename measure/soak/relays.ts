/** The relays over WebSocket that players with the SDK use: the tickets that they show have the names. */
import { parseTicket, relayName, relayOf } from "../../core/relay/ticket.ts";
import { offeredTicket } from "../../core/wire/relay-message.ts";
import type { Board } from "./board.ts";

/** Relays that are remembered: those of the last while. */
const kept = 12;

/** Notes on the board all relays that this program connects to, until the function that is returned is called. */
export function noteRelays({ linked }: Board): () => void {
  const Real = globalThis.WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...[url, protocols]: ConstructorParameters<typeof WebSocket>) {
      super(url, protocols);
      const offered = Array.isArray(protocols) ? offeredTicket(protocols.join(", ")) : null;
      const ticket = parseTicket(offered?.ticket ?? "");
      const relay = ticket && relayOf(ticket);
      if (!ticket || !relay) return;
      const name = relayName(ticket.lobbyTag, relay.number);
      if (!linked.relays.includes(name)) linked.relays = [...linked.relays.slice(1 - kept), name];
    }
  };
  return () => {
    globalThis.WebSocket = Real;
  };
}
