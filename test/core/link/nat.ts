/** NATs as RFC 4787 describes them: how a mapping is chosen, and what it lets in. */
import type { Endpoint } from "../../../core/endpoint.ts";
import type { Clock, Packet, Segment } from "./network.ts";

export type NatKind = {
  /** Which packets of one socket share a mapping: all, or those for one destination; and how its port is chosen. */
  mapping: "independent" | "random" | "counting";
  /** Who may send to it: anyone, whoever's address it was sent to, only who it was sent to. */
  filtering: "open" | "address" | "port";
  /** Whether those inside reach each other by the address outside. */
  hairpin: boolean;
};

/** By the names that players' routers go by. */
export const nats = {
  "full cone": { mapping: "independent", filtering: "open", hairpin: true },
  "address-restricted": { mapping: "independent", filtering: "address", hairpin: false },
  "port-restricted": { mapping: "independent", filtering: "port", hairpin: false },
  symmetric: { mapping: "random", filtering: "port", hairpin: false },
  "symmetric, counting": { mapping: "counting", filtering: "port", hairpin: false },
} as const satisfies Record<string, NatKind>;

type Mapping = { inner: Endpoint; outer: Endpoint; sentTo: Set<string>; usedAt: number };

/** Milliseconds without a packet from inside after which a mapping is forgotten: as short as routers have it. */
const mappingLifeMs = 30_000;

export class Nat<Body> {
  readonly kind: NatKind;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #inside: Segment<Body>;
  readonly #outside: Segment<Body>;
  readonly #ip: string;
  readonly #byKey = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();
  #nextPort: number;

  constructor(
    clock: Clock,
    random: () => number,
    kind: NatKind,
    sides: { inside: Segment<Body>; outside: Segment<Body>; ip: string },
  ) {
    this.kind = kind;
    this.#clock = clock;
    this.#random = random;
    this.#inside = sides.inside;
    this.#outside = sides.outside;
    this.#ip = sides.ip;
    this.#nextPort = 1024 + Math.floor(random() * 60_000);
    sides.inside.gateway = this;
    sides.outside.devices.set(sides.ip, this);
  }

  /** From inside. */
  send(packet: Packet<Body>): void {
    const { from, to, body } = packet;
    const mapping = this.#mappingFor(from, to);
    mapping.sentTo.add(to.ip).add(`${to.ip} ${to.port}`);
    const outer = { from: mapping.outer, to, body };
    if (to.ip !== this.#ip) this.#outside.send(outer);
    else if (this.kind.hairpin) this.receive(outer);
  }

  /** From outside. */
  receive({ from, to, body }: Packet<Body>): void {
    const mapping = this.#byPort.get(to.port);
    if (!mapping || this.#clock.now - mapping.usedAt > mappingLifeMs) return;
    const { filtering } = this.kind;
    const key = filtering === "address" ? from.ip : `${from.ip} ${from.port}`;
    if (filtering === "open" || mapping.sentTo.has(key)) {
      this.#inside.send({ from, to: mapping.inner, body });
    }
  }

  /** As after a power cut. */
  forget(): void {
    this.#byKey.clear();
    this.#byPort.clear();
  }

  #mappingFor(inner: Endpoint, to: Endpoint): Mapping {
    const source = `${inner.ip} ${inner.port}`;
    const key = this.kind.mapping === "independent" ? source : `${source} ${to.ip} ${to.port}`;
    const known = this.#byKey.get(key);
    if (known && this.#clock.now - known.usedAt <= mappingLifeMs) {
      known.usedAt = this.#clock.now;
      return known;
    }
    const port = this.#choosePort();
    const mapping = {
      inner,
      outer: { ip: this.#ip, port },
      sentTo: new Set<string>(),
      usedAt: this.#clock.now,
    };
    this.#byKey.set(key, mapping);
    this.#byPort.set(port, mapping);
    return mapping;
  }

  #choosePort(): number {
    for (;;) {
      if (this.kind.mapping === "counting") this.#nextPort = Math.max(1024, (this.#nextPort + 1) % 65_536);
      else this.#nextPort = 1024 + Math.floor(this.#random() * 64_512);
      const holder = this.#byPort.get(this.#nextPort);
      if (!holder || this.#clock.now - holder.usedAt > mappingLifeMs) return this.#nextPort;
    }
  }
}
