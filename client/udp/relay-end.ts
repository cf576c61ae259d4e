/** Our end of a link on the relay: binds it, and proves where it is when asked. */
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import type { RelayCode } from "../../core/relay/ticket.ts";
import { bound, challenge, notice, refused } from "../../core/wire/sidecar-message.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import { isSignedWith, signDatagram } from "./signing.ts";

/** What the relay says. */
export type RelayWord =
  | { kind: "relay-bound"; peer: boolean }
  | { kind: "relay-refused"; code: RelayCode }
  | { kind: "relay-noticed"; code: RelayCode; inMs: number };

/** Challenges answered for one bind: one, and one more if the relay was just started. */
const mostChallenges = 2;

export class RelayEnd {
  readonly endpoint: Endpoint;
  readonly #ticket: string;
  readonly #key: string;
  readonly #link: string;
  /** The relay tells of the peer's coming under the nonce of an old bind: there is one for all. */
  readonly #nonce = randomBytes(12).toString("base64url");
  readonly #send: (datagram: string) => void;
  #cookie: string | undefined;
  #challenges = 0;

  /** The cookie is what the sidecar gave with its first sight, if it did. */
  constructor(
    { ticket, key, link, endpoint }: { ticket: string; key: string; link: string; endpoint: Endpoint },
    cookie: string | undefined,
    send: (datagram: string) => void,
  ) {
    this.endpoint = endpoint;
    this.#ticket = ticket;
    this.#key = key;
    this.#link = link;
    this.#cookie = cookie;
    this.#send = send;
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
    if (!isOurs || !isSignedWith(this.#key, datagram)) return null;
    switch (method) {
      case "ptpRelay_challenge":
        this.#prove(challenge.safeParse(payload).data?.cookie);
        return null;
      case "ptpRelay_bound": {
        const { data } = bound.safeParse(payload);
        return data ? { kind: "relay-bound", peer: data.peer } : null;
      }
      case "ptpRelay_refused": {
        const { data } = refused.safeParse(payload);
        return data ? { kind: "relay-refused", code: data.code } : null;
      }
      case "ptpRelay_notice": {
        const { data } = notice.safeParse(payload);
        return data ? { kind: "relay-noticed", code: data.code, inMs: data.inMs } : null;
      }
      default:
        return null;
    }
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
