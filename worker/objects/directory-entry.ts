import type { Network } from "../../core/network.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import type { Env } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import { retry, within } from "../platform/retry.ts";
import { objectLimits } from "./limits.ts";
import { shardOf } from "./shards.ts";

/** What the directory is told of a lobby. `from`: tags for the networks of its host. */
export type Listing = { lobby: ListedLobby; from?: readonly Network[] | undefined };

/**
 * One lobby's entry in the directory. There is one call under way at most, so an old entry can never
 * overtake a newer one; and the directory, however slow, never stops the lobby.
 */
export class DirectoryEntry {
  readonly #env: Env;
  readonly #lobbyId: string;
  readonly #failed: () => void;
  /** What the directory should say: an entry, or null for none. */
  #wanted: Listing | null = null;
  #calling: Promise<boolean> | null = null;
  /** The directory did not answer in time, and has not answered since: nobody waits for it again. */
  #late = false;

  /** `failed` is called when the directory could not be told in time. */
  constructor(env: Env, lobbyId: string, failed: () => void) {
    this.#env = env;
    this.#lobbyId = lobbyId;
    this.#failed = failed;
  }

  /** True when the directory knows, false when it has had its time. */
  async tell(listing: Listing | null): Promise<boolean> {
    this.#wanted = listing;
    this.#calling ??= this.#call();
    const told = !this.#late && (await within(objectLimits.directoryPatienceMs, this.#calling, false));
    if (told) return true;
    this.#late = this.#calling !== null;
    this.#failed();
    return false;
  }

  async #call(): Promise<boolean> {
    try {
      for (let told: Listing | null | undefined; told !== this.#wanted; ) {
        const wanted = this.#wanted;
        await retry(
          async () => {
            const directory = shardOf(this.#env, this.#lobbyId);
            await (wanted ? directory.put(wanted.lobby, wanted.from) : directory.remove(this.#lobbyId));
          },
          platformLimits.retryDelaysMs.slice(0, 2),
        );
        told = wanted;
      }
      this.#late = false;
      return true;
    } catch (error) {
      logFault("directory_unreachable", { lobbyId: this.#lobbyId }, error);
      return false;
    } finally {
      this.#calling = null;
    }
  }
}
