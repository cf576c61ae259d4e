/** One run of being seen by the server, introduced to the peers, and connected to them. */
import { createSecretKey, randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import { type Cause, causes } from "../../core/link/cause.ts";
import type { Heard } from "../../core/wire/heard-message.ts";
import { linkNumber, linkOf } from "../../core/wire/peer-packet.ts";
import { readSealed } from "../../core/wire/sealed.ts";
import { OrionError, ownError } from "../error.ts";
import { abortable } from "../patience.ts";
import type { Peer, RawConnection } from "../peer.ts";
import type { ConnectionReport, PeerReport, TimelineEntry } from "../report.ts";
import type { Seat } from "../seat.ts";
import { candidatesOf, ownAddresses, resolveHost } from "./addresses.ts";
import { type Introduced, peersOf } from "./introduced.ts";
import { Link } from "./link.ts";
import { LinkEnd } from "./link-end.ts";
import { Probe } from "./probe.ts";
import { RelayEnd } from "./relay-end.ts";
import { reportMessage } from "./report-message.ts";
import { Turns } from "./turns.ts";
import { UdpSockets } from "./udp-sockets.ts";

/** What a mediation comes to. */
export type Connection = { kind: "links"; links: Link[] } | { kind: "raw"; raw: RawConnection };

export type MediationOptions = {
  seat: Seat;
  server: URL;
  /** Whether this client is content with some of its links. */
  goesOn: boolean;
  /** Whether somebody who waits has a UDP stack of its own. */
  wantsRaw: () => boolean;
  introduced: (peers: Peer[]) => void;
  /** A link is usable. Whether anybody took it. */
  linked: (link: Link) => boolean;
};

type Introduction = Heard<"ptpMediation_peersConnection_start">;
/** A peer, and our end of the link to it, if there could be one. */
type Outcome = { peer: Peer; end: LinkEnd | null };

/** Milliseconds that the server has to say that a mediation is over which has failed from here. */
const abortPatienceMs = 2_000;
/** Lines of what happened before the introduction. */
const mostLines = 40;

export class Mediation {
  readonly #options: MediationOptions;
  readonly #opening: Promise<UdpSockets>;
  readonly #probe: Promise<Probe>;
  readonly #own = ownAddresses();
  readonly #turns = new Turns<LinkEnd>();
  readonly #ends = new Map<number, LinkEnd>();
  readonly #handedOut = new Set<LinkEnd>();
  readonly #addresses = new Map<string, Promise<string | null>>();
  readonly #timeline: TimelineEntry[] = [];
  readonly #begunAt = performance.now();
  readonly #result: Promise<Connection>;
  #phase: "gathering" | "connecting" | "connected" | "over" = "gathering";
  #sidecar: Endpoint | null = null;
  /** Why it has failed from here: the server knows, and is about to say that it is over. */
  #failure: OrionError | null = null;
  #failureTimer: ReturnType<typeof setTimeout> | null = null;
  #waiters = 0;
  #isReleased = false;
  #resolve: (connection: Connection) => void = () => {};
  #reject: (error: OrionError) => void = () => {};

  constructor(options: MediationOptions) {
    this.#options = options;
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#result.catch(() => {});
    this.#opening = UdpSockets.open((...arrival) => this.#receive(...arrival));
    this.#probe = this.#opening.then((sockets) => this.#startProbe(sockets));
    this.#probe.catch((error: unknown) => {
      this.#giveUp("udp-blocked", error instanceof OrionError ? error : ownError("no_socket", error));
    });
  }

  /** Whether it came to nothing. */
  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** What it comes to. Whoever waits takes the links. Throws why it came to nothing, or `not_raw`. */
  async wait(raw: boolean, signal?: AbortSignal): Promise<Connection> {
    this.#waiters += 1;
    try {
      const connection = await abortable(this.#result, signal);
      if ((connection.kind === "raw") !== raw) throw ownError("not_raw");
      for (const end of this.#ends.values()) this.#handedOut.add(end);
      return connection;
    } finally {
      this.#waiters -= 1;
    }
  }

  /** The server asks to see us. */
  async ask({
    port,
    ports,
    host = this.#options.server.hostname,
  }: Heard<"ptpMediation_send">): Promise<void> {
    const probe = await this.#probe.catch(() => null);
    const ip = await this.#addressOf(host);
    if (!probe || this.#phase !== "gathering" || this.#failure) return;
    if (ip === null) return this.#note(`${host} cannot be found`);
    this.#sidecar = { ip, port };
    if (ports) probe.ask(ip, ports);
    else probe.askPlainly({ ip, port });
  }

  /** The server tells who the peers are. */
  async introduce({ peers, you }: Introduction): Promise<void> {
    const [sockets, probe] = await Promise.all([this.#opening, this.#probe]).catch(() => []);
    if (!sockets || !probe || this.#phase !== "gathering" || this.#failure) return;
    this.#phase = "connecting";
    probe.stop();
    const { seat, introduced, wantsRaw } = this.#options;
    const isHost = seat.host === seat.self;
    const expected = isHost ? seat.members.filter((name) => name !== seat.self) : [seat.host];
    const told = peersOf(peers, expected);
    introduced(told.map(({ peer }) => peer));
    if (wantsRaw()) return this.#release(sockets, told);
    const outcomes = await Promise.all(told.map((each) => this.#connect(sockets, each, you, probe.cookie)));
    this.#conclude(outcomes);
  }

  /** A member has left: there is nobody to be connected to. */
  lose(name: string): void {
    for (const end of this.#ends.values()) {
      if (end.peer.name === name && !end.isUsable) void end.close("peer-left");
    }
  }

  /** It failed, by the server's word: whatever came about ends, the group is not connected. */
  abort(error: OrionError): void {
    this.#fail(this.#failure ?? error, () => "aborted");
  }

  /** The lobby is over. Links that were handed out live on, and all of them if all came about. */
  detach(error: OrionError): void {
    if (this.#phase === "connected") return;
    this.#fail(this.#failure ?? error, (end) =>
      end.isUsable && this.#handedOut.has(end) ? null : "aborted",
    );
  }

  /** Nobody will ask any more: what nobody has taken ends. */
  drop(): void {
    this.#end((end) => (this.#handedOut.has(end) ? null : "aborted"));
  }

  async #startProbe(sockets: UdpSockets): Promise<Probe> {
    const { seat } = this.#options;
    const { v4Port, v6Port } = sockets;
    return new Probe({
      token: seat.token(),
      candidates: candidatesOf(this.#own, v4Port, v6Port),
      send: (datagram, to) => sockets.send(datagram, socketTo(to), to),
      note: (what) => this.#note(what),
      blocked: () => this.#giveUp("udp-blocked", new OrionError("udp-blocked", causes["udp-blocked"])),
    });
  }

  #receive(bytes: Uint8Array, local: "v4" | "v6" | number, remote: Endpoint): void {
    const number = linkOf(bytes);
    if (number !== null) this.#ends.get(number)?.receive(bytes, local, remote);
    const sealed = number === null ? readSealed(bytes) : null;
    if (!sealed) return;
    if (sealed.method === "ptpMediation_seen") void this.#probe.then((probe) => probe.hear(sealed));
    else if (sealed.method.startsWith("ptpRelay_")) {
      for (const end of this.#ends.values()) end.hearRelay(sealed);
    }
  }

  #addressOf(host: string): Promise<string | null> {
    const address = this.#addresses.get(host) ?? resolveHost(host);
    this.#addresses.set(host, address);
    return address;
  }

  /** Looks for a path to one peer until there is one, or none. */
  async #connect(
    sockets: UdpSockets,
    { peer, told }: Introduced,
    you: Introduction["you"],
    cookie: string | undefined,
  ): Promise<Outcome> {
    if (!("link" in told) || !told.link || !this.#sidecar) return { peer, end: null };
    const { id, key, side } = told.link;
    const relay = await this.#relayOf(sockets, told, id, cookie);
    if (this.isOver) return { peer, end: null };
    const end = new LinkEnd({
      peer,
      number: linkNumber(id),
      key: createSecretKey(key, "base64url"),
      sockets,
      relay,
      turns: this.#turns,
      config: {
        side,
        seed: randomBytes(4).readUInt32LE(),
        you: you ? { endpoint: { ip: you.ip, port: you.port }, mapping: you.mapping } : null,
        peer,
        own: this.#own,
        ownPorts: [sockets.v4Port, sockets.v6Port].filter((port) => port !== null),
        sidecar: relay?.endpoint ?? this.#sidecar,
        relay: relay !== null,
        relayOnly: peer.endpoint === null,
        hasV6: sockets.v6Port !== null,
      },
    });
    this.#ends.set(linkNumber(id), end);
    void end.over.then(() => this.#closeWhenDone());
    end.open();
    await end.decided;
    if (end.isUsable && this.#options.linked(new Link(end))) this.#handedOut.add(end);
    return { peer, end };
  }

  async #relayOf(
    sockets: UdpSockets,
    told: Introduced["told"],
    link: string,
    cookie: string | undefined,
  ): Promise<RelayEnd | null> {
    if (!("relay" in told) || !told.relay) return null;
    const { host = this.#options.server.hostname, port, ticket, key } = told.relay;
    const ip = await this.#addressOf(host);
    if (ip === null) return null;
    const endpoint = { ip, port };
    return new RelayEnd({ ticket, key, link, endpoint }, cookie, (datagram) =>
      sockets.send(datagram, socketTo(endpoint), endpoint),
    );
  }

  #conclude(outcomes: Outcome[]): void {
    if (this.#phase !== "connecting") return;
    const { seat, goesOn } = this.#options;
    const report = { cause: null, timeline: this.#timeline, peers: outcomes.map(reportOf) };
    const lost = outcomes.find(({ end }) => !end?.isUsable);
    const isComplete = outcomes.length > 0 && !lost;
    const links = outcomes.flatMap(({ end }) => (end?.isUsable ? [new Link(end)] : []));
    seat.say(`ptpMediation_peersConnection_${isComplete ? "success" : "failure"}`, reportMessage(report));
    if (!isComplete && !(goesOn && links.length > 0)) {
      const cause = lost ? causeOf(lost) : "no-additions";
      this.#failSoon(new OrionError(cause, causes[cause], { report }));
      return;
    }
    this.#phase = "connected";
    if (this.#waiters > 0) for (const end of this.#ends.values()) this.#handedOut.add(end);
    this.#resolve({ kind: "links", links });
    this.#closeWhenDone();
  }

  #release(sockets: UdpSockets, told: Introduced[]): void {
    this.#phase = "connected";
    try {
      const { ip = "" } = this.#sidecar ?? {};
      this.#isReleased = true;
      this.#resolve({
        kind: "raw",
        raw: { socket: sockets.release(ip), peers: told.map(({ peer }) => peer) },
      });
    } catch (error) {
      this.#fail(error instanceof OrionError ? error : ownError("no_socket", error), () => "aborted");
    }
  }

  /** Nothing gets out from here: the server and the game are told so. */
  #giveUp(cause: Cause, error: OrionError): void {
    if (this.#phase !== "gathering" || this.#failure) return;
    const report: ConnectionReport = { cause, timeline: this.#timeline, peers: [] };
    this.#options.seat.say("ptpMediation_peersConnection_failure", reportMessage(report));
    this.#failSoon(new OrionError(error.code, error.message, { report, cause: error.cause }));
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
    this.#probe.then((probe) => probe.stop()).catch(() => {});
    this.#reject(error);
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
    if (isWaiting || this.#isReleased || [...this.#ends.values()].some((end) => !end.isOver)) return;
    void this.#opening.then((sockets) => sockets.close()).catch(() => {});
  }

  #note(what: string): void {
    if (this.#timeline.length >= mostLines) return;
    this.#timeline.push({ atMs: Math.round(performance.now() - this.#begunAt), what });
  }
}

function reportOf(outcome: Outcome): PeerReport {
  const { peer, end } = outcome;
  const { path = null, rttMs = null, timeline = [] } = end?.report ?? {};
  const cause = path === null ? causeOf(outcome) : (end?.report.cause ?? null);
  return { clientId: peer.clientId, name: peer.name, path, rttMs, cause, timeline };
}

/** Why there is no link. */
function causeOf({ end }: Outcome): Cause {
  if (!end) return "no-additions";
  return end.report.cause ?? "aborted";
}

function socketTo({ ip }: Endpoint): "v4" | "v6" {
  return ip.includes(":") ? "v6" : "v4";
}
