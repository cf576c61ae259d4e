/** What noray's commands do: they register a player, and introduce it to another one, at this gateway or at another. */
import { randomBytes } from "node:crypto";
import { answer, type Failure, parseCommand } from "../../../core/dialects/noray/command.ts";
import { idBytes, idFrom } from "../../../core/dialects/noray/ids.ts";
import type { IntroductionBudget } from "../../../core/dialects/noray/introduction-budget.ts";
import { Registrar, type RegistrarVerdict } from "../../../core/dialects/noray/registrar.ts";
import { type Registration, Registrations } from "../../../core/dialects/noray/registrations.ts";
import type { NoraySettings } from "../../../core/dialects/noray/settings.ts";
import type { Endpoint } from "../../../core/endpoint.ts";
import type { Connection } from "./connections.ts";
import type { NorayCounts } from "./counts.ts";
import type { NorayRelay, RelaySockets } from "./relay-sockets.ts";

export type Player = Registration<Connection>;
export type Introduction = "connect" | "connect-relay";

/** Hosts whom other gateways know, and players who look for one. */
export type Elsewhere = {
  /** This player can be found from now on, by whoever asks another gateway. */
  announce(player: Player): void;
  /** It cannot any more. */
  withdraw(player: Player): void;
  /** Introduces this player to the one of that oid at another gateway. Says why not, or null when both have their lines. */
  introduce(player: Player, oid: string, how: Introduction): Promise<Failure | null>;
};

export type IntroductionsOptions = {
  ids: Pick<NoraySettings, "oid" | "pid">;
  sockets: RelaySockets;
  elsewhere: Elsewhere;
  /** Of hosts, by their guests' networks. */
  budget: IntroductionBudget;
  counts: NorayCounts;
  elapsed: () => number;
};

export class Introductions {
  readonly #options: IntroductionsOptions;
  readonly #registrations = new Registrations<Connection>();
  readonly #registrar: Registrar<Connection>;
  readonly #relays = new Map<Player, Promise<NorayRelay | null>>();

  constructor(options: IntroductionsOptions) {
    this.#options = options;
    this.#registrar = new Registrar(this.#registrations, options.sockets.own);
  }

  /** Players who have registered. */
  get players(): number {
    return this.#registrations.size;
  }

  /** A line came. */
  line(connection: Connection, line: string): void {
    const command = parseCommand(line);
    this.#options.counts.messages[command?.kind ?? "unknown"] += 1;
    switch (command?.kind) {
      case "register-host":
        this.#register(connection);
        break;
      case "echo":
        connection.say(answer.echo(command.data));
        break;
      case "connect":
      case "connect-relay":
        void this.#introduce(connection, command.oid, command.kind);
        break;
      default:
    }
  }

  /** A connection has ended. Its relays go on: some clients leave when they are connected. */
  closed(connection: Connection): void {
    const player = this.#registrations.leave(connection);
    if (!player) return;
    this.#relays.delete(player);
    this.#options.elsewhere.withdraw(player);
  }

  /** A datagram came to the registrar. Returns what to send back, or null for nothing. */
  datagram(bytes: Buffer, from: Endpoint): string | null {
    const heard = this.#registrar.hear(bytes.toString("latin1"), from, this.#options.elapsed());
    this.#options.counts.messages[`registrar_${heard.verdict}`] += 1;
    const player = heard.registration;
    if (player && isNews(heard.verdict)) {
      if (heard.verdict === "registered") this.#options.elsewhere.announce(player);
      const { sockets, elapsed } = this.#options;
      void this.#relays.get(player)?.then((relay) => {
        if (relay && player.endpoint) sockets.relays.moveOwner(relay, player.endpoint, elapsed());
      });
    }
    return heard.answer;
  }

  #register(connection: Connection): void {
    const drawn = () => ({ oid: drawnId(this.#options.ids.oid), pid: drawnId(this.#options.ids.pid) });
    const player = this.#registrations.register(connection, drawn, this.#options.elapsed());
    if (!player) {
      this.#options.counts.drops.not_now += 1;
      return;
    }
    connection.keep();
    connection.say(answer.oid(player.oid));
    connection.say(answer.pid(player.pid));
  }

  async #introduce(connection: Connection, oid: string, how: Introduction): Promise<void> {
    const caller = this.#registrations.ofOwner(connection);
    const failure = await this.#met(caller, oid, how);
    if (failure === null) return;
    this.#options.counts.drops[failure] += 1;
    connection.say(answer.failure(how, failure));
  }

  async #met(caller: Player | undefined, oid: string, how: Introduction): Promise<Failure | null> {
    if (!caller) return "not_registered";
    if (!caller.endpoint) return "no_address";
    const host = this.#registrations.ofOid(oid);
    if (!host) return await this.#options.elsewhere.introduce(caller, oid, how);
    if (!host.endpoint) return "host_has_no_address";
    // Each makes the host send to the caller, whoever has asked.
    const { budget, elapsed } = this.#options;
    if (!budget.take(host, caller.owner.address, elapsed())) return "not_now";
    if (how === "connect") {
      caller.owner.say(answer.connect(host.endpoint));
      host.owner.say(answer.connect(caller.endpoint));
      return null;
    }
    const [ofHost, ofCaller] = await Promise.all([this.#relayOf(host), this.#relayOf(caller)]);
    if (!ofHost || !ofCaller) return "no_relay";
    if (!this.#options.sockets.relays.pair(ofCaller, ofHost, this.#options.elapsed())) return "not_now";
    caller.owner.say(answer.relay(ofHost.port));
    host.owner.say(answer.relay(ofCaller.port));
    return null;
  }

  /** The player's own relay: a new one if it has none that is good. */
  async #relayOf(player: Player): Promise<NorayRelay | null> {
    const known = this.#relays.get(player);
    const relay = await known;
    if (relay && this.#options.sockets.relays.isGood(relay, this.#options.elapsed())) return relay;
    const newest = this.#relays.get(player);
    // Another introduction has begun to make one meanwhile.
    if (newest !== known && newest) return await newest;
    if (!player.endpoint) return null;
    const made = this.#options.sockets.open(player.endpoint, player.owner.address);
    if (this.#registrations.ofOid(player.oid) === player) this.#relays.set(player, made);
    return await made;
  }
}

function isNews(verdict: RegistrarVerdict): boolean {
  return verdict === "registered" || verdict === "moved";
}

function drawnId(shape: NoraySettings["oid"]): string {
  return idFrom(shape, randomBytes(idBytes(shape)));
}
