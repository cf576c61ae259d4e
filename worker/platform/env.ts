import { readSettings as readVars, type SettingName, type Settings } from "../../core/settings.ts";
import { shortestSecret } from "../../core/token.ts";
import { type Secrets, secretsOf } from "./keys.ts";
import type {
  BudgetPort,
  DirectoryPort,
  FleetPort,
  HolderPort,
  LobbyPort,
  RelayPort,
  StatsPort,
} from "./ports.ts";

/** What is counted for each address, by the name of its binding in wrangler.toml. */
export type Counted = "CONNECTS" | "REQUESTS" | "FAILED_JOINS" | "LISTINGS";
/** What is counted for each sidecar. Without the binding, as in `npm start`, which nobody bills, nothing bounds it. */
export type CountedPost = "HEARTBEATS" | "OBSERVATIONS";
/** The same of what its gateways do. */
export type CountedOfGateways = "GATEWAY_CONNECTS" | "GATEWAY_REQUESTS";
/** Wrong keys for the operator's view, of each network. */
export type CountedTries = "OPERATOR_TRIES";

/** What wrangler.toml, or `npm start`, binds. */
export type Env = {
  LOBBY: DurableObjectNamespace<LobbyPort>;
  LOUNGE: DurableObjectNamespace<HolderPort>;
  DIRECTORY: DurableObjectNamespace<DirectoryPort>;
  FLEET: DurableObjectNamespace<FleetPort>;
  /** The relays over WebSocket. */
  RELAY?: DurableObjectNamespace<RelayPort>;
  /** What each network may still cost. Without it, or with `networkCentsPerDay` 0, nothing bounds it. */
  BUDGET?: DurableObjectNamespace<BudgetPort>;
  /** The operator's statistics. */
  STATS?: DurableObjectNamespace<StatsPort>;
  /** Gets what is counted besides, if an operator binds a data set of Cloudflare's Analytics Engine. */
  ANALYTICS?: AnalyticsEngineDataset;
  /** The key of the operator's view, and one that may act, too (operator-keys.ts). Without either there is no such view. */
  ORION_OPERATOR_KEY?: string;
  ORION_OPERATOR_WRITE_KEY?: string;
  /** `on`: the statistics are kept although nobody can look at them by a key: `npm start` tells them to Prometheus. */
  keepStats?: string;
  /** The files of page/. Without them, the service has no pages. */
  ASSETS?: Pick<Fetcher, "fetch">;
  /** Says in `roomHeader` how many new players or lobbies the machine has room for. Only `npm start` binds it. */
  STORAGE?: Fetcher;
  /** Mixed into codes' check characters. Only `npm start` binds it: there the platform's own key is in the open source. */
  codeKey?: string;
  /** A key for Cloudflare's TURN servers: `wrangler secret put TURN_KEY_ID`, and its token. Without both there are none. */
  TURN_KEY_ID?: string;
  TURN_KEY_TOKEN?: string;
  /** Where the API of those is, if not at Cloudflare. Only tests bind it. */
  turnApi?: string;
  /**
   * Who says which address a request comes from: the server's own socket, or, without it, Cloudflare by a header. Only
   * `npm start` and `npm run dev` bind it: anybody could send them that header.
   */
  clientAddress?: "socket";
} & Secrets & { [What in Counted | CountedPost | CountedOfGateways | CountedTries]?: RateLimit } & {
    [Name in SettingName]?: string | number | boolean;
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
  const { settings, mistakes } = readVars(env);
  return mistakes.length === 0 ? { ok: true, settings } : { ok: false, why: mistakes.join(" ") };
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
