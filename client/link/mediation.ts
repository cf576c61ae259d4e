/** One run of being seen by the server, introduced to the peers, and connected to them. */
import { type Cause, causes } from "../../core/link/cause.ts";
import type { LinkConfig } from "../../core/link/config.ts";
import type { KeyPair } from "../../core/sealing/primitives.ts";
import { linkOf } from "../../core/wire/peer-packet.ts";
import type { Heard } from "../../core/wire/server-message.ts";
import { abortable } from "../../session/retry.ts";
import type { Session } from "../../session/session.ts";
import { proceed } from "../../session/wishes.ts";
import { OrionError, ownError } from "../error.ts";
import type { Peer } from "../peer.ts";
import type { ConnectionReport, PeerReport, TimelineEntry } from "../report.ts";
import type { IceServers } from "../webrtc/ice-servers.ts";
import type { WebSocketRelays } from "../websocket/relays.ts";
import { type Introduced, peersOf } from "./introduced.ts";
import { Link } from "./link.ts";
import type { LinkEnd } from "./link-end.ts";
import { type Encryption, type PairingOptions, pairWith, type WebRtcMeans } from "./pairing.ts";
import type { LinkPlatform, UdpGathering, UdpSight } from "./platform.ts";
import { Renewals } from "./renewals.ts";
import { reportMessage } from "./report-message.ts";
import { commitmentOf } from "./sealed-packets.ts";
import { Turns } from "./turns.ts";

/** What a mediation comes to. */
export type Connection<Raw> = { kind: "links"; links: Link[] } | { kind: "raw"; raw: Raw };

export type MediationOptions<Raw> = {
  /** What the server calls it, if it knows the additions. */
  id: string | undefined;
  session: Session;
  server: URL;
  platform: LinkPlatform<Raw>;
  /** One for all mediations in a lobby. */
  relays: WebSocketRelays;
  iceServers: IceServers;
  /** How its links are encrypted. */
  encryption: Encryption;
  /** Whether this client is content with some of its links. */
  goesOn: boolean;
  /** As the host: ends it for all. */
  stop: () => Promise<void>;
  /** Whether somebody who waits has a UDP stack of its own. */
  wantsRaw: () => boolean;
  introduced: (peers: Peer[]) => void;
  /** A link is usable. Whether anybody took it. */
  linked: (link: Link) => boolean;
  /** It goes on without some, who have no link that could tell why. */
  wentOn: (report: ConnectionReport) => void;
};

type NoUdp = NonNullable<LinkConfig["noUdp"]>;

/** A peer, and our end of the link to it, if there could be one. */
type Outcome = { peer: Peer; end: LinkEnd | null; link: Link | null; cause?: Cause };

/** Milliseconds that the server has to say that a mediation is over which has failed from here. */
const abortPatienceMs = 2_000;
/**
 * Milliseconds that a host who is connected waits for the others' reports. A link is proved at both ends within moments. A guest that
 * does not report could end the game of all later on, by leaving.
 */
const reportPatienceMs = 5_000;
/** Milliseconds after a sidecar has been silent for 2 s, until this client goes without UDP. The server may name another meanwhile, which answers. */
const unseenMs = 500;
/** Lines of what happened before the introduction. */
const mostLines = 40;

export class Mediation<Raw> {
  readonly #options: MediationOptions<Raw>;
  /** Null where there is no UDP. */
  readonly #gathering: UdpGathering<Raw> | null;
  /** Why this client cannot use UDP, as far as is known. */
  #noUdp: NoUdp | null = null;
  #unseenTimer: ReturnType<typeof setTimeout> | null = null;
  readonly #turns = new Turns<LinkEnd>();
  /** New ones for each mediation: what was said in the one before stays secret whatever becomes of these. */
  readonly #keys: KeyPair;
  readonly #ends = new Map<number, LinkEnd>();
  readonly #links = new Map<LinkEnd, Link>();
  readonly #handedOut = new Set<LinkEnd>();
  readonly #timeline: TimelineEntry[] = [];
  readonly #begunAt = performance.now();
  readonly #result = Promise.withResolvers<Connection<Raw>>();
  #phase: "gathering" | "connecting" | "connected" | "over" = "gathering";
  /** Why it has failed from here: the server knows, and is about to say that it is over. */
  #failure: OrionError | null = null;
  #failureTimer: ReturnType<typeof setTimeout> | null = null;
  /** Until this host goes on without those who do not report. */
  #reportTimer: ReturnType<typeof setTimeout> | null = null;
  /** Whether the SDK connects, not the game. */
  #isLinking = false;
  #waiters = 0;
  /** Closes the socket that is the game's; and whether the game has it. */
  #released: (() => void) | null = null;
  #isTaken = false;
  /** The one that the server has begun in its place. */
  #successor: Mediation<Raw> | null = null;
  /** Whether the server has said that it succeeded. */
  #hasSucceeded = false;
  /** Whether the game has said how it went, and whether that was a failure: then it waits for the next start. */
  #hasReported = false;
  #isGivenUp = false;
  #goesOn: boolean;
  readonly #over = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #renewals: Renewals;
  /** Ends listening for new tickets. */
  readonly #forget: () => void;
  /** Lets the WebSocket go that links on the relay need; null while none does. */
  #letGo: (() => void) | null = null;

  constructor(options: MediationOptions<Raw>) {
    this.#options = options;
    this.#goesOn = options.goesOn;
    this.#keys = options.platform.crypto.newKeyPair();
    this.#result.promise.catch(() => {});
    this.#renewals = new Renewals((tickets) => options.session.say("ptpRelay_renew", { tickets }));
    this.#forget = options.session.listenForTickets((answer) => this.#renewals.hear(answer));
    this.#gathering = this.#gather(options);
    if (!this.#gathering) this.#noUdp = "no-udp";
  }
  get id(): string | undefined {
    return this.#options.id;
  }

  /** Whether it came to nothing, or is about to. */
  get isFailing(): boolean {
    return this.#phase === "over" || this.#failure !== null || this.#isGivenUp;
  }

  /** Whether this client has what it comes to. */
  get isDone(): boolean {
    return this.#phase === "connected";
  }

  /** Whether the game has that. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Whether the server has said that all are connected: its links are not ended any more. */
  get hasSucceeded(): boolean {
    return this.#hasSucceeded;
  }

  /** What the server has begun in its place, if it has. */
  get successor(): Mediation<Raw> | null {
    return this.#successor;
  }

  /** The links that are usable. From now on the game has them. */
  takeLinks(): Link[] {
    const usable = [...this.#links].filter(([end]) => end.isUsable);
    for (const [end] of usable) this.#handedOut.add(end);
    return usable.map(([, link]) => link);
  }

  /** Whether there is a usable link, or the game connects by itself. */
  get isLinked(): boolean {
    return this.#released !== null || [...this.#ends.values()].some((end) => end.isUsable && !end.isGivenUp);
  }

  /** Whether there is a usable link to this peer. */
  isLinkedTo(clientId: string): boolean {
    return [...this.#ends.values()].some(({ isUsable, peer }) => isUsable && peer.clientId === clientId);
  }

  /** Ends links that the peers must have given up by now: this program was suspended, and does not know yet. */
  endGivenUp(): void {
    for (const end of this.#ends.values()) if (end.isGivenUp) void end.close("path-lost");
  }

  /** Done when nothing of it is left. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** What it comes to. Whoever waits takes the links. Throws why it came to nothing, or `not_raw`. */
  async wait(raw: boolean, signal?: AbortSignal): Promise<Connection<Raw>> {
    if (raw && this.#isLinking && this.#phase === "connecting") this.#missRaw();
    this.#waiters += 1;
    try {
      const connection = await abortable(this.#result.promise, signal);
      if ((connection.kind === "raw") !== raw) throw ownError("not_raw");
      this.#isTaken = true;
      this.#handOut();
      return connection;
    } finally {
      this.#waiters -= 1;
    }
  }

  /** The server asks to see us. */
  async ask(request: Heard<"ptpMediation_send">): Promise<void> {
    if (this.#phase !== "gathering" || this.#failure) return;
    const isWithout = request.port === undefined;
    if (isWithout) this.#loseUdp("no-sidecar");
    if (this.#noUdp !== null && !this.#mayGoWithoutUdp) this.#giveUp(this.#noUdp, noUdpError(this.#noUdp));
    else this.#sayReady();
    if (!isWithout) await this.#gathering?.ask(request);
  }

  /** The server tells who the peers are. */
  async introduce({ peers, you }: Heard<"ptpMediation_peersConnection_start">): Promise<void> {
    if (this.#phase !== "gathering" || this.#failure) return;
    this.#phase = "connecting";
    const sight = (await this.#gathering?.end()) ?? null;
    if (this.isFailing) return;
    // It may have been seen at last.
    const udp = this.#noUdp === null || you !== undefined ? sight : null;
    if (!udp && this.#noUdp === null) {
      this.#giveUp(null, ownError("unexpected_answer"));
      return;
    }
    if (!udp) void this.#gathering?.close();
    const { session, platform, introduced, wantsRaw } = this.#options;
    const others = session.members.filter(({ isSelf }) => !isSelf).map(({ name }) => name);
    const expected = session.isHost ? others : [session.host];
    const told = peersOf(peers, expected);
    introduced(told.map(({ peer }) => peer));
    if (wantsRaw()) {
      if (udp) this.#release(udp, told);
      else this.#giveUp(this.#noUdp, noUdpError(this.#noUdp ?? "no-udp"));
      return;
    }
    this.#isLinking = true;
    const { crypto, checks } = platform;
    const { relays, encryption } = this.#options;
    const webRtc = this.#webRtc();
    const relayOnly = session.isHidden || session.privacy === "relay-only";
    const means = { crypto, checks, udp, noUdp: this.#noUdp, relays, webRtc };
    const own = { clientId: session.clientId, features: session.features, keys: this.#keys, ...encryption };
    const options = { ...means, you, own, turns: this.#turns, relayOnly };
    this.#conclude(await Promise.all(told.map((each) => this.#connect(each, options))));
  }

  /** From now on this client is content with some of its links. */
  goOn(): void {
    this.#goesOn = true;
  }

  /** The game, which has the socket, is connected to all its peers. Said once. */
  reportConnected(): void {
    if (this.#hasReported) return;
    this.#hasReported = true;
    this.#options.session.say("ptpMediation_peersConnection_success", { mediation: this.id });
  }

  /** The game, which has the socket, cannot connect to all its peers. Said once. */
  reportFailed(cause: Cause): void {
    if (this.#hasReported) return;
    this.#hasReported = true;
    this.#isGivenUp = true;
    this.#sayFailure(cause);
  }

  /** A member signals, by the lobby, to the SDK here. */
  hearSignal(from: string, signal: unknown): void {
    for (const end of this.#ends.values()) if (end.peer.clientId === from) end.hearSignal(signal);
  }

  /** A member has left: there is nobody to be connected to. A link that is there stays, unless the host has removed the member. */
  lose(name: string, kicked: boolean): void {
    for (const end of this.#ends.values()) {
      if (end.peer.name === name && (kicked || !end.isUsable)) void end.close("peer-left");
    }
  }

  /** The server says that all are connected. */
  succeed(): void {
    this.#hasSucceeded = true;
  }

  /** The server has begun another in its place: whoever waits, waits for that one. */
  giveWay(next: Mediation<Raw>): void {
    this.#successor = next;
    this.#fail(ownError("aborted"), () => "aborted");
  }

  /** It failed, by the server's word: whatever came about ends, the group is not connected. */
  abort(error: OrionError): void {
    // The server says that somebody could not be connected. Here it is known who, and why.
    const isOurs = error.code === "could_not_connect" && this.#phase === "gathering" && this.#noUdp !== null;
    const own = isOurs && this.#noUdp ? this.#withReport(noUdpError(this.#noUdp), this.#noUdp) : null;
    this.#fail(this.#failure ?? own ?? error, () => "aborted");
  }

  /** The lobby is over for this client. Links that were handed out live on, and all of them if all came about. */
  detach(error: OrionError): void {
    this.#stopWaiting();
    if (this.#phase === "connected") return;
    const isKept = (end: LinkEnd) => end.isUsable && this.#handedOut.has(end);
    this.#fail(this.#failure ?? error, (end) => (isKept(end) ? null : "aborted"));
  }

  /** Nobody waits for it any more: it ends, for all. Done when the server knows. What came about before stays. */
  async callOff(): Promise<void> {
    if (this.#phase === "connected" && (this.#isTaken || !this.#released)) return;
    if (!this.isFailing) {
      this.#failSoon(ownError("aborted"));
      // The players are to hear that the host has stopped it. A server that does not know how is told that it failed.
      if (this.#options.session.isHost) await this.#options.stop().catch(() => this.#sayFailure("aborted"));
      else this.#sayFailure("aborted");
      this.#closeReleased();
      this.#end(() => "aborted");
    }
    await this.#over.promise;
  }

  /** Nobody will ask any more: what nobody has taken ends. */
  drop(): void {
    if (!this.#isTaken) this.#closeReleased();
    this.#end((end) => (this.#handedOut.has(end) ? null : "aborted"));
  }

  #gather(options: MediationOptions<Raw>): UdpGathering<Raw> | null {
    const { platform, session, server } = options;
    const gathering = platform.udp?.gather({
      token: () => session.token(),
      server: server,
      isHidden: session.isHidden,
      receive: (bytes, local, remote) => {
        this.#ends.get(linkOf(bytes) ?? -1)?.receive(bytes, local, remote);
      },
      note: (what) => this.#note(what),
      unseen: () => {
        session.say("ptpMediation_unseen", { mediation: this.id });
        this.#unseenTimer ??= setTimeout(() => this.#goWithoutUdp("udp-blocked"), unseenMs);
      },
      failed: (cause, error) => {
        if (this.#phase === "gathering" && !this.#goWithoutUdp(cause)) this.#giveUp(cause, error);
      },
    });
    return gathering ?? null;
  }

  /** Whether the server introduces members that cannot use UDP. */
  get #mayGoWithoutUdp(): boolean {
    const { view } = this.#options.session;
    return this.id !== undefined && view.encryption !== null;
  }

  /** UDP does not work: the server introduces this client all the same, if it can. False if not. */
  #goWithoutUdp(cause: NoUdp): boolean {
    if (this.#phase !== "gathering" || this.#failure) return false;
    if (!this.#mayGoWithoutUdp) return false;
    if (this.#noUdp === null && !this.#gathering?.isSeen) {
      this.#loseUdp(cause);
      this.#sayReady();
    }
    return true;
  }

  /** Unless it is known already why this client cannot use UDP. */
  #loseUdp(cause: NoUdp): void {
    if (this.#noUdp !== null) return;
    this.#noUdp = cause;
    this.#note(`without UDP: ${cause}`);
  }

  /** Commits this client to its key, before it knows any peer's. Said with every asking of the server, which keeps it no longer. */
  #sayReady(): void {
    if (!this.#mayGoWithoutUdp) return;
    const { platform, session } = this.#options;
    const udp = this.#noUdp === null ? {} : { udp: false };
    const commitment = commitmentOf(platform.crypto, this.#keys.publicKey);
    session.say("ptpMediation_ready", { mediation: this.id, commitment, ...udp });
  }

  #webRtc(): WebRtcMeans | null {
    const { platform, iceServers, session } = this.#options;
    if (!platform.webRtc) return null;
    return {
      newConnection: platform.webRtc,
      iceServers: () => iceServers.get(),
      signal: (to, data) => session.signalForLinks(to, data),
    };
  }

  /** Looks for a path to one peer until there is one, or none. */
  async #connect(introduced: Introduced, options: PairingOptions): Promise<Outcome> {
    const { peer } = introduced;
    const end = await pairWith(introduced, options);
    if (typeof end === "string") return { peer, end: null, link: null, cause: end };
    if (!end || this.isFailing) return { peer, end: null, link: null };
    const link = new Link(end);
    this.#ends.set(end.number, end);
    this.#links.set(end, link);
    void end.over.then(() => this.#closeWhenDone());
    this.#keepTicket(end);
    end.open();
    await end.decided;
    if (end.isUsable && this.#options.linked(link)) this.#handedOut.add(end);
    return { peer, end, link };
  }

  /** As long as the WebSocket is open, the link's ticket is renewed; and it stays open as long as a link needs the relay. */
  #keepTicket(end: LinkEnd): void {
    const { tickets } = end;
    if (tickets.length === 0) return;
    for (const { holder, lifeMs } of tickets) this.#renewals.add(holder, lifeMs);
    for (const event of ["path", "settled", "closed"] as const)
      end.events.on(event, () => this.#holdSession());
    this.#holdSession();
  }

  #holdSession(): void {
    const isNeeded = [...this.#ends.values()].some((end) => end.needsRelay);
    if (isNeeded) this.#letGo ??= this.#options.session.hold();
    else {
      this.#letGo?.();
      this.#letGo = null;
    }
  }

  #conclude(outcomes: Outcome[]): void {
    if (this.#phase !== "connecting" || this.isFailing) return;
    const noLink = this.#noUdp ?? "no-additions";
    const peers = outcomes.map((outcome) => reportOf(outcome, noLink));
    const report = { cause: null, timeline: this.#timeline, peers };
    const lost = outcomes.find(({ end }) => !end?.isUsable);
    const isComplete = outcomes.length > 0 && !lost;
    const links = outcomes.flatMap(({ end, link }) => (end?.isUsable && link ? [link] : []));
    if (isComplete) void this.#tellConnected(report);
    else this.#tell(false, report);
    if (!isComplete && !(this.#goesOn && links.length > 0)) {
      const cause = lost ? causeOf(lost, noLink) : "no-additions";
      this.#failSoon(new OrionError(cause, causes[cause], { report }));
      return;
    }
    this.#phase = "connected";
    if (this.#waiters > 0) this.#handOut();
    this.#result.resolve({ kind: "links", links });
    if (!isComplete) this.#options.wentOn(report);
    // With one guest alone there would be nobody to go on with.
    if (this.#options.session.isHost && links.length > 1) this.#waitForReports();
    this.#closeWhenDone();
  }

  /**
   * The last such report may end the lobby, and a lobby that is over names no servers for WebRTC. On a slow network
   * the relay is there before they are.
   */
  async #tellConnected(report: ConnectionReport): Promise<void> {
    await this.#options.iceServers.settled();
    if (this.#phase === "connected") this.#tell(true, report);
  }

  /** The links are there: whoever does not say so is left out, and the lobby is over for all others. */
  #waitForReports(): void {
    this.#reportTimer = setTimeout(() => {
      // Refused if it is over by now, or by a server that does not know this.
      proceed(this.#options.session).catch(() => {});
    }, reportPatienceMs);
  }

  #stopWaiting(): void {
    if (this.#reportTimer) clearTimeout(this.#reportTimer);
    this.#reportTimer = null;
  }

  #handOut(): void {
    for (const end of this.#ends.values()) this.#handedOut.add(end);
  }

  #release(udp: UdpSight<Raw>, told: Introduced[]): void {
    const { raw, close } = udp.release(told.map(({ peer }) => peer));
    this.#released = close;
    this.#phase = "connected";
    this.#result.resolve({ kind: "raw", raw });
  }

  /** This client cannot take part: it tells the server and the game at once. */
  #giveUp(cause: Cause | null, error: OrionError): void {
    if (this.#failure) return;
    this.#sayFailure(cause);
    this.#failSoon(this.#withReport(error, cause));
  }

  #sayFailure(cause: Cause | null): void {
    this.#tell(false, this.#reportOf(cause));
  }

  #reportOf(cause: Cause | null): ConnectionReport {
    return { cause, timeline: this.#timeline, peers: [] };
  }

  #withReport({ code, message, cause: reason }: OrionError, cause: Cause | null): OrionError {
    return new OrionError(code, message, { report: this.#reportOf(cause), cause: reason });
  }

  /** The game asks for the socket when the links have it already. */
  #missRaw(): void {
    if (this.#waiters > 0) throw ownError("not_raw");
    this.#giveUp("aborted", ownError("not_raw"));
  }

  /** Tells the server how it went. A plain Orion server knows success alone, and names no mediation. */
  #tell(isConnected: boolean, report: ConnectionReport): void {
    if (!isConnected && this.id === undefined) return;
    const method = `ptpMediation_peersConnection_${isConnected ? "success" : "failure"}`;
    this.#options.session.say(method, reportMessage(this.id, report));
  }

  #closeReleased(): void {
    this.#released?.();
    this.#released = null;
  }

  /** Once the server says so too, the host can start again. One of Orion's own does not. */
  #failSoon(error: OrionError): void {
    this.#failure = error;
    this.#failureTimer = setTimeout(() => this.#fail(error, () => "aborted"), abortPatienceMs);
  }

  #fail(error: OrionError, verdict: (end: LinkEnd) => Cause | null): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    if (this.#failureTimer) clearTimeout(this.#failureTimer);
    if (this.#unseenTimer) clearTimeout(this.#unseenTimer);
    this.#stopWaiting();
    this.#result.reject(error);
    this.#over.resolve();
    this.#end(verdict);
    this.#closeWhenDone();
  }

  /** Ends the links for which there is a verdict. */
  #end(verdict: (end: LinkEnd) => Cause | null): void {
    for (const end of this.#ends.values()) {
      const cause = verdict(end);
      if (cause !== null) void end.close(cause);
    }
  }

  /** The sockets are needed as long as there is a link. */
  #closeWhenDone(): void {
    const isWaiting = this.#phase === "gathering" || this.#phase === "connecting";
    if (isWaiting || this.#released || [...this.#ends.values()].some((end) => !end.isOver)) return;
    this.#renewals.stop();
    this.#forget();
    this.#gone.resolve();
    void this.#gathering?.close();
  }

  #note(what: string): void {
    if (this.#timeline.length >= mostLines) return;
    this.#timeline.push({ atMs: Math.round(performance.now() - this.#begunAt), what });
  }
}

function noUdpError(cause: NoUdp): OrionError {
  return new OrionError(cause, causes[cause]);
}

/** `noLink`: why, where there could be none. */
function reportOf(outcome: Outcome, noLink: Cause): PeerReport {
  const { peer, end } = outcome;
  const { path = null, rttMs = null, timeline = [] } = end?.report ?? {};
  const cause = path === null ? causeOf(outcome, noLink) : (end?.report.cause ?? null);
  return { clientId: peer.clientId, name: peer.name, path, rttMs, cause, timeline };
}

/** Why there is no link. */
function causeOf({ end, cause }: Outcome, noLink: Cause): Cause {
  if (!end) return cause ?? noLink;
  return end.report.cause ?? "aborted";
}
