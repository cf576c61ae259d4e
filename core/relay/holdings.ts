/**
 * Which links each client has bound its end of. A client is in one mediation at a time, and all tickets of one mediation say
 * when it began: a ticket that says a later time is of a later mediation, with which the one before is over.
 */
import { wireLimits } from "../wire/limits.ts";

/** Links of one client: never none. */
type Holding<L> = { begunAt: number; readonly links: Set<L> };

/** Links a client can have: one to each other member of its lobby. */
const most = wireLimits.seats - 1;

export class Holdings<L> {
  readonly #byClient = new Map<string, Holding<L>>();

  /** Clients that have some. */
  get size(): number {
    return this.#byClient.size;
  }

  /** Whether the client has bound a link of a mediation that began later. */
  isSuperseded(clientId: string, begunAt: number): boolean {
    return begunAt < (this.#byClient.get(clientId)?.begunAt ?? 0);
  }

  /** The client's links of mediations before the one that began then. */
  before(clientId: string, begunAt: number): L[] {
    const holding = this.#byClient.get(clientId);
    return holding && holding.begunAt < begunAt ? [...holding.links] : [];
  }

  /** Whether the client may have this link, too. */
  hasRoom(clientId: string, link: L | undefined): boolean {
    const links = this.#byClient.get(clientId)?.links;
    return !links || links.size < most || (link !== undefined && links.has(link));
  }

  add(clientId: string, link: L, begunAt: number): void {
    const holding = this.#byClient.get(clientId) ?? { begunAt, links: new Set() };
    holding.begunAt = begunAt;
    holding.links.add(link);
    this.#byClient.set(clientId, holding);
  }

  remove(clientId: string, link: L): void {
    const holding = this.#byClient.get(clientId);
    holding?.links.delete(link);
    if (holding?.links.size === 0) this.#byClient.delete(clientId);
  }
}
