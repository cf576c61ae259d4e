/** What the page asks the server. The key is in a header, and never in an address. */
import type { OperatorCharts, OperatorLobbies, OperatorLook, OperatorNow } from "../../core/wire/operator.ts";

/** Why there is no answer. `code` is the server's; `unreachable` if it has not answered. */
export class Refused extends Error {
  readonly code: string;
  readonly status: number;
  /** Seconds after which to ask again; 0 if the server did not say. */
  readonly retryAfterS: number;

  constructor(code: string, sentence: string, status = 0, retryAfterS = 0) {
    super(sentence);
    this.code = code;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Milliseconds that the server has for an answer. */
const patienceMs = 15_000;

export class OperatorApi {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  now = () => this.#ask<OperatorNow>("now");
  charts = () => this.#ask<OperatorCharts>("charts");
  lobbies = () => this.#ask<OperatorLobbies>("lobbies");
  look = (tag: string) => this.#ask<OperatorLook>(`lobbies/${encodeURIComponent(tag)}`);
  find = (lobby: string) => this.#ask<{ tag: string }>("find", { lobby });
  close = (tag: string) => this.#ask<null>(`lobbies/${tag}/close`, { confirm: tag });
  remove = (tag: string, clientId: string, { reason = "", ban = false }) =>
    this.#ask<null>(`lobbies/${tag}/${ban ? "ban" : "kick"}`, { confirm: tag, clientId, reason });

  async #ask<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(`/operator/api/${path}`, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${this.#key}` },
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(patienceMs),
      ...(body && { body: JSON.stringify(body) }),
    }).catch(() => null);
    if (!response) throw new Refused("unreachable", "The server does not answer.");
    const text = await response.text().catch(() => "");
    const answer = parsed(text);
    if (response.ok) return answer as T;
    const { codes: [code = "unreadable"] = [], errors: [sentence = ""] = [] } = (answer ?? {}) as {
      codes?: string[];
      errors?: string[];
    };
    const words = sentence || `The server answered ${response.status}.`;
    throw new Refused(code, words, response.status, Number(response.headers.get("retry-after") ?? 0));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
