/** Does what the lobby's state machine wants done, in its order. A later effect never overtakes an earlier one. */
import type { Asking, Effect, Introduction } from "../../core/lobby/effect.ts";
import { type Member, sessionOf } from "../../core/lobby/state.ts";
import { lobbyTagOf, relayName } from "../../core/relay/ticket.ts";
import type { Env } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import type { Delivery } from "../platform/ports.ts";
import { retry } from "../platform/retry.ts";
import { relayAt } from "../platform/stubs.ts";
import { DirectoryEntry, type Listing } from "./directory-entry.ts";
import { askings, introductions, type MemberFrame } from "./introductions.ts";
import type { LobbyObject } from "./lobby-object.ts";

/** What the machine hears of its effects. */
export type EffectEvents = {
  listingFailed(): void;
  forget(): void;
};

export class EffectQueue {
  readonly #object: LobbyObject;
  readonly #events: EffectEvents;
  /** Of a public lobby. */
  #entry: DirectoryEntry | null = null;
  /** The last list of members that was sent to, by holder. Members are never changed in place: the same list has the same holders. */
  #grouped: { members: readonly Member[]; byHolder: Map<string, string[]> } | null = null;
  /** The last delivery to each other object: when it has arrived, so have those before it. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  /** Whether the directory may still have the lobby. */
  #isListed = false;
  #isOver = false;
  /** Effects that wait for earlier ones. */
  #tail: Promise<void> | null = null;

  constructor(object: LobbyObject, events: EffectEvents) {
    this.#object = object;
    this.#events = events;
  }

  /** Done when the effects are; null if that is now, because none has to wait for another object. */
  perform(effects: readonly Effect[], incarnation: string): Promise<void> | null {
    if (this.#tail) return this.#wait(this.#tail, effects, incarnation);
    for (const [index, effect] of effects.entries()) {
      const underWay = this.#attempt(effect, incarnation);
      if (underWay) return this.#wait(underWay, effects.slice(index + 1), incarnation);
    }
    return null;
  }

  /** Done when all that was sent to other objects so far has arrived, or is lost. */
  async arrived(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  #wait(before: Promise<void>, effects: readonly Effect[], incarnation: string): Promise<void> {
    const perform = async () => {
      await before;
      for (const effect of effects) await this.#attempt(effect, incarnation);
    };
    const tail = perform().finally(() => {
      if (this.#tail === tail) this.#tail = null;
    });
    this.#tail = tail;
    return tail;
  }

  /** Whatever becomes of one effect, those after it are done. After the lobby is forgotten there is nothing to do. */
  #attempt(effect: Effect, incarnation: string): Promise<void> | null {
    const failed = (error: unknown) =>
      logFault("lobby_effect_failed", { lobbyId: this.#object.lobbyId, kind: effect.kind }, error);
    if (this.#isOver) return null;
    try {
      return this.#do(effect, incarnation)?.catch(failed) ?? null;
    } catch (error) {
      failed(error);
      return null;
    }
  }

  /** Null when it is done. */
  #do(effect: Effect, incarnation: string): Promise<void> | null {
    switch (effect.kind) {
      case "list":
        return this.#tell({ lobby: effect.lobby, from: effect.from }, effect.joined);
      case "unlist":
        return this.#tell({ lobby: null, game: effect.game });
      case "send":
        return this.#send(effect.to, { incarnation, message: effect.message });
      case "ask":
        return this.#ask(effect, incarnation);
      case "introduce":
        return this.#introduce(effect, incarnation);
      case "release":
        return this.#send(effect.to, { incarnation, message: effect.message, release: true });
      case "audit":
        return this.#send(effect.members, { incarnation });
      case "drop":
        return this.#drop(effect, incarnation);
      case "let-go":
        return this.#send(effect.to, { incarnation, letsGo: true });
      case "forget":
        return this.#forget();
      case "save":
        // The machine itself did this in the turn in which the effects arose.
        return null;
    }
  }

  async #tell(listing: Listing, joined?: string): Promise<void> {
    const { env, lobbyId } = this.#object;
    this.#entry ??= new DirectoryEntry(env, lobbyId, () => this.#events.listingFailed());
    this.#isListed = !(await this.#entry.tell(listing, joined)) || listing.lobby !== null;
  }

  /** A lobby that may still be listed is not forgotten: its alarm repeats the closing. */
  #forget(): Promise<void> | null {
    const forget = () => {
      if (this.#isListed || this.#isOver) return;
      // The next lobby of this code has a queue of its own.
      this.#isOver = true;
      this.#events.forget();
    };
    if (this.#underWay.size > 0) return Promise.all(this.#underWay.values()).then(forget);
    forget();
    return null;
  }

  #introduce(introduction: Introduction, incarnation: string): Promise<void> | null {
    const frames = introductions(this.#object.env, lobbyTagOf(incarnation), introduction);
    if (frames instanceof Promise) return frames.then((some) => this.#sendFrames(some, incarnation));
    this.#sendFrames(frames, incarnation);
    return null;
  }

  /** Nobody waits for it. A relay that it does not reach ends the links when their tickets are over. */
  #drop({ clientIds, relays }: Extract<Effect, { kind: "drop" }>, incarnation: string): null {
    const { env, lobbyId } = this.#object;
    for (let number = 0; number < relays; number++) {
      void dropFrom(env, relayName(lobbyTagOf(incarnation), number), clientIds).catch((error) =>
        logFault("relay_unreachable", { lobbyId, number }, error),
      );
    }
    if (env.RELAY) this.#object.willCall(relays);
    return null;
  }

  async #ask(asking: Asking, incarnation: string): Promise<void> {
    const { env, lobbyId } = this.#object;
    this.#sendFrames(await askings(env, lobbyId, asking), incarnation);
  }

  #sendFrames(frames: readonly MemberFrame[], incarnation: string): void {
    for (const { to, frame: text } of frames)
      this.#send(to, { incarnation, message: { type: "encoded", text } });
  }

  #send(to: readonly Member[], about: Omit<Delivery, "lobbyId" | "to">): null {
    const { lobbyId, connections } = this.#object;
    for (const [holder, clientIds] of this.#byHolder(to)) {
      const delivery = { lobbyId, to: clientIds, ...about };
      if (holder === lobbyId) connections.deliver(delivery);
      else this.#track(holder, this.#object.send(holder, delivery));
    }
    return null;
  }

  #track(holder: string, sent: Promise<boolean>): void {
    const before = this.#underWay.get(holder);
    // One that cannot be sent any more is lost at once, before those that are under way have arrived.
    const arriving = before ? Promise.all([before, sent]).then(([, arrived]) => arrived) : sent;
    this.#underWay.set(holder, arriving);
    arriving.finally(() => {
      if (this.#underWay.get(holder) === arriving) this.#underWay.delete(holder);
    });
  }

  #byHolder(members: readonly Member[]): Map<string, string[]> {
    if (this.#grouped?.members === members) return this.#grouped.byHolder;
    const groups = Map.groupBy(members, ({ holder }) => holder);
    const byHolder = new Map(Array.from(groups, ([holder, group]) => [holder, group.map(sessionOf)]));
    this.#grouped = { members, byHolder };
    return byHolder;
  }
}

async function dropFrom(env: Env, name: string, clientIds: readonly string[]): Promise<void> {
  await retry(async () => relayAt(env, name)?.drop(clientIds), platformLimits.promptRetryDelaysMs);
}
