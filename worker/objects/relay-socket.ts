import { type Spender, spendersOf } from "../../core/bill.ts";
import { type Network, networksOf } from "../../core/network.ts";
import type { KeptMember } from "../../core/relay/socket/exchange.ts";
import { type KeptPurse, Purse } from "../sessions/purse.ts";
import type { KeptClaim } from "./relay-claims.ts";

/** What a socket's attachment keeps through its object's sleep: 8 KiB at most. Times are in milliseconds since 1970. */
type Attachment = {
  member: KeptMember;
  openedAt: number;
  address?: string;
  gateway?: string;
  purse?: KeptPurse;
  claim?: KeptClaim;
};

/** A socket that was open before its object slept, the member that it is, and what it has kept for the whole relay. */
type Revived = { socket: RelaySocket; member: KeptMember; claim: KeptClaim | undefined };

/** How a member came. */
export type RelayArrival = { openedAt: number; address?: string | undefined; gateway?: string | undefined };

/** A member's WebSocket, and what its relay knows of where it comes from. */
export class RelaySocket {
  readonly webSocket: WebSocket;
  readonly purse: Purse;
  readonly spenders: readonly Spender[];
  readonly networks: readonly Network[];
  readonly #arrival: RelayArrival;
  #purse: KeptPurse | undefined;
  #claim: KeptClaim | undefined;
  #member: KeptMember | null;
  #isKeeping = false;

  constructor(
    webSocket: WebSocket,
    arrival: RelayArrival,
    { member, purse, claim }: Partial<Pick<Attachment, "member" | "purse" | "claim">> = {},
  ) {
    this.webSocket = webSocket;
    this.#arrival = arrival;
    this.#purse = purse;
    this.#claim = claim;
    this.#member = member ?? null;
    this.spenders = spendersOf(arrival.address, arrival.gateway);
    this.networks = arrival.address === undefined ? [] : networksOf(arrival.address);
    this.purse = new Purse(purse, arrival.openedAt, (kept) => {
      this.#purse = kept;
      this.#keep();
    });
  }

  /** What the socket has kept; null if it is nothing of ours. */
  static revive(webSocket: WebSocket): Revived | null {
    const kept: unknown = webSocket.deserializeAttachment();
    if (!isAttachment(kept)) return null;
    const { member, claim, openedAt, address, gateway } = kept;
    return { socket: new RelaySocket(webSocket, { openedAt, address, gateway }, kept), member, claim };
  }

  /** Notes who it is: null for nobody any more. */
  keep(member: KeptMember | null): void {
    this.#member = member;
    this.#keep();
  }

  /** Notes what the relay has left of its claim: of all sockets, the newest note counts. */
  keepClaim(claim: KeptClaim): void {
    this.#claim = claim;
    this.#keep();
  }

  /** Whether it was sent: nothing can be to one that is closing. */
  send(frame: string | ArrayBuffer | Uint8Array): boolean {
    try {
      this.webSocket.send(frame);
      return true;
    } catch (error) {
      if (this.webSocket.readyState === WebSocket.OPEN) throw error;
      return false;
    }
  }

  /** Once for all that changes in a turn. */
  #keep(): void {
    if (this.#isKeeping) return;
    this.#isKeeping = true;
    queueMicrotask(() => {
      this.#isKeeping = false;
      if (this.#member === null || this.webSocket.readyState === WebSocket.CLOSED) return;
      const { openedAt, address, gateway } = this.#arrival;
      const kept: Attachment = {
        member: this.#member,
        openedAt,
        ...(address !== undefined && { address }),
        ...(gateway !== undefined && { gateway }),
        ...(this.#purse && { purse: this.#purse }),
        ...(this.#claim && { claim: this.#claim }),
      };
      this.webSocket.serializeAttachment(kept);
    });
  }
}

function isAttachment(kept: unknown): kept is Attachment {
  if (typeof kept !== "object" || kept === null || !("member" in kept)) return false;
  const { member } = kept;
  return typeof member === "object" && member !== null && "clientId" in member && "links" in member;
}
