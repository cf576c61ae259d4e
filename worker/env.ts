import { defaultTiming, positiveInteger, type Timing } from "../core/settings.ts";
import { shortestSecret } from "../core/token.ts";
import type { Directory } from "./directory.ts";
import type { Fleet } from "./fleet.ts";
import type { Lobby } from "./lobby.ts";
import type { Lounge } from "./lounge.ts";

/** What wrangler.toml, or `npm start`, binds. */
export type Env = {
  LOUNGE: DurableObjectNamespace<Lounge>;
  LOBBY: DurableObjectNamespace<Lobby>;
  DIRECTORY: DurableObjectNamespace<Directory>;
  FLEET: DurableObjectNamespace<Fleet>;
  /** The deployment's one secret, the same on every sidecar. `wrangler secret put ORION_SECRET` */
  ORION_SECRET?: string;
} & { [Setting in keyof Settings]?: string | number };

export type Settings = Timing & {
  /** Objects that share the list of public lobbies. */
  directoryShards: number;
  /** Milliseconds that an isolate may answer `GET /lobbies` from its last answer; 0 for never. */
  directoryMaxAgeMs: number;
  /** The origin that browsers may call from: `*`, or one like `https://game.example`. */
  allowedOrigin: string;
};

/** The deployment's settings, or the sentence that tells its operator what is wrong with them. */
export function readSettings(env: Env): { ok: true; settings: Settings } | { ok: false; why: string } {
  if (!env.ORION_SECRET || env.ORION_SECRET.length < shortestSecret) {
    return {
      ok: false,
      why: `ORION_SECRET is not set, or shorter than ${shortestSecret} characters: run "wrangler secret put ORION_SECRET".`,
    };
  }
  const wrong: string[] = [];
  const number = (name: Exclude<keyof Settings, "allowedOrigin">, fallback: number, least: number) => {
    const given = env[name];
    if (given === undefined) return fallback;
    const value = String(given) === "0" ? 0 : positiveInteger(String(given));
    if (value !== null && value >= least) return value;
    wrong.push(`${name} must be a whole number from ${least} up, not "${given}".`);
    return fallback;
  };
  const settings: Settings = {
    ptpmServerConnectTimeoutMs: number(
      "ptpmServerConnectTimeoutMs",
      defaultTiming.ptpmServerConnectTimeoutMs,
      1,
    ),
    ptpmConnectRequestIntervalMs: number(
      "ptpmConnectRequestIntervalMs",
      defaultTiming.ptpmConnectRequestIntervalMs,
      1,
    ),
    ptpmConnectTimeoutMs: number("ptpmConnectTimeoutMs", defaultTiming.ptpmConnectTimeoutMs, 1),
    directoryShards: number("directoryShards", 1, 1),
    directoryMaxAgeMs: number("directoryMaxAgeMs", 0, 0),
    allowedOrigin: String(env.allowedOrigin ?? "*"),
  };
  return wrong.length === 0 ? { ok: true, settings } : { ok: false, why: wrong.join(" ") };
}

/** The settings, for objects: a Worker with bad ones answers 503 and never calls an object. */
export function settingsOf(env: Env): Settings {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.why);
  return read.settings;
}
