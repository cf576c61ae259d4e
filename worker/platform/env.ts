import { plainAddress } from "../../core/endpoint.ts";
import { limits } from "../../core/limits.ts";
import { isRegion, type Region } from "../../core/lounges.ts";
import { defaultTiming, positiveInteger, type Timing } from "../../core/settings.ts";
import { shortestSecret } from "../../core/token.ts";
import { secretsOf } from "./keys.ts";
import type { DirectoryPort, FleetPort, HolderPort, LobbyPort } from "./ports.ts";

/** What is counted for each address, by the name of its binding in wrangler.toml. */
export type Counted = "CONNECTS" | "REQUESTS" | "FAILED_JOINS" | "LISTINGS";

/** What wrangler.toml, or `npm start`, binds. */
export type Env = {
  LOBBY: DurableObjectNamespace<LobbyPort>;
  LOUNGE: DurableObjectNamespace<HolderPort>;
  DIRECTORY: DurableObjectNamespace<DirectoryPort>;
  FLEET: DurableObjectNamespace<FleetPort>;
  /** Answers 200 while the machine's storage has room for new players and lobbies. Only `npm start` binds it. */
  STORAGE?: Fetcher;
  /** Mixed into codes' check characters. Only `npm start` binds it: there the platform's own key is in the open source. */
  codeKey?: string;
  /** The deployment's one secret, the same on every sidecar. `wrangler secret put ORION_SECRET` */
  ORION_SECRET?: string;
  /** A second one that is accepted, while one follows the other (docs/operating.md). */
  ORION_SECRET_BEFORE?: string;
} & { [What in Counted]?: RateLimit } & { [Setting in keyof Settings]?: string | number | boolean };

export type Settings = Timing & {
  /** Clients that a lounge holds. */
  clientsPerLounge: number;
  /** Where the directory and the fleet are created; null for wherever they are first asked for. */
  region: Region | null;
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
    name: Exclude<keyof Settings, "region" | "logLobbies" | "allowedOrigin" | "reverseProxies">,
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
  const regionOf = () => {
    const given = String(env.region ?? "").trim();
    if (given === "" || isRegion(given)) return given === "" ? null : given;
    wrong.push(`region must be a location hint of Cloudflare like weur, not "${given}".`);
    return null;
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
    clientsPerLounge: number("clientsPerLounge", limits.loungeFill, 1, limits.loungeSockets),
    region: regionOf(),
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

/** The origins that a setting lists, separated by spaces; `*` alone is any. */
function readOrigins(text: string): string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .map((origin) => origin.replace(/\/$/, ""))
    .filter((origin) => origin !== "");
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
