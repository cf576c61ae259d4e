import { networksOf } from "../../core/network.ts";
import { settingsOf } from "../platform/env.ts";
import { addressHeader } from "../platform/ports.ts";
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
    if (this.#isCrowded(request.headers.get(addressHeader))) return new Response(null, { status: 429 });
    return await this.admit(request, () => this.connections.size < clientsPerLounge);
  }

  #isCrowded(address: string | null): boolean {
    const { socketsPerAddress } = settingsOf(this.env);
    const networks = address === null ? [] : networksOf(address);
    // Most have room for everybody.
    if (networks.length === 0 || this.connections.size < socketsPerAddress) return false;
    const held = [...this.connections.networks()];
    return networks.some(({ name, shares }) => {
      const here = held.filter((theirs) => theirs.some((network) => network.name === name));
      return here.length >= socketsPerAddress * shares;
    });
  }
}
