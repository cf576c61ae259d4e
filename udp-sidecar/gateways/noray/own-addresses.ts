/** The addresses at which a gateway's ports can be reached on its own machine. They may change while it runs. */
import { plainAddress, scopeOf } from "../../../core/endpoint.ts";
import { addressesWith } from "../../socket.ts";

export class OwnAddresses {
  readonly #isEverywhere: boolean;
  readonly #list: () => readonly string[];
  #known: ReadonlySet<string>;

  /** `host`: the address that the ports are bound to. `publicHost`: where players reach the machine, if that is an address. */
  constructor(host: string, publicHost: string | undefined) {
    this.#isEverywhere = host === "0.0.0.0";
    const own = [host, publicHost ?? host].map(plainAddress);
    this.#list = this.#isEverywhere ? addressesWith(publicHost) : () => own;
    this.#known = new Set(this.#list());
  }

  has(ip: string): boolean {
    return this.#known.has(ip) || (this.#isEverywhere && scopeOf(ip) === "loopback");
  }

  /** Looks for addresses that have come, or gone. */
  refresh(): void {
    this.#known = new Set(this.#list());
  }
}
