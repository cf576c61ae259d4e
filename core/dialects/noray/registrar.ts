/**
 * The registrar: a datagram with a pid says where its player can be reached. A later one moves the address, because the pid is a secret.
 * No answer is longer than its datagram. Answers to wrong pids are few, because anybody can send those in another's name. The source of
 * a datagram can be made up, and that of a TCP connection cannot: so a pid counts from its player's own network alone.
 */
import { draw } from "../../allowance.ts";
import type { Endpoint } from "../../endpoint.ts";
import { networksOf } from "../../network.ts";
import { Quota } from "../../relay/quota.ts";
import { norayLimits } from "./limits.ts";
import { nowhere, type Own } from "./own.ts";
import { pidRate, type Registration, type Registrations } from "./registrations.ts";

/** What became of a datagram. `elsewhere`: a pid from another network than its player's, or from this machine where its player is not. `limited`: there were too many of this kind. */
export type RegistrarVerdict = "registered" | "moved" | "repeated" | "unknown" | "elsewhere" | "limited";

export type Heard<Owner> = {
  verdict: RegistrarVerdict;
  /** What to send back to where it came from; null for nothing. */
  answer: string | null;
  registration: Registration<Owner> | null;
};

export const accepted = "OK";
export const refused = "Unknown host pid!";

export class Registrar<Owner extends { readonly address: string }> {
  readonly #registrations: Registrations<Owner>;
  readonly #wrong = new Quota({
    most: norayLimits.norayWrongPids,
    spanMs: 1_000,
    keys: norayLimits.norayWrongPidAddresses,
  });
  readonly #wrongInAll = new Quota({ most: norayLimits.norayWrongPidsInAll, spanMs: 1_000, keys: 1 });

  readonly #own: Own;

  /** `own`: where no player is. */
  constructor(registrations: Registrations<Owner>, own: Own = nowhere) {
    this.#registrations = registrations;
    this.#own = own;
  }

  /** `datagram` is its bytes as Latin-1. `elapsed` never jumps. */
  hear(datagram: string, from: Endpoint, elapsed: number): Heard<Owner> {
    // Nothing can be sent to port 0: it is made up. And what is sent to the gateway itself comes back.
    if (from.port === 0 || this.#own.isEndpoint(from))
      return { verdict: "unknown", answer: null, registration: null };
    const registration = this.#registrations.ofPid(datagram);
    if (!registration) return { ...this.#refuse(datagram, from.ip, elapsed), registration: null };
    if (!this.#isNear(registration.owner.address, from.ip)) {
      const { verdict, answer } = this.#refuse(datagram, from.ip, elapsed);
      return { verdict: verdict === "limited" ? verdict : "elsewhere", answer, registration: null };
    }
    if (!draw(registration.answers, pidRate, elapsed)) {
      return { verdict: "limited", answer: null, registration };
    }
    const before = registration.endpoint;
    const isSame = before?.ip === from.ip && before.port === from.port;
    if (!isSame) registration.endpoint = from;
    const verdict = before === null ? "registered" : isSame ? "repeated" : "moved";
    return { verdict, answer: accepted, registration };
  }

  /** Whether a player whose TCP comes from `tcp` may be at `udp`: in one network, and on this machine only if its TCP comes from there. */
  #isNear(tcp: string, udp: string): boolean {
    if (tcp === udp) return true;
    return isOneNetwork(tcp, udp) && (!this.#own.isAddress(udp) || this.#own.isAddress(tcp));
  }

  #refuse(
    datagram: string,
    ip: string,
    elapsed: number,
  ): { verdict: RegistrarVerdict; answer: string | null } {
    if (datagram.length < refused.length) return { verdict: "unknown", answer: null };
    if (!this.#wrong.spend(ip, elapsed) || !this.#wrongInAll.spend("", elapsed)) {
      return { verdict: "limited", answer: null };
    }
    return { verdict: "unknown", answer: refused };
  }
}

/** Whether both are of one IPv4 address, or of one /24, because carriers have pools of addresses. This machine's own addresses are one network. */
function isOneNetwork(a: string, b: string): boolean {
  const [ofA, ofB] = [networksOf(a).at(-1), networksOf(b).at(-1)];
  return ofA?.name === ofB?.name;
}
