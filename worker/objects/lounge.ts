import { settingsOf } from "../platform/env.ts";
import { Holder } from "../sessions/holder.ts";

/**
 * Holds the WebSockets of clients that connected before they knew their lobby, as Orion's clients do. A socket cannot
 * move, so what they ask and say goes from here to their lobbies.
 */
export class Lounge extends Holder {
  protected override readonly lobbyHere = null;

  /** Takes a client's socket; 409 if the lounge is full. */
  override async fetch(request: Request): Promise<Response> {
    const { clientsPerLounge } = settingsOf(this.env);
    return await this.admit(request, () => this.connections.size < clientsPerLounge);
  }
}
