/**
 * What the links of a relay may send, and what their ends are told before the relay drops packets. A packet draws on the budgets of its
 * link, its lobby, the address it comes from, and the relay. When the relay has little to spare, packets within the fair share of their
 * lobby or of their address pass before all others.
 */
import { type Bucket, emptyInMs, fillUp, isLow, newBucket } from "./budget.ts";
import { relayLimits } from "./limits.ts";
import type { Link, Lobby, Notice, Sender } from "./link.ts";
import { Quota } from "./quota.ts";
import { newParty, Shares } from "./shares.ts";
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

const { relayLargestPart, relayLobbyReserve, relayReserve, relayShareBurstMs, relaySharesMs } = relayLimits;
/** The part of the total rate that lobbies share. Senders share as much again. The rest refills the reserve. */
const sharedPart = 0.475;

export class Traffic<Via> {
  /** Notices to send. The shell takes them out. */
  notices: Notice<Via>[] = [];
  readonly #bounds: TrafficBounds;
  readonly #total: Bucket;
  /** While the total's bucket has fewer bytes than this, only packets within a fair share pass. */
  readonly #reserve: number;
  readonly #lobbies: Shares;
  readonly #senders: Shares;
  /** When the shares were last reckoned, and what the total's bucket had then. */
  #reckonedAt: number;
  #leftThen: number;
  readonly #fullNotices = new Quota({
    most: relayLimits.relayFullNotices,
    spanMs: 1_000,
    keys: relayLimits.relayFullLobbies,
  });

  constructor(elapsed: number, bounds: TrafficBounds) {
    this.#bounds = bounds;
    this.#total = newBucket(bounds.totalRate, elapsed);
    this.#reserve = this.#total.capacity * relayReserve;
    this.#lobbies = new Shares(bounds.totalRate * sharedPart);
    this.#senders = new Shares(bounds.totalRate * sharedPart);
    this.#reckonedAt = elapsed;
    this.#leftThen = this.#total.left;
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
    this.#lobbies.add(lobby.party);
    return lobby;
  }

  /** The budget of everybody who sends from one IPv4 address, or from one IPv6 /48. */
  newSender(elapsed: number): Sender {
    const bucket = newBucket(this.#bounds.totalRate * relayLargestPart, elapsed);
    const sender = { bucket, party: newParty(elapsed) };
    this.#senders.add(sender.party);
    return sender;
  }

  forgetLobby({ party }: Lobby<Via>): void {
    this.#lobbies.remove(party);
  }

  forgetSender({ party }: Sender): void {
    this.#senders.remove(party);
  }

  /**
   * Takes a packet's bytes from all budgets, and returns null. If one of them is empty, takes nothing, and returns which one.
   * `sender`: where the packet comes from; null for this machine, which is not counted.
   */
  spend(link: Link<Via>, sender: Sender | null, bytes: number, elapsed: number): Empty | null {
    const { bucket, lobby } = link;
    const length = Math.max(bytes, relayLimits.relayPacketBytes);
    const total = this.#total;
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
    const isFair = this.#isFair(lobby, sender, length, elapsed);
    if (total.left < length + (isFair ? 0 : this.#reserve)) return this.#cut(link, "total_rate", elapsed);
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
    if (!isFair) this.#tellRate(link, "total_rate", emptyInMs(total, this.#reserve), elapsed);
    else if (isLow(total) && !this.#isShared) this.#tellRate(link, "total_rate", emptyInMs(total), elapsed);
    if (!link.bytesTold && link.bytesLeft < this.#bounds.linkBytes / 10) {
      link.bytesTold = true;
      this.tell(link, "bytes", Math.floor((link.bytesLeft * 1000) / bucket.rate));
    }
    return null;
  }

  /** To be called every second. Reckons the shares again, so that they do not rest on traffic of long ago. */
  tick(elapsed: number): void {
    this.#reckon(elapsed);
  }

  /** Queues a notice for both ends of the link. */
  tell(link: Link<Via>, code: RelayCode, inMs: number): void {
    this.notices.push({ link, code, inMs });
  }

  /** Whether there is not enough for all. */
  get #isShared(): boolean {
    return this.#lobbies.areBound || this.#senders.areBound;
  }

  /**
   * Counts a packet. If the relay has little to spare, takes the packet from the fair share of its sender or, if that is used up, of
   * its lobby. Returns whether one of the two sufficed. An attacker needs many addresses and many lobbies to make both small.
   */
  #isFair({ party: ofLobby }: Lobby<Via>, sender: Sender | null, length: number, elapsed: number): boolean {
    if (sender) sender.party.asked += length;
    if (this.#total.left > (this.#total.capacity + this.#reserve) / 2) {
      ofLobby.asked += length;
      return true;
    }
    const isLate = elapsed - this.#reckonedAt >= relaySharesMs || elapsed < this.#reckonedAt;
    // If many begin at once, do not wait for the next reckoning: they would have used up the reserve by then.
    const isFast = this.#total.left <= this.#leftThen - this.#total.capacity / 4;
    if (isLate || isFast) this.#reckon(elapsed);
    if (sender && this.#senders.take(sender.party, length, elapsed)) return true;
    ofLobby.asked += length;
    return this.#lobbies.take(ofLobby, length, elapsed);
  }

  #reckon(elapsed: number): void {
    const spanMs = elapsed - this.#reckonedAt;
    if (spanMs === 0) return;
    this.#reckonedAt = elapsed;
    this.#leftThen = this.#total.left;
    // A clock that was set back tells nothing.
    if (spanMs < 0) return;
    this.#senders.reckon(spanMs);
    this.#lobbies.reckon(spanMs);
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
