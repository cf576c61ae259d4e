/** The lobbies that the sessions of an object mean: the one that lives in it, or any other. */
import type { Witness } from "../../core/lobby/event.ts";
import { loungeShape, type Region, regionOfLounge } from "../../core/lounges.ts";
import { drawCode } from "../platform/codes.ts";
import type { Env } from "../platform/env.ts";
import type { LobbyPort, News } from "../platform/ports.ts";
import { lobbyAt } from "../platform/stubs.ts";
import { holderLimits } from "./limits.ts";
import type { Session } from "./session.ts";

/** What sessions ask of a lobby. */
export type Asked = Pick<
  LobbyPort,
  "open" | "enter" | "refusedBy" | "comeBack" | "start" | "steer" | "ask" | "isMember"
>;

/** The lobby that lives in a holder's own object. */
export interface LobbyHere {
  /** Whether it can be opened by a session here. */
  readonly isFree: boolean;
  /** Takes news of a member. False if it has no such member. */
  hear(news: News): boolean;
  /** Whether a mediation waits for what this sidecar sees of the client. */
  awaits(clientId: string, witness: Witness): boolean;
  /** These members are gone, or their object is out of reach. */
  lose(clientIds: string[], incarnation: string | undefined, how: "gone" | "out of reach"): void;
}

export class Lobbies {
  /** The object's name: a code, or that of a lounge. */
  readonly holder: string;
  readonly #env: Env;
  readonly #here: () => (LobbyHere & Asked) | null;

  constructor(env: Env, holder: string, here: () => (LobbyHere & Asked) | null) {
    this.#env = env;
    this.holder = holder;
    this.#here = here;
  }

  /** The one that lives in this object; a lounge has none. */
  get here(): (LobbyHere & Asked) | null {
    return this.#here();
  }

  /** `region`: only where the call may create the object. */
  at(lobbyId: string, region: Region | null = null): Asked {
    const { here } = this;
    return here && lobbyId === this.holder ? here : lobbyAt(this.#env, lobbyId, region);
  }

  /** Where a lobby should be that is opened from here: near its host, as far as the host's lounge tells. */
  get region(): Region | null {
    return loungeShape.test(this.holder) ? regionOfLounge(this.holder) : null;
  }

  /** Codes for a new lobby, as long as none of them was free. */
  *codes({ opensHere }: Session): Iterable<string> {
    if (opensHere && this.here?.isFree) yield this.holder;
    for (let draw = 0; draw < holderLimits.codeDraws; draw++) yield drawCode(this.#env);
  }
}
