/**
 * News of members for their lobbies, here or in other objects: what they say, what a sidecar saw of them, that they are gone. Also what
 * becomes of news of members that a lobby does not have, and which session pays for the calls.
 */
import { prices } from "../../core/bill.ts";
import type { MemberEvent } from "../../core/lobby/event.ts";
import { isAtSocket, likeliest, withProven } from "../../core/lobby/sighting.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import type { News, Seen, Sighted, Stray } from "../platform/ports.ts";
import { released } from "../platform/retry.ts";
import { holderAt } from "../platform/stubs.ts";
import type { Charges } from "./charges.ts";
import type { Connections } from "./connections.ts";
import type { Lobbies } from "./lobbies.ts";
import { Remote } from "./remote.ts";
import type { Session } from "./session.ts";

export class LobbyNews {
  /** What this object and others say to each other. */
  readonly remote: Remote;
  readonly #lobbies: Lobbies;
  readonly #connections: Connections;
  readonly #charges: Charges;
  /** Sessions that are over, by their clients' ids, until their lobbies have been told: they pay for what they said last. */
  readonly #leaving = new Map<string, Session>();

  constructor(env: Env, lobbies: Lobbies, connections: Connections, charges: Charges) {
    this.#lobbies = lobbies;
    this.#connections = connections;
    this.#charges = charges;
    const { holder } = lobbies;
    this.remote = new Remote({
      call: async (name, batch) => released(await holderAt(env, name).receive(holder, batch)),
      take: (message) => ("to" in message ? connections.deliver(message) : this.#hear(message)),
      idleIn: (message) => ("to" in message ? [] : this.#idleIn(message)),
      rest: (clientIds) => this.#rest(clientIds),
      giveUp: (strays) => this.#giveUp(strays),
      gone: ({ clientId, ...about }) => {
        // It may be entering that lobby again by now.
        if (connections.get(clientId)?.lobbyId === about.lobbyId) return;
        this.tell(about, { kind: "connection-lost", clientId, holder });
      },
      lost: (name, messages, error) => {
        logFault("object_unreachable", { from: holder, holder: name, lost: messages.length }, error);
        for (const message of messages) {
          if ("to" in message) lobbies.here?.lose(message.to, message.incarnation, "out of reach");
        }
      },
      caused: (clientId, calls) => this.#chargeCalls(clientId, calls),
    });
  }

  /** Tells a lobby of a member. True once it knows. `about`: the membership, as the session knows it. */
  tell(
    { lobbyId, incarnation, requestId }: Omit<News, "event">,
    event: MemberEvent,
  ): true | Promise<boolean> {
    const news = { lobbyId, incarnation, requestId, event };
    if (!this.#lobbies.here || lobbyId !== this.#lobbies.holder) return this.remote.tell(lobbyId, news);
    if (event.kind === "endpoint-seen") this.#rest(this.#idleIn(news));
    const before = this.remote.callsCaused;
    this.#giveUp(this.#hear(news));
    this.#chargeCalls(event.clientId, this.remote.callsCaused - before);
    return true;
  }

  /** A session here is over. `hasLeft`: by its client's will, for good. */
  ended(session: Session, hasLeft: boolean): void {
    const { id: clientId, membership } = session;
    if (!membership) return;
    this.#leaving.set(clientId, session);
    const told = hasLeft
      ? this.tell(membership, { kind: "member-left", clientId })
      : this.tell(membership, { kind: "connection-lost", clientId, holder: this.#lobbies.holder });
    void Promise.resolve(told).finally(() => this.#leaving.delete(clientId));
  }

  /** As `HolderPort` says (worker/platform/ports.ts). */
  async observe(seen: Seen[], caller?: { takesAll: true }): Promise<string[] | Sighted> {
    const sighted: Sighted = { again: [], gone: [], idle: [] };
    await Promise.all(
      seen.map(async (one) => {
        const became = await this.#see(one);
        if (became !== "awaited") sighted[became].push(one.clientId);
      }),
    );
    return caller?.takesAll ? sighted : sighted.again;
  }

  /** Tells the client's lobby what a sidecar saw of it, and says what became of that. */
  async #see(seen: Seen): Promise<"awaited" | keyof Sighted> {
    const session = this.#connections.get(seen.clientId);
    if (!session) return "gone";
    if (session.paysForSighting()) this.#charges.charge(session, prices.observation);
    const { membership, address } = session;
    if (!membership) return "idle";
    session.isIdle = false;
    const observed = withProven(address, likeliest(address, seen.observed));
    const event = { ...seen, observed, isAtSocket: isAtSocket(address, observed) };
    if (!(await this.tell(membership, { kind: "endpoint-seen", ...event }))) return "again";
    return session.isIdle ? "idle" : "awaited";
  }

  /** A session here made its lobby, or this object, call others so often. */
  #chargeCalls(clientId: string, calls: number): void {
    const session = this.#connections.get(clientId) ?? this.#leaving.get(clientId);
    if (session && calls > 0) this.#charges.charge(session, calls * prices.call);
  }

  /** The client in this news, if no mediation of the lobby here waits for the endpoint that it tells of. */
  #idleIn({ event }: News): string[] {
    if (event.kind !== "endpoint-seen" || this.#lobbies.here?.awaits(event.clientId, event)) return [];
    return [event.clientId];
  }

  /** No mediation waits for what was seen of these. */
  #rest(clientIds: readonly string[]): void {
    for (const clientId of clientIds) {
      const session = this.#connections.get(clientId);
      if (session) session.isIdle = true;
    }
  }

  /** News of a member for the lobby here. Returns the member if it is none, and has not just left. */
  #hear(news: News): Stray[] {
    const { lobbyId, incarnation, requestId } = news;
    const { kind, clientId } = news.event;
    const isKnown = lobbyId === this.#lobbies.holder && this.#lobbies.here?.hear(news) === true;
    const hasLeft = kind === "member-left" || kind === "connection-lost";
    return isKnown || hasLeft ? [] : [{ lobbyId, clientId, incarnation, requestId }];
  }

  /** Strays of what this object has sent: members of its lobby that are gone, or sessions that are in no lobby there. */
  #giveUp(strays: readonly Stray[]): void {
    for (const [incarnation, some] of Map.groupBy(strays, (stray) => stray.incarnation)) {
      const members = some.filter(({ lobbyId }) => lobbyId === this.#lobbies.holder);
      this.#lobbies.here?.lose(
        members.map(({ clientId }) => clientId),
        incarnation,
        "gone",
      );
      for (const stray of some) this.#connections.drop(stray);
    }
  }
}
