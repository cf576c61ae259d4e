/** One player of the Godot addon, in a process of the engine (godot-puppet.ts): what it does, and what it comes to. */
import type { Puppet } from "./godot-puppet.ts";

/** An OrionResult. */
export type GodotResult = {
  is_ok: boolean;
  code: string;
  message: string;
  lobby: string;
  own_id: string;
  return_key: string;
  text: string;
  version: number;
  links: number;
  was_created: boolean;
  lobbies: { code: string; title: string; is_locked: boolean; members: number }[];
  cursor: string;
};
export type GodotLinkLook = {
  path: string;
  cause: string;
  is_encrypted: boolean;
  safety_code: string;
  round_trip_ms: number;
  report: string;
};
type GodotPlayerLook = {
  name: string;
  display_name: string;
  is_host: boolean;
  is_ready: boolean;
  is_away: boolean;
  data: object;
};
/** What an OrionLobby knows. */
export type GodotLook = {
  own_id: string;
  host_id: string;
  is_host: boolean;
  term: number;
  data: object;
  close_code: string;
  close_message: string;
  was_banned: boolean;
  bans: { clientId: string; name: string }[];
  return_key: string;
  players: Record<string, GodotPlayerLook>;
  links: Record<string, GodotLinkLook>;
};

export class GodotPlayer {
  readonly #puppet: Puppet;
  readonly who: string;

  private constructor(puppet: Puppet, who: string) {
    this.#puppet = puppet;
    this.who = who;
  }

  /** With an OrionEdge of its own. `more`: `uses_udp`, and `trusts`, the certificate of an authority. */
  static async at(url: URL | string, puppet: Puppet, who: string, more: object = {}): Promise<GodotPlayer> {
    await puppet.ask("new", { who, url: String(url), ...more });
    return new GodotPlayer(puppet, who);
  }

  ask<T>(command: string, more: object = {}): Promise<T> {
    return this.#puppet.ask<T>(command, { who: this.who, ...more });
  }

  hears(event: string, fits?: (args: unknown[]) => boolean): Promise<unknown[]> {
    return this.#puppet.hears(this.who, event, fits);
  }

  /** How often this has happened. */
  count(event: string): number {
    return this.#puppet.events.filter((one) => one.who === this.who && one.event === event).length;
  }

  /** A method of OrionEdge. */
  edge(method: string, ...args: unknown[]): Promise<GodotResult> {
    return this.ask("edge", { method, args });
  }

  /** As `edge`, and it goes well. */
  async enters(method: "host" | "join" | "match" | "resume", ...args: unknown[]): Promise<GodotResult> {
    const result = await this.edge(method, ...args);
    if (!result.is_ok) throw new Error(`${this.who} cannot ${method}: ${result.code}`);
    return result;
  }

  /** A method of OrionLobby. */
  lobby(method: string, ...args: unknown[]): Promise<GodotResult> {
    return this.ask("lobby", { method, args });
  }

  look(): Promise<GodotLook> {
    return this.ask("look");
  }

  /** Makes an OrionMultiplayerPeer of the lobby. What the engine calls this player by now. */
  plays(options: { migrates?: boolean } = {}): Promise<number> {
    return this.ask("peer", options);
  }

  /** A remote procedure call to all, until this player has heard it. */
  async calls(text: string, to: GodotPlayer): Promise<unknown[]> {
    await this.ask("call", { text });
    return await to.hears("said", ([, said]) => said === text);
  }
}
