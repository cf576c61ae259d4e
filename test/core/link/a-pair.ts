/** Two players, each behind something, and a sidecar: the state machine at both ends, run over a computed network. */
import type { Endpoint } from "../../../core/endpoint.ts";
import type { LinkConfig } from "../../../core/link/config.ts";
import type { LinkEffect } from "../../../core/link/effect.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import {
  type ChannelName,
  channelEnd,
  isChannel,
  type LocalSocket,
  type Path,
} from "../../../core/link/path.ts";
import { type LinkState, pathInUse } from "../../../core/link/state.ts";
import { openLink, step, wakeAt } from "../../../core/link/step.ts";
import { mappingOf } from "../../../core/mapping.ts";
import type { RelayCode, Side } from "../../../core/relay/ticket.ts";
import { skipAfter } from "./a-link.ts";
import { Nat, type NatKind, nats } from "./nat.ts";
import { Clock, chance, fairWeather, Host, type Packet, Segment, type Weather } from "./network.ts";

/** What is in a datagram, here. */
export type Body =
  | { kind: "check" | "answer" | "farewell"; side: Side; number: number }
  | { kind: "data" }
  | { kind: "probe"; side: Side }
  | { kind: "bind"; side: Side }
  | { kind: "bound"; peer: boolean }
  | { kind: "refused"; code: RelayCode };

/** What a player is behind. */
export type Place = keyof typeof nats | "nothing" | "carrier" | "carrier, symmetric";
export const places: readonly Place[] = [
  "nothing",
  "full cone",
  "address-restricted",
  "port-restricted",
  "symmetric",
  "symmetric, counting",
  "carrier",
  "carrier, symmetric",
];

const sidecarPort = 5990;
const mainPort = 40_000;
const firstExtraPort = 50_000;
/** When the links open: by then the sidecar has seen both. */
const openAt = 1_000;

type Setting = {
  a: Place;
  b: Place;
  seed: number;
  weather?: Partial<Weather>;
  /** Both in one network, behind what `a` is behind. */
  sharedNetwork?: boolean;
  relay?: boolean;
  relayOnly?: boolean;
  relayDown?: boolean;
  /** Milliseconds by which `b` opens its link later. */
  lateMs?: number;
  /** Whether the players say their local addresses. */
  claims?: boolean;
  /** Whether there is a relay over WebSocket. */
  webSocket?: boolean;
  /** Who has no UDP. */
  noUdp?: readonly Side[];
};

/** The model of a sidecar: sees, binds, passes on. */
class Sidecar {
  readonly host: Host<Body>;
  readonly endpoint: Endpoint;
  readonly seen: Record<Side, (Endpoint | undefined)[]> = { a: [], b: [] };
  down = false;
  refusal: RelayCode | null = null;
  #bound: Partial<Record<Side, Endpoint>> = {};

  constructor(internet: Segment<Body>) {
    this.host = new Host(internet, "198.51.100.7");
    this.endpoint = { ip: this.host.ip, port: sidecarPort };
    for (const index of [0, 1]) {
      this.host.open(sidecarPort + index, ({ from, body }) => {
        if (body.kind === "probe") this.seen[body.side][index] = from;
        else if (!this.down && index === 0) this.#relay(from, body);
      });
    }
  }

  /** Stops and starts: who was bound is forgotten. */
  restart(): void {
    this.#bound = {};
  }

  #relay(from: Endpoint, body: Body): void {
    if (body.kind === "bind") {
      const { refusal } = this;
      if (!refusal) this.#bound[body.side] = from;
      const peer = this.#bound[body.side === "a" ? "b" : "a"] !== undefined;
      this.host.send(
        sidecarPort,
        from,
        refusal ? { kind: "refused", code: refusal } : { kind: "bound", peer },
      );
      return;
    }
    for (const [side, other] of [["a", "b"] as const, ["b", "a"] as const]) {
      const [here, there] = [this.#bound[side], this.#bound[other]];
      if (here?.ip === from.ip && here.port === from.port && there) this.host.send(sidecarPort, there, body);
    }
  }
}

/** Milliseconds one way between a player and the relay over WebSocket. */
const webSocketMs = 20;

/** The model of a relay over WebSocket: a connection of each player's, in order and without loss while it lasts. */
export class WebSocketRelay {
  readonly #clock: Clock;
  /** Who is connected, by which connection: another one has another number. */
  readonly #connected = new Map<Player, number>();
  #count = 0;
  /** Whose packets are lost both ways without a word: their address has changed. */
  readonly silent = new Set<number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A player opens a connection, perhaps in place of another: after a round trip it is bound. */
  connect(player: Player): void {
    const number = ++this.#count;
    this.#clock.at(this.#clock.now + 2 * webSocketMs, () => {
      this.#connected.set(player, number);
      if (this.#connected.size < 2) return;
      for (const each of this.#connected.keys())
        each.take({ kind: "channel-opened", local: "ws", path: "websocket" });
    });
  }

  /** The relay ends, and starts again: nobody is connected. */
  restart(): void {
    for (const player of [...this.#connected.keys()]) this.drop(player);
  }

  /** A player's connection breaks. */
  drop(player: Player): void {
    for (const each of this.#connected.keys()) each.take({ kind: "channel-closed", local: "ws", code: null });
    this.#connected.delete(player);
  }

  /** Nothing gets through a player's connection any more, and nobody is told. */
  mute(player: Player): void {
    const number = this.#connected.get(player);
    if (number !== undefined) this.silent.add(number);
  }

  send(from: Player, body: Body): void {
    const number = this.#connected.get(from);
    const [to] = [...this.#connected.keys()].filter((player) => player !== from);
    if (number === undefined || !to || this.silent.has(number)) return;
    const theirs = this.#connected.get(to) ?? 0;
    this.#clock.at(this.#clock.now + 2 * webSocketMs, () => {
      if (this.#connected.get(to) === theirs && !this.silent.has(theirs)) to.hearChannel("ws", body);
    });
  }
}

/** One player's program: what the SDK's shell does, with computed sockets. */
export class Player {
  readonly side: Side;
  readonly host: Host<Body>;
  readonly effects: { at: number; effect: LinkEffect }[] = [];
  readonly paths: { at: number; path: Path }[] = [];
  /** Packets of the game that came. */
  heard = 0;
  state: LinkState | null = null;
  /** How often it was asked for another socket for a channel. */
  reopened = 0;
  readonly #clock: Clock;
  readonly #sidecar: Endpoint;
  readonly #webSocket: WebSocketRelay;
  #wakes = 0;
  #extraPorts: number[] = [];

  constructor(clock: Clock, side: Side, host: Host<Body>, sidecar: Endpoint, webSocket: WebSocketRelay) {
    this.#webSocket = webSocket;
    this.side = side;
    this.host = host;
    this.#clock = clock;
    this.#sidecar = sidecar;
    host.open(mainPort, (packet) => this.#receive("v4", packet));
  }

  /** Asks the sidecar where it is seen. */
  probe(): void {
    for (const port of [sidecarPort, sidecarPort + 1]) {
      this.host.send(mainPort, { ip: this.#sidecar.ip, port }, { kind: "probe", side: this.side });
    }
  }

  open(config: LinkConfig): void {
    const { state, effects } = openLink(config, this.#clock.now);
    this.#go(state, effects);
    if (config.channels.includes("ws")) this.#webSocket.connect(this);
  }

  /** A packet came by a channel. */
  hearChannel(local: ChannelName, body: Body): void {
    this.#receive(local, { from: channelEnd, to: channelEnd, body });
  }

  take(event: LinkEvent): void {
    if (!this.state) return;
    const { state, effects } = step(this.state, event, this.#clock.now);
    this.#go(state, effects);
  }

  /** Sends a packet of the game the way it goes now. */
  play(): void {
    const path = this.state && pathInUse(this.state);
    if (path) this.#send(path.local, path.remote, { kind: "data" });
  }

  get kind(): Path["kind"] | null {
    return (this.state && pathInUse(this.state)?.kind) ?? null;
  }

  /** Milliseconds from the opening of the link to the first effect that it judges true; infinity for none. */
  when(judge: (effect: LinkEffect) => boolean): number {
    return (this.effects.find(({ effect }) => judge(effect))?.at ?? Number.POSITIVE_INFINITY) - openAt;
  }

  get end(): Extract<LinkEffect, { kind: "end" }> | undefined {
    return this.effects.map(({ effect }) => effect).find((effect) => effect.kind === "end");
  }

  get settled(): Extract<LinkEffect, { kind: "settle" }> | undefined {
    return this.effects.map(({ effect }) => effect).find((effect) => effect.kind === "settle");
  }

  sent(judge: (effect: Extract<LinkEffect, { kind: "send" }>) => boolean): number {
    return this.effects.filter(({ effect }) => effect.kind === "send" && judge(effect)).length;
  }

  #go(state: LinkState, effects: readonly LinkEffect[]): void {
    if (state === this.state) return;
    this.state = state;
    for (const effect of effects) this.#do(effect);
    const wake = wakeAt(state);
    const turn = ++this.#wakes;
    if (wake <= this.#clock.now) throw new Error(`a deadline is left over at ${this.#clock.now}`);
    if (!Number.isFinite(wake)) return;
    // As timers do: a little late, never early.
    this.#clock.at(wake + 1, () => turn === this.#wakes && this.take({ kind: "deadline-passed" }));
  }

  #do(effect: LinkEffect): void {
    const { now } = this.#clock;
    this.effects.push({ at: now, effect });
    switch (effect.kind) {
      case "send": {
        const { packet, number, local, remote } = effect;
        this.#send(local, remote, { kind: packet, side: this.side, number });
        return;
      }
      case "reopen-channel":
        this.reopened += 1;
        this.#webSocket.connect(this);
        return;
      case "bind-relay":
        this.host.send(mainPort, this.#sidecar, { kind: "bind", side: this.side });
        return;
      case "ask-turn":
        this.#soon({ kind: "turn-given" });
        return;
      case "open-sockets":
        this.#extraPorts = Array.from({ length: effect.count }, (_, i) => firstExtraPort + i);
        for (const [i, port] of this.#extraPorts.entries()) {
          this.host.open(port, (packet) => this.#receive(i, packet));
        }
        this.#soon({ kind: "sockets-opened", count: effect.count });
        return;
      case "close-sockets":
        for (const [i, port] of this.#extraPorts.entries()) if (i !== effect.keep) this.host.close(port);
        return;
      case "use-path":
        this.paths.push({ at: now, path: effect.path });
        return;
      case "end-turn":
      case "settle":
      case "end":
      case "note":
        return;
    }
  }

  #soon(event: LinkEvent): void {
    this.#clock.at(this.#clock.now + 1, () => this.take(event));
  }

  #receive(local: LocalSocket, { from: remote, body }: Packet<Body>): void {
    switch (body.kind) {
      case "bound":
        this.take({ kind: "relay-bound", peer: body.peer });
        return;
      case "refused":
        this.take({ kind: "relay-refused", code: body.code });
        return;
      case "data":
        this.heard += 1;
        this.take({ kind: "data-received", local, remote });
        return;
      case "check":
      case "answer":
      case "farewell":
        if (body.side !== this.side)
          this.take({ kind: `${body.kind}-received`, number: body.number, local, remote });
        return;
      case "probe":
      case "bind":
        return;
    }
  }

  #send(local: LocalSocket, remote: Endpoint, body: Body): void {
    if (isChannel(local)) this.#webSocket.send(this, body);
    else this.host.send(this.#portOf(local), remote, body);
  }

  #portOf(local: LocalSocket): number {
    return typeof local === "number" ? (this.#extraPorts[local] ?? -1) : mainPort;
  }
}

export class Pair {
  readonly clock = new Clock();
  readonly internet: Segment<Body>;
  readonly sidecar: Sidecar;
  readonly webSocket: WebSocketRelay;
  readonly a: Player;
  readonly b: Player;
  readonly nats: Nat<Body>[] = [];
  readonly #random: () => number;

  constructor(setting: Setting) {
    const { seed, relay = true, relayOnly = false, claims = true, webSocket = false, noUdp = [] } = setting;
    this.#random = chance(seed);
    this.internet = new Segment<Body>(this.clock, this.#random, fairWeather);
    this.sidecar = new Sidecar(this.internet);
    this.webSocket = new WebSocketRelay(this.clock);
    const network = this.#networkBehind(setting.a, 1);
    const other = setting.sharedNetwork ? network : this.#networkBehind(setting.b, 2);
    this.a = this.#player("a", network, setting.a === "nothing" ? "203.0.113.11" : "192.168.1.10");
    const address = setting.b === "nothing" ? "192.0.2.12" : "192.168.2.10";
    this.b = this.#player("b", other, setting.sharedNetwork ? "192.168.1.11" : address);
    this.clock.at(10, () => {
      this.a.probe();
      this.b.probe();
    });
    this.clock.runUntil(openAt - 1);
    this.internet.weather = { ...fairWeather, ...setting.weather };
    this.sidecar.down = setting.relayDown ?? false;

    for (const [player, peer] of [[this.a, this.b] as const, [this.b, this.a] as const]) {
      const config: LinkConfig = {
        side: player.side,
        seed: Math.floor(this.#random() * 2 ** 32),
        skipAfter,
        you: noUdp.includes(player.side) ? null : this.#seenOf(player.side),
        peer: {
          endpoint: null,
          proven: true,
          ports: [],
          ...(relayOnly || noUdp.includes(peer.side) ? { mapping: "unknown" } : this.#seenOf(peer.side)),
          candidates:
            claims && !relayOnly && !noUdp.includes(peer.side) ? [{ ip: peer.host.ip, port: mainPort }] : [],
        },
        own: [{ address: player.host.ip, prefixLength: 24 }],
        ownPorts: [mainPort],
        noUdp: noUdp.includes(player.side) ? "no-udp" : null,
        sidecar: noUdp.includes(player.side) ? null : this.sidecar.endpoint,
        relay: relay && noUdp.length === 0,
        channels: webSocket ? ["ws"] : [],
        relayOnly,
        hasV6: false,
      };
      this.clock.at(openAt + (player.side === "b" ? (setting.lateMs ?? 0) : 0), () => player.open(config));
    }
  }

  /** Until so many milliseconds after the links were opened. */
  run(ms: number, isEnough?: () => boolean): this {
    this.clock.runUntil(openAt + ms, isEnough);
    return this;
  }

  /** Until neither looks for anything better. */
  runUntilSettled(): this {
    const isDone = ({ settled, end }: Player) => settled !== undefined || end !== undefined;
    return this.run(60_000, () => isDone(this.a) && isDone(this.b));
  }

  /** Milliseconds since the links were opened. */
  get ms(): number {
    return this.clock.now - openAt;
  }

  get kinds(): string {
    return `${this.a.kind}, ${this.b.kind}`;
  }

  #seenOf(side: Side) {
    const [endpoint, second] = this.sidecar.seen[side];
    if (!endpoint) throw new Error("the sidecar has not seen a player");
    const ports = second ? [endpoint.port, second.port] : [endpoint.port];
    return { endpoint, ports, mapping: mappingOf({ endpoint, second }) };
  }

  #player(side: Side, network: Segment<Body>, ip: string): Player {
    return new Player(this.clock, side, new Host(network, ip), this.sidecar.endpoint, this.webSocket);
  }

  #networkBehind(place: Place, number: number): Segment<Body> {
    switch (place) {
      case "nothing":
        return this.internet;
      case "carrier":
        return this.#behind(
          nats["port-restricted"],
          this.#behindCarrier(nats["port-restricted"], number),
          `100.64.0.${number}`,
        );
      case "carrier, symmetric":
        return this.#behind(
          nats["port-restricted"],
          this.#behindCarrier(nats.symmetric, number),
          `100.64.0.${number}`,
        );
      default:
        return this.#behind(nats[place], this.internet, `203.0.113.${100 + number}`);
    }
  }

  #behindCarrier(kind: NatKind, number: number): Segment<Body> {
    return this.#behind(kind, this.internet, `203.0.113.${200 + number}`);
  }

  #behind(kind: NatKind, outside: Segment<Body>, ip: string): Segment<Body> {
    const inside = new Segment<Body>(this.clock, this.#random, {
      delayMs: 1,
      jitterMs: 0,
      loss: 0,
      doubled: 0,
    });
    this.nats.push(new Nat(this.clock, this.#random, kind, { inside, outside, ip }));
    return inside;
  }
}
