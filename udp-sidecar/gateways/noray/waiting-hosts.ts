/**
 * Those who wait until their address, the network around it or the gateway has room for one more session. What each waits for is full. So
 * who leaves makes room for one of these at most, and only those who wait for one of its own three are looked at.
 */
import { type AdmissionRefusal, countedIn } from "../../../core/dialects/admission.ts";

export class WaitingHosts<Host> {
  /** In the order in which they came, by what is full. */
  readonly #queues = new Map<string, Set<Host>>();
  readonly #fullFor = new Map<Host, string>();

  has(host: Host): boolean {
    return this.#fullFor.has(host);
  }

  /** It waits for another thing than before, or for the first time. */
  add(host: Host, address: string, refusal: AdmissionRefusal): void {
    const full = fullOf(address)[refusal];
    if (this.#fullFor.get(host) === full) return;
    this.delete(host);
    this.#fullFor.set(host, full);
    const queue = this.#queues.get(full);
    if (queue) queue.add(host);
    else this.#queues.set(full, new Set([host]));
  }

  delete(host: Host): void {
    const full = this.#fullFor.get(host);
    if (full === undefined) return;
    this.#fullFor.delete(host);
    const queue = this.#queues.get(full);
    queue?.delete(host);
    if (queue?.size === 0) this.#queues.delete(full);
  }

  /** Those who may have the room that this address has left, until one has it. They may be deleted, or added again, meanwhile. */
  *nextAfter(address: string): Iterable<Host> {
    for (const full of Object.values(fullOf(address))) yield* this.#queues.get(full) ?? [];
  }
}

/** What is full, by the refusal: the narrowest first. */
function fullOf(address: string): Readonly<Record<AdmissionRefusal, string>> {
  const gateway = "gateway";
  const [narrow = gateway, wide = gateway] = countedIn(address);
  return { address_full: narrow, network_full: wide, gateway_full: gateway };
}
