/**
 * How much a port answers to addresses that nothing has proved. Anybody can send a datagram in another's name, and what answers it then
 * hits that other one. So an address gets at most three times the bytes that came from it lately, and it and the port have so much a second.
 */
import { type Bucket, draw, fill, newBucket, type Rate } from "../allowance.ts";
import { networkOf } from "../network.ts";
import { gatewayLimits } from "./limits.ts";
import { Recent } from "./recent.ts";

/** Why something is not answered: the address has not sent enough, or it or the port has had too much in this second. */
export type AnswerDrop = "unearned" | "address_rate" | "port_rate";

const slotMs = 1_000;
/** Slots in which what came still counts: never more than the milliseconds that the limit states. */
const slotsIn = gatewayLimits.earnedMs / slotMs;
/** Slots in which what was sent still counts: never fewer. */
const slotsOut = slotsIn + 1;

const toAddress: Rate = {
  burst: gatewayLimits.answerBytesToAddress,
  perSecond: gatewayLimits.answerBytesToAddress,
};
const fromPort: Rate = {
  burst: gatewayLimits.answerBytesFromPort,
  perSecond: gatewayLimits.answerBytesFromPort,
};

/** The bytes of the last slots, the newest first. */
type Account = { slot: number; in: number[]; out: number[]; bucket: Bucket };

/** One for each port. Times are in milliseconds, of a clock that is never set back. */
export class AnswerBudget {
  /** Answers that were not sent, by why. */
  readonly drops: Record<AnswerDrop, number> = { unearned: 0, address_rate: 0, port_rate: 0 };
  readonly #accounts = new Recent<Account>(gatewayLimits.answeredAddresses);
  readonly #port: Bucket;

  constructor(now: number) {
    this.#port = newBucket(fromPort, now);
  }

  /** Addresses that are counted now. */
  get remembered(): number {
    return this.#accounts.size;
  }

  /** So many bytes came from this address. */
  heard(ip: string, bytes: number, now: number): void {
    const account = this.#accountOf(ip, now);
    account.in[0] = (account.in[0] ?? 0) + bytes;
  }

  /**
   * Whether so many bytes may be sent to this address now; counts them if so. `leave`: bytes that it must have earned beyond these, for an
   * answer that matters more.
   */
  mayAnswer(ip: string, bytes: number, now: number, leave = 0): boolean {
    const account = this.#accountOf(ip, now);
    const drop = this.#dropOf(account, bytes, now, leave);
    if (drop) {
      this.drops[drop] += 1;
      return false;
    }
    account.out[0] = (account.out[0] ?? 0) + bytes;
    return true;
  }

  /**
   * The same for a player who has a session: only what it has earned bounds it. Its port may serve thousands, and other limits bound how
   * many of them there are. `ip` may be any name for it: its endpoint, if strangers at its address are to take nothing of what it earns.
   */
  mayTell(ip: string, bytes: number, now: number, leave = 0): boolean {
    const account = this.#accountOf(ip, now);
    if (earnedBy(account) < bytes + leave) {
      this.drops.unearned += 1;
      return false;
    }
    account.out[0] = (account.out[0] ?? 0) + bytes;
    return true;
  }

  /** Bytes that this address has earned and not been sent. */
  earned(ip: string, now: number): number {
    return earnedBy(this.#accountOf(ip, now));
  }

  #dropOf(account: Account, bytes: number, now: number, leave: number): AnswerDrop | null {
    if (earnedBy(account) < bytes + leave) return "unearned";
    fill(account.bucket, toAddress, now);
    if (account.bucket.left < bytes) return "address_rate";
    if (!draw(this.#port, fromPort, now, bytes)) return "port_rate";
    account.bucket.left -= bytes;
    return null;
  }

  #accountOf(ip: string, now: number): Account {
    const key = networkOf(ip) ?? ip;
    const slot = Math.floor(now / slotMs);
    const known = this.#accounts.get(key);
    if (known) {
      for (let passed = Math.min(slot - known.slot, slotsOut); passed > 0; passed--) {
        known.in.unshift(0);
        known.out.unshift(0);
      }
      known.in.length = Math.min(known.in.length, slotsIn);
      known.out.length = Math.min(known.out.length, slotsOut);
      known.slot = slot;
      return known;
    }
    const account = { slot, in: [0], out: [0], bucket: newBucket(toAddress, now) };
    this.#accounts.set(key, account);
    return account;
  }
}

function earnedBy(account: Account): number {
  return gatewayLimits.answerBytesPerByte * sum(account.in) - sum(account.out);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
