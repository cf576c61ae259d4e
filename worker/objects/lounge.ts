import { formIn } from "../../core/dialects/groovejet/form.ts";
import { type Network, networksOf } from "../../core/network.ts";
import { settingsOf } from "../platform/env.ts";
import { addressHeader, gatewayNameHeader } from "../platform/ports.ts";
import { Holder } from "../sessions/holder.ts";

/**
 * Holds the WebSockets of clients that connected before they knew their lobby, as Orion's clients do. A socket cannot
 * move, so what they ask and say goes from here to their lobbies.
 */
export class Lounge extends Holder {
  protected override readonly lobbyHere = null;

  /** Takes a client's socket; 409 if the lounge is full, 429 if the client's network has as many here as it may. */
  override async fetch(request: Request): Promise<Response> {
    const { clientsPerLounge } = settingsOf(this.env);
    const address = request.headers.get(addressHeader);
    const gateway = request.headers.get(gatewayNameHeader) ?? undefined;
    const networks = address === null ? [] : networksOf(address, gateway);
    const crowded = () => new Response(null, { status: 429 });
    if (this.#isCrowded(networks)) return crowded();
    const form = formIn(new URL(request.url));
    // Asked again when the tokens are made, and a room has answered: many of one address may come at once.
    const hasRoom = () => this.connections.size < clientsPerLounge && !this.#isCrowded(networks);
    const response = await this.admit(request, hasRoom, { form });
    return response.status === 409 && this.#isCrowded(networks) ? crowded() : response;
  }

  #isCrowded(networks: readonly Network[]): boolean {
    const { socketsPerAddress } = settingsOf(this.env);
    // Most have room for everybody.
    if (networks.length === 0 || this.connections.size < socketsPerAddress) return false;
    const held = [...this.connections.networks()];
    return networks.some(({ name, shares }) => {
      const here = held.filter((theirs) => theirs.some((network) => network.name === name));
      return here.length >= socketsPerAddress * shares;
    });
  }
}
