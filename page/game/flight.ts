/**
 * One player's part in a game, over the links of its lobby, in a page or in Node: as the one who moves the world, or as a guest, and from
 * the one to the other when the host goes, hides, or comes back. It has no screen.
 *
 * Everybody is linked to everybody, and who leads follows from the lobby (party.ts). Whoever leads says so with every packet; nobody
 * needs to agree on it. A lobby learns late that a host is gone without a word, so a silent one is stood in for.
 */
import { Follower, type Spot } from "./follower.ts";
import { type Helm, idleHelm, steeringOf } from "./helm.ts";
import { type GameLink, type GameLobby, lineOf } from "./party.ts";
import { Referee, snapshotTicks } from "./referee.ts";
import type { Path } from "./world/path.ts";
import { speed, tailLength, tickMs } from "./world/rules.ts";
import { readSnapshot, type Snapshot, worldOf } from "./world/snapshot.ts";
import { type Comet, cometOf, isDrone, newWorld, type Phase, type World } from "./world/world.ts";

/** Milliseconds: a host that is silent for longer is stood in for, by the next in line, and so on. */
const silence = { patience: 1_000, more: 350 };
/** Milliseconds that a player without a world listens for others: with links, without any yet, and as a guest. */
const listening = { linked: 700, alone: 4_000, guest: 3_000 };
/** Milliseconds between packets of a guest, between copies that are kept with the lobby, and those while others have the state as well. */
const pace = { steering: 32, kept: 10_000, keptSeldom: 60_000 };
/** Milliseconds that somebody who begins to listen, or was asleep, reads on before it knows the state of the game. */
const settleMs = 250;
/** Milliseconds without a look at the clock that a program has stood still. */
const stallMs = 400;
/** A game that is so many ticks older than another is not given up for it. The bounds overlap: packets are a moment old. */
const olderTicks = { most: 290, least: 310 };
/** Milliseconds between two looks at the clock; browsers that slow timers down leave packets to wake it. */
const beatMs = 16;

export type Sight = {
  readonly slot: number;
  readonly id: string;
  readonly isSelf: boolean;
  readonly isDrone: boolean;
  readonly isGhost: boolean;
  readonly isSafe: boolean;
  readonly stars: number;
  readonly tail: number;
  readonly cuts: number;
  readonly cutBy: number;
  readonly head: Spot;
  readonly path: Path;
  /** The way from the end of the path to the head, where the path does not have it yet. */
  readonly ahead: readonly { x: number; y: number }[];
};

/** What there is to see at a moment. */
export type View = {
  readonly round: number;
  readonly phase: Phase;
  readonly leftMs: number;
  readonly comets: readonly Sight[];
  readonly stars: World["stars"];
};

export type FlightStats = {
  /** `listening`: nothing is known of a game yet. */
  role: "leading" | "following" | "listening";
  /** Client id of the one who moves the world. */
  leaderId: string | null;
  /** Milliseconds that others are drawn back. */
  delayMs: number;
  /** Units that the foretold place was off, of the last 100 packets. */
  corrections: readonly number[];
  sentBytes: number;
  receivedBytes: number;
  packetsHeard: number;
  tick: number;
};

/** `comesBack`: whether this player was in the lobby before. `now`: milliseconds of a clock that never goes back. */
export type FlightOptions = { comesBack?: boolean; now?: () => number };

type Wire = { readonly link: GameLink; readonly forget: () => void; isBusy: boolean };
type Following = { kind: "following"; leaderId: string; follower: Follower; since: number };
type Role = { kind: "leading"; referee: Referee; since: number } | Following | { kind: "listening" };

export class Flight {
  /** What this player wants. */
  helm: Helm = idleHelm;
  readonly #lobby: GameLobby;
  readonly #selfId: string;
  readonly #now: () => number;
  readonly #wires = new Map<string, Wire>();
  readonly #forgetLobby: () => void;
  readonly #beat: ReturnType<typeof setInterval>;
  #role: Role = { kind: "listening" };
  #line: string[] = [];
  #lineAt: number;
  #listenSince: number;
  #advancedAt = Number.NEGATIVE_INFINITY;
  #awakeAt = Number.NEGATIVE_INFINITY;
  #spokenAt = Number.NEGATIVE_INFINITY;
  #spokenTick = 0;
  #keptAt: number;
  #isStopped = false;
  #sentBytes = 0;
  #receivedBytes = 0;
  #packetsHeard = 0;

  constructor(
    lobby: GameLobby,
    selfId: string,
    { comesBack = false, now = () => performance.now() }: FlightOptions = {},
  ) {
    this.#lobby = lobby;
    this.#selfId = selfId;
    this.#now = now;
    this.#lineAt = now();
    this.#listenSince = now();
    this.#keptAt = now();
    for (const link of lobby.links) this.#wire(link);
    this.#forgetLobby = lobby.on("link", (link) => this.#wire(link));
    this.#beat = setInterval(() => this.advance(), beatMs);
    if (lobby.isHost && comesBack) void this.#recall();
    this.advance();
  }

  get stats(): FlightStats {
    const role = this.#role;
    const follower = role.kind === "following" ? role.follower : null;
    return {
      role: role.kind,
      leaderId: role.kind === "leading" ? this.#selfId : role.kind === "following" ? role.leaderId : null,
      delayMs: follower?.delayMs ?? 0,
      corrections: follower?.corrections ?? [],
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      packetsHeard: this.#packetsHeard,
      tick: this.#world?.tick ?? 0,
    };
  }

  /** Does all that is due now. It may be called at any time, and as often as anybody likes. */
  advance(): void {
    if (this.#isStopped) return;
    const now = this.#now();
    this.#wake(now);
    this.#advancedAt = now;
    this.#settle(now);
    const role = this.#role;
    if (role.kind === "leading") this.#lead(role.referee, now);
    if (role.kind === "following") this.#follow(role, now);
  }

  /** A program that stood still has packets to read before it knows who is silent. */
  #wake(now: number): void {
    if (now - this.#advancedAt > stallMs) this.#awakeAt = now;
  }

  /** What there is to see; null as long as nothing is known. */
  view(): View | null {
    const now = this.#now();
    const world = this.#world;
    if (!world) return null;
    const role = this.#role;
    const heard = role.kind === "following" ? role.follower.silence(now) : 0;
    const comets = world.comets.flatMap((comet): Sight[] => {
      const { slot, id, stars, cuts, cutBy, path } = comet;
      const spot = role.kind === "following" ? role.follower.spot(slot, now) : this.#spotHere(comet, now);
      if (!spot) return [];
      return [
        {
          ...{ slot, id, stars, cuts, cutBy, path, head: spot.head, ahead: spot.ahead },
          ...{ isSelf: id === this.#selfId, isDrone: isDrone(comet), isGhost: comet.ghost },
          ...{ isSafe: comet.safe > 0, tail: tailLength(stars) },
        },
      ];
    });
    const leftMs = Math.max(0, world.left * tickMs - heard);
    return { round: world.round, phase: world.phase, leftMs, comets, stars: world.stars };
  }

  /** Whom to hand the lobby over to when this player looks elsewhere: who is linked, here and looks. Null: nobody. */
  get heir(): string | null {
    const heir = this.#lobby.members.find(({ clientId, presence, hidden }) => {
      return clientId !== this.#selfId && presence === "connected" && !hidden && this.#wires.has(clientId);
    });
    return heir?.clientId ?? null;
  }

  /** The game is over for this player. Its links stay open. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#beat);
    this.#forgetLobby();
    for (const { forget } of this.#wires.values()) forget();
    this.#wires.clear();
  }

  get #world(): World | null {
    const role = this.#role;
    if (role.kind === "leading") return role.referee.world;
    return role.kind === "following" ? role.follower.world : null;
  }

  #spotHere(comet: Comet, now: number): Pick<Sight, "head" | "ahead"> {
    const behind = this.#role.kind === "leading" ? this.#role.referee.behind(now) / tickMs : 0;
    const isBoosting = comet.boostLeft > 0;
    const way = behind * (isBoosting ? speed * 2 : speed);
    const { heading, travel } = comet;
    const x = comet.x + Math.cos(heading) * way;
    const y = comet.y + Math.sin(heading) * way;
    return { head: { x, y, heading, travel: travel + way, isBoosting }, ahead: [] };
  }

  #wire(link: GameLink): void {
    if (this.#isStopped) return;
    const { clientId } = link.peer;
    // A link to the same player replaces an earlier one.
    this.#wires.get(clientId)?.forget();
    const heard = (bytes: Uint8Array) => this.#hear(clientId, bytes);
    const forgets = [
      link.on("message", heard),
      link.on("reliable", heard),
      link.on("closed", () => {
        if (this.#wires.get(clientId) === wire) this.#wires.delete(clientId);
      }),
    ];
    const wire: Wire = { link, forget: () => forgets.map((forget) => forget()), isBusy: false };
    this.#wires.set(clientId, wire);
    if (this.#role.kind === "listening") this.#listenSince = this.#now();
  }

  #hear(id: string, bytes: Uint8Array): void {
    const now = this.#now();
    this.#wake(now);
    this.#receivedBytes += bytes.length;
    this.#packetsHeard += 1;
    const role = this.#role;
    if (role.kind === "leading") role.referee.hear(id, bytes, now);
    const snapshot = readSnapshot(bytes);
    if (snapshot) this.#hearLeader(id, snapshot, now);
    // In a page out of sight timers hardly run: packets keep the game going.
    if (now - this.#advancedAt > 2 * beatMs) this.advance();
  }

  /** Somebody says that it moves the world. */
  #hearLeader(id: string, snapshot: Snapshot, now: number): void {
    // A former host, who does not know it yet.
    if (snapshot.term < (this.#lobby.term & 0xffff)) return;
    const line = lineOf(this.#lobby);
    const rank = (of: string) => line.indexOf(of) + 1 || line.length + 1;
    if (!line.includes(id)) return;
    const role = this.#role;
    if (role.kind === "leading" && !this.#yields(role.referee, snapshot, rank(id) < rank(this.#selfId), now))
      return;
    if (role.kind === "following" && role.leaderId !== id) {
      const isFresh = role.follower.silence(now) < silence.patience || now - this.#awakeAt < silence.patience;
      const goesOn = snapshot.from === role.follower.reign || snapshot.guests > 0;
      if (isFresh && !(rank(id) < rank(role.leaderId) && goesOn)) return;
    }
    if (role.kind !== "following") {
      const follower = new Follower(this.#selfId, now, wallTick(), this.#world);
      this.#role = { kind: "following", leaderId: id, follower, since: now };
      follower.hear(snapshot, now);
    } else {
      role.leaderId = id;
      role.follower.hear(snapshot, now);
    }
  }

  /** Two move a world each: they were apart. The one that others play in goes on, or that of the one who is earlier in line. */
  #yields(referee: Referee, theirs: Snapshot, isEarlier: boolean, now: number): boolean {
    if (theirs.from === referee.reign) return isEarlier;
    // Guests who seem silent after a pause of one's own may not be. It is no reason to doubt who is earlier in line.
    if (!isEarlier && now - this.#awakeAt < silence.patience) return false;
    const guests = referee.guests(now);
    if (guests > 0) return theirs.guests > 0 && isEarlier;
    // Nobody plays in either, or in this one: a game that is clearly older, or else the earlier player's. One of the two always yields.
    const older = theirs.tick - referee.world.tick;
    return theirs.guests > 0 || older > (isEarlier ? -olderTicks.least : olderTicks.most);
  }

  /** Who leads now? */
  #settle(now: number): void {
    const line = lineOf(this.#lobby);
    if (line.join() !== this.#line.join()) {
      this.#line = line;
      this.#lineAt = now;
    }
    const rank = line.indexOf(this.#selfId);
    const role = this.#role;
    if (role.kind === "leading" || rank === -1) return;
    if (role.kind === "listening") {
      if (this.#isAlone || now - this.#listenSince > this.#listenMs(rank)) this.#begin(null, now);
      return;
    }
    const { follower, leaderId } = role;
    const isFresh = follower.silence(now) < silence.patience;
    // What waited on the link while nobody read it is old: what is true now comes after it.
    const isSettled = now - Math.max(role.since, this.#awakeAt) > settleMs;
    const isNext = rank === 0 && leaderId !== line[0] && follower.isComplete && isFresh && isSettled;
    const heardAt = Math.max(now - follower.silence(now), this.#awakeAt);
    const quietSince = Math.max(heardAt, rank === 0 ? 0 : this.#lineAt);
    if (isNext || now - quietSince > silence.patience + silence.more * rank) this.#begin(follower, now);
  }

  /** Nobody else is here. */
  get #isAlone(): boolean {
    return !this.#lobby.members.some(
      ({ clientId, presence }) => clientId !== this.#selfId && presence === "connected",
    );
  }

  #listenMs(rank: number): number {
    if (rank > 0) return listening.guest + silence.more * rank;
    return this.#wires.size > 0 ? listening.linked : listening.alone;
  }

  /** Moves the world from now on: that of the former host, or a new one. */
  #begin(former: Follower | null, now: number): void {
    const world = former?.surrender() ?? newWorld(Math.random() * 2 ** 32);
    this.#install(world, former?.reign ?? 0, now);
  }

  #install(world: World, from: number, now: number): void {
    const reign = 1 + Math.floor(Math.random() * 0xfffe);
    const referee = new Referee(world, { term: this.#lobby.term, reign, from }, this.#selfId, now);
    this.#spokenTick = 0;
    this.#role = { kind: "leading", referee, since: now };
  }

  /** A host who was alone, and comes back: its world was kept with the lobby. */
  async #recall(): Promise<void> {
    const kept = await this.#lobby.readSnapshot().catch(() => null);
    const state = kept && readSnapshot(kept.bytes);
    const world = state && worldOf(state, (Math.random() * 2 ** 32) >>> 0);
    const role = this.#role;
    const now = this.#now();
    // Others have the game as it is now.
    if (!world || this.#isStopped || !this.#isAlone || role.kind === "following") return;
    if (role.kind === "leading" && (role.referee.guests(now) > 0 || now - role.since > 3_000)) return;
    this.#install(world, 0, now);
  }

  #lead(referee: Referee, now: number): void {
    const players = this.#lobby.members.map(({ clientId, presence }) => {
      return { id: clientId, isHere: presence === "connected" };
    });
    referee.seat(players, now);
    referee.steer(steeringOf(this.helm, cometOf(referee.world, this.#selfId)?.heading ?? 0));
    referee.advance(now);
    if (referee.world.tick - this.#spokenTick >= snapshotTicks || this.#spokenTick > referee.world.tick) {
      this.#spokenTick = referee.world.tick;
      for (const [id, wire] of this.#wires) {
        const packet = referee.packetFor(id, now);
        if (packet) this.#send(wire, packet);
        const state = wire.isBusy ? null : referee.stateFor(id, now);
        if (state) this.#sendState(wire, state);
      }
    }
    const keepMs = referee.guests(now) > 0 ? pace.keptSeldom : pace.kept;
    if (!this.#lobby.isHost || now - this.#keptAt < keepMs) return;
    this.#keptAt = now;
    // Whatever is refused now is kept next time.
    this.#lobby.saveSnapshot(referee.kept(now)).catch(() => {});
  }

  #follow({ follower, leaderId }: Following, now: number): void {
    follower.advance(now, this.helm);
    if (now - this.#spokenAt < pace.steering) return;
    this.#spokenAt = now;
    const wire = this.#wires.get(leaderId);
    if (wire) this.#send(wire, follower.packet());
  }

  #send({ link }: Wire, packet: Uint8Array<ArrayBuffer>): void {
    try {
      link.send(packet);
      this.#sentBytes += packet.length;
    } catch {
      // It is closing, and says so by its event.
    }
  }

  #sendState(wire: Wire, state: Uint8Array<ArrayBuffer>): void {
    wire.isBusy = true;
    this.#sentBytes += state.length;
    const done = () => {
      wire.isBusy = false;
    };
    wire.link.sendReliable(state).then(done, done);
  }
}

/** Ticks of the wall's clock, in 32 bits: a page that is loaded again goes on later than it was. */
function wallTick(): number {
  return Math.floor(Date.now() / tickMs) >>> 0;
}
