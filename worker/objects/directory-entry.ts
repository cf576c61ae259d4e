import type { Network } from "../../core/network.ts";
import type { ListedLobby } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Env } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import { retry, within } from "../platform/retry.ts";
import { directoryOf } from "../platform/stubs.ts";
import { objectLimits } from "./limits.ts";

/** What the directory is told of a lobby. `from`: tags for the networks of its host. Without a lobby: it is listed no more, under its game. */
export type Listing =
  | { lobby: ListedLobby; from?: readonly Network[] | undefined }
  | { lobby: null; game?: string | undefined };

/**
 * One lobby's entry in the directory. There is one call under way at most, so an old entry can never
 * overtake a newer one; and the directory, however slow, never stops the lobby.
 */
export class DirectoryEntry {
  readonly #env: Env;
  readonly #lobbyId: string;
  readonly #failed: () => void;
  /** What the directory should say. */
  #wanted: Listing = { lobby: null };
  /** Newcomers that the directory has not heard of. */
  #joined: readonly string[] = [];
  #calling: Promise<boolean> | null = null;
  /** The directory did not answer in time, and has not answered since: nobody waits for it again. */
  #late = false;

  /** `failed` is called when the directory could not be told in time. */
  constructor(env: Env, lobbyId: string, failed: () => void) {
    this.#env = env;
    this.#lobbyId = lobbyId;
    this.#failed = failed;
  }

  /** True when the directory knows, false when it has had its time. `joined`: the session of a newcomer. */
  async tell(listing: Listing, joined?: string): Promise<boolean> {
    this.#wanted = listing;
    if (joined !== undefined) this.#joined = [...this.#joined, joined].slice(-wireLimits.seats);
    this.#calling ??= this.#call();
    const told = !this.#late && (await within(objectLimits.directoryPatienceMs, this.#calling, false));
    if (told) return true;
    this.#late = this.#calling !== null;
    this.#failed();
    return false;
  }

  async #call(): Promise<boolean> {
    try {
      for (let told: Listing | undefined; told !== this.#wanted; ) {
        const wanted = this.#wanted;
        const joined = this.#joined;
        await retry(() => this.#callOnce(wanted, joined), platformLimits.retryDelaysMs.slice(0, 2));
        this.#joined = this.#joined.filter((one) => !joined.includes(one));
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

  async #callOnce(wanted: Listing, joined: readonly string[]): Promise<void> {
    const lobbyId = this.#lobbyId;
    if (wanted.lobby === null) await directoryOf(this.#env, { lobbyId, game: wanted.game }).remove(lobbyId);
    else {
      const { lobby, from } = wanted;
      await directoryOf(this.#env, { lobbyId, game: lobby.game }).put(lobby, from, joined);
    }
  }
}
