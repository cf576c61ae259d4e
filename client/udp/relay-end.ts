/** Our end of a link on the relay: binds it, and proves where it is when asked. */
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import { parseTicket } from "../../core/relay/ticket.ts";
import { readAs } from "../../core/shape.ts";
import { bound, challenge, notice, refused } from "../../core/wire/sidecar-message.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import type { RelayWord, UdpRelay } from "../link/platform.ts";
import type { HeldTicket } from "../link/renewals.ts";
import { isSignedWith, signDatagram } from "./signing.ts";

/** Challenges answered for one bind: one, and one more if the relay was just started. */
const mostChallenges = 2;

/** What our end begins with. `lifeMs`: undefined if the server cannot renew the ticket. */
export type RelayEndOptions = HeldTicket & { link: string; endpoint: Endpoint; lifeMs?: number | undefined };

export class RelayEnd implements UdpRelay {
  readonly endpoint: Endpoint;
  /** Milliseconds for which the first ticket is good; undefined if the server cannot renew it. */
  readonly lifeMs: number | undefined;
  #ticket: string;
  #key: string;
  /** Of the ticket before: until the relay has heard of a new one, it signs with this. */
  #keyBefore: string | null = null;
  readonly #link: string;
  /** The relay tells of the peer's coming under the nonce of an old bind: there is one for all. */
  readonly #nonce = randomBytes(12).toString("base64url");
  readonly #send: (datagram: string) => void;
  #cookie: string | undefined;
  #challenges = 0;

  /** The cookie is what the sidecar gave with its first sight, if it did. */
  constructor(
    { ticket, key, lifeMs, link, endpoint }: RelayEndOptions,
    cookie: string | undefined,
    send: (datagram: string) => void,
  ) {
    this.endpoint = endpoint;
    this.lifeMs = lifeMs;
    this.#ticket = ticket;
    this.#key = key;
    this.#link = link;
    this.#cookie = cookie;
    this.#send = send;
  }

  /** The ticket that our end binds with, and its key. */
  get held(): HeldTicket {
    return { ticket: this.#ticket, key: this.#key };
  }

  /** Takes a later ticket, for the next bind. False if it is of another link. */
  renew({ ticket, key }: HeldTicket): boolean {
    // The same link has tickets for other relays.
    const later = parseTicket(ticket);
    if (later?.link !== this.#link || later.sidecar !== parseTicket(this.#ticket)?.sidecar) return false;
    if (key !== this.#key) this.#keyBefore = this.#key;
    this.#ticket = ticket;
    this.#key = key;
    return true;
  }

  /** Asks the relay to bind our end. Its answers come by `hear`. */
  bind(): void {
    this.#challenges = 0;
    this.#sendBind();
  }

  /** What a datagram means for this link, or null if it is not for it, not the relay's, or needs nothing but an answer. */
  hear(datagram: SignedDatagram): RelayWord | null {
    const { method, payload } = datagram;
    // Whose it says it is costs less to see than whose it is.
    const isOurs = payload.nonce === this.#nonce || payload.link === this.#link;
    if (!isOurs || !this.#isRelays(datagram)) return null;
    switch (method) {
      case "ptpRelay_challenge":
        this.#prove(readAs(challenge, payload)?.cookie);
        return null;
      case "ptpRelay_bound": {
        const data = readAs(bound, payload);
        return data ? { kind: "relay-bound", peer: data.peer } : null;
      }
      case "ptpRelay_refused": {
        const data = readAs(refused, payload);
        return data ? { kind: "relay-refused", code: data.code } : null;
      }
      case "ptpRelay_notice": {
        const data = readAs(notice, payload);
        return data ? { kind: "relay-noticed", code: data.code, inMs: data.inMs } : null;
      }
      default:
        return null;
    }
  }

  #isRelays(datagram: SignedDatagram): boolean {
    if (isSignedWith(this.#key, datagram)) return true;
    return this.#keyBefore !== null && isSignedWith(this.#keyBefore, datagram);
  }

  #prove(cookie: string | undefined): void {
    if (cookie === undefined || this.#challenges >= mostChallenges) return;
    this.#challenges += 1;
    this.#cookie = cookie;
    this.#sendBind();
  }

  #sendBind(): void {
    const cookie = this.#cookie === undefined ? {} : { cookie: this.#cookie };
    this.#send(
      signDatagram(this.#key, "ptpRelay_bind", { ticket: this.#ticket, nonce: this.#nonce, ...cookie }),
    );
  }
}
