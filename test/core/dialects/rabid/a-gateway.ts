/** A gateway of Rabid without sockets and without an edge: what it sends and asks for, and time that passes as told. */
import type { AdmissionLimits } from "../../../../core/dialects/limits.ts";
import type { RabidEffect, RabidEvent } from "../../../../core/dialects/rabid/event.ts";
import {
  newRabid,
  type Player,
  type RabidSession,
  type RabidState,
  type Source,
} from "../../../../core/dialects/rabid/state.ts";
import { step, wakeAt } from "../../../../core/dialects/rabid/step.ts";

/** Where a player is. Each number is another address of one /24. */
export function at(number: number, port = 40_000): Source {
  return { ip: `192.0.2.${number}`, port, via: 0 };
}

type Asked = Exclude<RabidEffect, { kind: "send" }>;
type Sent = { readonly at: number; readonly to: string; readonly text: string };

export class AGateway {
  now = 1_000;
  readonly state: RabidState;
  /** All that was sent, and when. */
  readonly sent: Sent[] = [];
  /** All that was asked of the edge. */
  readonly asked: Asked[] = [];

  constructor(limits?: AdmissionLimits) {
    this.state = newRabid(this.now, limits);
  }

  /** Time passes, and what is due is done. */
  wait(ms: number): void {
    const until = this.now + ms;
    for (let due = wakeAt(this.state); due <= until; due = wakeAt(this.state)) {
      this.now = Math.max(this.now, due);
      this.step({ kind: "deadline-passed" });
    }
    this.now = until;
  }

  step(event: RabidEvent): Asked[] {
    const effects = step(this.state, event, this.now);
    const asked = effects.filter((effect): effect is Asked => effect.kind !== "send");
    for (const effect of effects)
      if (effect.kind === "send") this.sent.push({ at: this.now, to: placeOf(effect.to), text: effect.text });
    this.asked.push(...asked);
    return asked;
  }

  /** A datagram comes. The texts that are sent at once, to whomever. */
  hear(from: Source, text: string | Uint8Array): string[] {
    const before = this.sent.length;
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    this.step({ kind: "datagram-received", from, bytes });
    return this.sent.slice(before).map((one) => one.text);
  }

  /** The same, after having sent so much that no answer is too long for it. */
  ask(from: Source, text: string): string[] {
    const { ip } = from;
    this.state.answers.heard(ip, 1_000, this.now);
    return this.hear(from, text);
  }

  /** Texts sent to that place. */
  sentTo(to: Source): string[] {
    return this.sent.filter((one) => one.to === placeOf(to)).map(({ text }) => text);
  }

  /** A player asks twice, half a second apart, and is let in with these members. */
  enter(from: Source, text: string, members: readonly string[]): Player {
    this.hear(from, text);
    this.wait(500);
    this.hear(from, text);
    const opened = this.asked.at(-1);
    if (opened?.kind !== "open") throw new Error(`${text} opens nothing`);
    this.step({ kind: "opened", player: opened.player, ...sessionOf(members, opened.name) });
    return this.player(opened.player);
  }

  /** Ann hosts the session `Room`, and so many others are in it. Each has just been heard three times, over a second. Player `i` is at `at(i + 1)`. */
  session(names: readonly string[] = ["Ann", "Bob"]): Player[] {
    const players = names.map((name, i) => {
      const text = i === 0 ? `h:Room:${name}:12` : `c:Room:${name}`;
      return this.enter(at(i + 1), text, names.slice(0, i + 1));
    });
    this.tellMembers(players, names);
    for (let round = 0; round < 3; round++) {
      this.wait(500);
      for (const player of players) this.hear(player.at, `p:Room:${player.name}`);
    }
    return players;
  }

  tellMembers(players: readonly Player[], names: readonly string[]): void {
    for (const { id, name } of players)
      this.step({ kind: "session-changed", player: id, ...sessionOf(names, name) });
  }

  /** The host says `s`, and the edge introduces all these. */
  start(players: readonly Player[]): void {
    const [host] = players;
    if (host) this.ask(host.at, `s:${host.session}:${host.name}`);
    for (const { id } of players) this.step({ kind: "endpoint-wanted", player: id, mediation: "m" });
    for (const player of players) this.introduce(player, players);
  }

  introduce(player: Player, players: readonly Player[]): void {
    const others = players.filter((other) => other !== player);
    const peers = others.map(({ name, at: { ip, port } }) => ({ name, ip, port }));
    this.step({ kind: "introduced", player: player.id, peers });
  }

  /** All of them ping every half second. */
  pingFor(ms: number, players: readonly Player[]): void {
    for (let passed = 0; passed < ms; passed += 500) {
      this.wait(500);
      for (const { at, session, name } of players) this.hear(at, `p:${session}:${name}`);
    }
  }

  player(id: number): Player {
    const player = this.state.players.get(id);
    if (!player) throw new Error(`there is no player ${id}`);
    return player;
  }
}

/** The session as the edge tells it to one of its members, the first of which is the host. */
export function sessionOf(names: readonly string[], self: string): RabidSession {
  return {
    members: names.map((name) => ({ name, clientId: `id-of-${name}` })),
    isHost: names[0] === self,
  };
}

function placeOf({ ip, port }: Source): string {
  return `${ip}:${port}`;
}
