import { plainAddress } from "../core/endpoint.ts";
import { fewestHomes } from "../core/homes.ts";
import { limits } from "../core/limits.ts";
import { defaultTiming, positiveInteger, type Timing } from "../core/settings.ts";
import { shortestSecret } from "../core/token.ts";
import type { Counted } from "./address-limits.ts";
import type { Directory } from "./directory.ts";
import type { Fleet } from "./fleet.ts";
import type { Home } from "./home.ts";
import { secretsOf } from "./keys.ts";
import { readOrigins } from "./origin.ts";

/** What wrangler.toml, or `npm start`, binds. */
export type Env = {
  HOME: DurableObjectNamespace<Home>;
  DIRECTORY: DurableObjectNamespace<Directory>;
  FLEET: DurableObjectNamespace<Fleet>;
  /** Answers 200 while the machine's storage has room for new players and lobbies. Only `npm start` binds it. */
  STORAGE?: Fetcher;
  /** The deployment's one secret, the same on every sidecar. `wrangler secret put ORION_SECRET` */
  ORION_SECRET?: string;
  /** A second one that is accepted, while one follows the other (docs/operating.md). */
  ORION_SECRET_BEFORE?: string;
} & { [What in Counted]?: RateLimit } & { [Setting in keyof Settings]?: string | number | boolean };

export type Settings = Timing & {
  /** Objects that hold players and lobbies, in all the world. */
  homes: number;
  /** Clients in a home from which on it takes only those who come on the path of one of its lobbies. */
  clientsPerHome: number;
  /** Objects that share the list of public lobbies. */
  directoryShards: number;
  /** Milliseconds that an isolate may answer `GET /lobbies` from its last answer; 0 for never. */
  directoryMaxAgeMs: number;
  /** Chat messages that a lobby delivers a second, counted at each member. */
  chatDeliveriesPerSecond: number;
  /** Whether the lives of lobbies are logged, with the names of players. */
  logLobbies: boolean;
  /** The origins that browsers may call from: `*`, or some like `https://game.example`. */
  allowedOrigin: readonly string[];
  /** Addresses of the operator's own reverse proxies, which many players come from. */
  reverseProxies: readonly string[];
};

/** Room for 15 million players. With more, a home would have fewer codes than clients that may host. */
const mostHomes = 59_000;

type Reading = { ok: true; settings: Settings } | { ok: false; why: string };
const readings = new WeakMap<Env, Reading>();

/** The deployment's settings, or the sentence that tells its operator what is wrong with them. Read once in an isolate. */
export function readSettings(env: Env): Reading {
  const known = readings.get(env);
  if (known) return known;
  const reading = read(env);
  readings.set(env, reading);
  return reading;
}

function read(env: Env): Reading {
  const [secret, before] = secretsOf(env);
  if (secret.length < shortestSecret) {
    return {
      ok: false,
      why: `ORION_SECRET is not set, or shorter than ${shortestSecret} characters: run "wrangler secret put ORION_SECRET".`,
    };
  }
  if (before !== undefined && before.length < shortestSecret) {
    return { ok: false, why: `ORION_SECRET_BEFORE is shorter than ${shortestSecret} characters.` };
  }
  const wrong: string[] = [];
  const number = (
    name: Exclude<keyof Settings, "logLobbies" | "allowedOrigin" | "reverseProxies">,
    fallback: number,
    least: number,
    most?: number,
  ) => {
    const given = env[name];
    if (given === undefined) return fallback;
    const value = String(given).trim() === "0" ? 0 : positiveInteger(String(given), most);
    if (value !== null && value >= least) return value;
    const range = most === undefined ? `${least} up` : `${least} to ${most}`;
    wrong.push(`${name} must be a whole number from ${range}, not "${given}".`);
    return fallback;
  };
  const isOn = (name: "logLobbies") => {
    const given = String(env[name] ?? "off");
    if (!/^(on|off|true|false)$/.test(given)) wrong.push(`${name} must be on or off, not "${given}".`);
    return given === "on" || given === "true";
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
    homes: number("homes", mostHomes, fewestHomes, mostHomes),
    clientsPerHome: number("clientsPerHome", limits.homeFill, 1, limits.homeSockets),
    directoryShards: number("directoryShards", 1, 1),
    directoryMaxAgeMs: number("directoryMaxAgeMs", 0, 0),
    chatDeliveriesPerSecond: number("chatDeliveriesPerSecond", limits.chatDeliveriesPerSecond, 1),
    logLobbies: isOn("logLobbies"),
    allowedOrigin: readOrigins(String(env.allowedOrigin ?? "*")),
    reverseProxies: String(env.reverseProxies ?? "")
      .split(/\s+/)
      .filter((address) => address !== "")
      .map(plainAddress),
  };
  return wrong.length === 0 ? { ok: true, settings } : { ok: false, why: wrong.join(" ") };
}

/** Whether the lives of lobbies are logged. An object that wakes under settings that are wrong logs none. */
export function logsLobbies(env: Env): boolean {
  const read = readSettings(env);
  return read.ok && read.settings.logLobbies;
}

/** The settings, for objects: a Worker with bad ones answers 503 and never calls an object. */
export function settingsOf(env: Env): Settings {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.why);
  return read.settings;
}
