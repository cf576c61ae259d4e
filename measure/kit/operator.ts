/** An operator who looks at a server through its view. */
import type { OperatorCharts, OperatorLobbies, OperatorLook, OperatorNow } from "../../core/wire/operator.ts";
import { type Answer, request } from "./player.ts";
import { knownSecrets } from "./secret.ts";

/** Keys that a server of a test has: its log is looked through for them. */
export const lookKey = "look-0123456789abcdefghij";
export const actKey = "act-0123456789abcdefghijk";
export const operatorVars = { ORION_OPERATOR_KEY: lookKey, ORION_OPERATOR_WRITE_KEY: actKey };
knownSecrets.add(lookKey).add(actKey);

export class Operator {
  readonly #base: URL;
  readonly #key: string;
  readonly #headers: Record<string, string>;

  constructor(base: URL, key = lookKey, headers: Record<string, string> = {}) {
    this.#base = base;
    this.#key = key;
    this.#headers = headers;
  }

  /** Asks for `/operator/api/<path>`: by GET, or by POST with a body. */
  async asks(path: string, body?: object): Promise<Answer> {
    return await request(this.#base, `/operator/api/${path}`, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${this.#key}`, ...this.#headers },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  now(): Promise<OperatorNow> {
    return this.#reads("now");
  }

  charts(): Promise<OperatorCharts> {
    return this.#reads("charts");
  }

  lobbies(): Promise<OperatorLobbies> {
    return this.#reads("lobbies");
  }

  looksInto(tag: string): Promise<OperatorLook> {
    return this.#reads(`lobbies/${tag}`);
  }

  async #reads<T>(path: string): Promise<T> {
    const { status, text } = await this.asks(path);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** The tag of a lobby, by its code. */
  async finds(lobbyId: string): Promise<string> {
    const { body } = await this.asks("find", { lobby: lobbyId });
    return String(body?.tag);
  }
}
