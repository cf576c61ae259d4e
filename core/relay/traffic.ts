/**
 * What the links of a relay may send, and what their ends are told before the relay drops packets. A packet draws on the budgets of its
 * link, its lobby, the address it comes from, and the relay. When the relay has little to spare, packets within the fair share of their
 * lobby or of their address pass before all others.
 */
import { type Bucket, emptyInMs, fillUp, isLow, newBucket } from "./budget.ts";
import { FairTotal } from "./fair-total.ts";
import { relayLimits } from "./limits.ts";
import type { Link, Lobby, Notice, Sender } from "./link.ts";
import { Quota } from "./quota.ts";
import { newParty } from "./shares.ts";
import type { RelayCode } from "./ticket.ts";

export type TrafficBounds = {
  /** Bytes a second, of one link, one lobby, and all. */
  linkRate: number;
  lobbyRate: number;
  totalRate: number;
  /** Bytes of one link in all. */
  linkBytes: number;
};

/** The budget that is empty. */
export type Empty = "rate" | "lobby_rate" | "address_rate" | "total_rate" | "bytes";

const { relayLargestPart, relayLobbyReserve, relayShareBurstMs } = relayLimits;

export class Traffic<Via> {
  /** Notices to send. The shell takes them out. */
  notices: Notice<Via>[] = [];
  readonly #bounds: TrafficBounds;
  /** Shared among senders, and among lobbies. An attacker needs many addresses and many lobbies to make both shares small. */
  readonly #total: FairTotal;
  readonly #fullNotices = new Quota({
    most: relayLimits.relayFullNotices,
    spanMs: 1_000,
    keys: relayLimits.relayFullLobbies,
  });

  constructor(elapsed: number, bounds: TrafficBounds) {
    this.#bounds = bounds;
    this.#total = new FairTotal(bounds.totalRate, elapsed);
  }

  /** The budget of a new link. */
  linkBucket(elapsed: number): Bucket {
    return newBucket(this.#bounds.linkRate, elapsed);
  }

  newLobby(id: string, elapsed: number): Lobby<Via> {
    const rate = Math.min(this.#bounds.lobbyRate, this.#bounds.totalRate * relayLargestPart);
    const lobby: Lobby<Via> = {
      id,
      bucket: newBucket(rate, elapsed),
      party: newParty(elapsed),
      links: new Set(),
    };
    this.#total.seconds.add(lobby.party);
    return lobby;
  }

  /** The budget of everybody who sends from one IPv4 address, or from one IPv6 /48. */
  newSender(elapsed: number): Sender {
    const bucket = newBucket(this.#bounds.totalRate * relayLargestPart, elapsed);
    const sender = { bucket, party: newParty(elapsed) };
    this.#total.firsts.add(sender.party);
    return sender;
  }

  forgetLobby({ party }: Lobby<Via>): void {
    this.#total.seconds.remove(party);
  }

  forgetSender({ party }: Sender): void {
    this.#total.firsts.remove(party);
  }

  /**
   * Takes a packet's bytes from all budgets, and returns null. If one of them is empty, takes nothing, and returns which one.
   * `sender`: where the packet comes from; null for this machine, which is not counted.
   */
  spend(link: Link<Via>, sender: Sender | null, bytes: number, elapsed: number): Empty | null {
    const { bucket, lobby } = link;
    const length = Math.max(bytes, relayLimits.relayPacketBytes);
    const total = this.#total.bucket;
    fillUp(bucket, elapsed);
    fillUp(lobby.bucket, elapsed);
    if (sender) fillUp(sender.bucket, elapsed);
    fillUp(total, elapsed);
    if (link.bytesLeft < length) {
      if (link.bytesLeft > 0) this.tell(link, "bytes", 0);
      link.bytesLeft = 0;
      return "bytes";
    }
    const empty =
      bucket.left < length
        ? "rate"
        : !mayTakeOfLobby(link, length, elapsed)
          ? "lobby_rate"
          : sender && sender.bucket.left < length
            ? "address_rate"
            : null;
    if (empty) return this.#cut(link, empty, elapsed);
    const isFair = this.#total.isFair(sender?.party ?? null, lobby.party, length, elapsed);
    if (!this.#total.has(length, isFair)) return this.#cut(link, "total_rate", elapsed);
    bucket.left -= length;
    lobby.bucket.left -= length;
    if (sender) sender.bucket.left -= length;
    total.left -= length;
    link.bytesLeft -= length;
    if (isLow(bucket)) this.#tellRate(link, "rate", emptyInMs(bucket), elapsed);
    if (isLow(lobby.bucket)) {
      this.#tellRate(link, "lobby_rate", emptyInMs(lobby.bucket, reserveOf(lobby)), elapsed);
    }
    if (sender && isLow(sender.bucket)) {
      this.#tellRate(link, "address_rate", emptyInMs(sender.bucket), elapsed);
    }
    if (!isFair) this.#tellRate(link, "total_rate", emptyInMs(total, this.#total.reserve), elapsed);
    else if (isLow(total) && !this.#total.isShared)
      this.#tellRate(link, "total_rate", emptyInMs(total), elapsed);
    if (!link.bytesTold && link.bytesLeft < this.#bounds.linkBytes / 10) {
      link.bytesTold = true;
      this.tell(link, "bytes", Math.floor((link.bytesLeft * 1000) / bucket.rate));
    }
    return null;
  }

  /** To be called every second. Reckons the shares again, so that they do not rest on traffic of long ago. */
  tick(elapsed: number): void {
    this.#total.reckon(elapsed);
  }

  /** Queues a notice for both ends of the link. */
  tell(link: Link<Via>, code: RelayCode, inMs: number): void {
    this.notices.push({ link, code, inMs });
  }

  #cut(link: Link<Via>, code: Exclude<Empty, "bytes">, elapsed: number): Empty {
    this.#tellRate(link, code, 0, elapsed);
    return code;
  }

  /** Tells a link, at most once a second for each code. If its lobby, an address or the relay is full, only some links hear of it in each second. */
  #tellRate(link: Link<Via>, code: Exclude<Empty, "bytes">, inMs: number, elapsed: number): void {
    if (isRecent(link.rateToldAt[code], elapsed)) return;
    const many = code === "lobby_rate" ? `${code} ${link.lobby.id}` : code;
    if (code !== "rate" && !this.#fullNotices.spend(many, elapsed)) return;
    link.rateToldAt[code] = elapsed;
    this.tell(link, code, inMs);
  }
}

/** Bytes in a lobby's bucket from which on only links within their shares get more. */
function reserveOf({ bucket }: Lobby<unknown>): number {
  return bucket.capacity * relayLobbyReserve;
}

/**
 * Whether the lobby has so many bytes left for this link. What the lobby keeps in reserve is for links within an equal share of its rate:
 * a few that send all they can must not silence the others.
 */
function mayTakeOfLobby({ share, lobby }: Link<unknown>, length: number, elapsed: number): boolean {
  const { bucket, links } = lobby;
  if (bucket.left < length) return false;
  if (bucket.left >= length + reserveOf(lobby)) return true;
  const rate = bucket.rate / links.size;
  const earned = elapsed > share.at ? ((elapsed - share.at) * rate) / 1000 : 0;
  share.at = elapsed;
  share.left = Math.min((rate * relayShareBurstMs) / 1000, share.left + earned);
  if (share.left < length) return false;
  share.left -= length;
  return true;
}

function isRecent(toldAt: number, elapsed: number): boolean {
  return toldAt <= elapsed && elapsed - toldAt < relayLimits.relayNoticeMs;
}
