/** The settings of noray's own server, `NORAY_*`, where they mean the same here. */
import { positiveInteger } from "../../settings.ts";
import { type IdShape, nanoidCharacters } from "./ids.ts";
import { norayLimits } from "./limits.ts";
import type { NorayRelayBounds } from "./relays.ts";

export type NoraySettings = {
  /** Addresses of this machine to listen on: IPv4, because clients know no other. */
  host: string;
  /** TCP. */
  port: number;
  /** UDP. */
  registrarPort: number;
  /** UDP, in the order given, each once. */
  relayPorts: readonly number[];
  oid: IdShape;
  pid: IdShape;
  bounds: NorayRelayBounds;
  /** Milliseconds between two looks for idle relays. */
  cleanupMs: number;
};

export type Environment = { readonly [name: string]: string | undefined };

export type NorayReading = {
  settings: NoraySettings;
  /** A sentence for each setting that is wrong. */
  mistakes: string[];
  /** Names of settings of noray's that are set, and change nothing here. */
  unused: string[];
};

const defaultRelayPorts = "49152-51200";
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Milliseconds of each unit. A bare number is seconds. */
const durationUnits: Readonly<Record<string, number>> = {
  "": 1_000,
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: minuteMs,
  h: hourMs,
  hr: hourMs,
  d: dayMs,
  w: 7 * dayMs,
  mo: 30 * dayMs,
  yr: 365 * dayMs,
};
/** In order of their powers of 1024. */
const sizeUnits = ["b", "kb", "mb", "gb", "tb", "pb", "eb", "zb", "yb"];

/** Milliseconds; null for a text that is no duration. */
export function parseDuration(text: string): number | null {
  const [, number, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = Object.hasOwn(durationUnits, unit.toLowerCase())
    ? durationUnits[unit.toLowerCase()]
    : undefined;
  return number === undefined || factor === undefined ? null : Number(number) * factor;
}

/** Bytes; null for a text that is no size. */
export function parseSize(text: string): number | null {
  const [, number, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const power = unit === "" ? 0 : sizeUnits.indexOf(unit.toLowerCase());
  return number === undefined || power < 0 ? null : Number(number) * 1024 ** power;
}

/** Ports of a list like `49152-51200, 52000, 53000+9`, each once; null if a part of it is wrong. */
export function parsePorts(text: string): number[] | null {
  const ports = new Set<number>();
  for (const part of text.split(",").map((part) => part.trim())) {
    const [, first, sign, second] = /^(\d{1,5})(?:\s*([-+])\s*(\d{1,5}))?$/.exec(part) ?? [];
    if (first === undefined) return null;
    const from = Number(first);
    const to = sign === "-" ? Number(second) : sign === "+" ? from + Number(second) : from;
    if (from < 1 || to > 65_535 || to < from) return null;
    for (let port = from; port <= to; port++) ports.add(port);
  }
  return [...ports];
}

/** What noray has and this does not: why is in docs/dialects.md. */
const withoutMeaning = [
  "NORAY_ENABLE_WORDS_OID",
  "NORAY_WORDS_OID_LENGTH",
  "NORAY_HTTP_HOST",
  "NORAY_HTTP_PORT",
  "NORAY_UDP_RELAY_TRAFFIC_INTERVAL",
  "NORAY_LOGLEVEL",
];

/** Reads them as noray does: a number that is none counts as missing, and a unit that it does not know is a mistake. */
export function readNoraySettings(environment: Environment): NorayReading {
  const mistakes: string[] = [];
  const given = (name: string) => environment[`NORAY_${name}`]?.trim() || undefined;
  const integer = (name: string, fallback: number, least: number, most: number) => {
    const value = positiveInteger(given(name) ?? "", 2 ** 31 - 1) ?? fallback;
    if (value >= least && value <= most) return value;
    mistakes.push(`NORAY_${name} must be a whole number from ${least} to ${most}.`);
    return fallback;
  };
  const measured = (name: string, parse: (text: string) => number | null, fallback: number, like: string) => {
    const text = given(name);
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value !== null && value > 0) return value;
    mistakes.push(`NORAY_${name} must be like ${like}.`);
    return fallback;
  };
  const characters = (name: string) => {
    const text = given(name) ?? nanoidCharacters;
    if (/^[\w-]{2,64}$/.test(text) && new Set(text).size === text.length) return text;
    mistakes.push(`NORAY_${name} must be 2 to 64 different characters of A-Z, a-z, 0-9, _ and -.`);
    return nanoidCharacters;
  };
  const ports = () => {
    const text = given("UDP_RELAY_PORTS") ?? defaultRelayPorts;
    const list = parsePorts(text);
    if (list) return list;
    mistakes.push("NORAY_UDP_RELAY_PORTS must be like 49152-51200, 52000 or 53000+9.");
    return parsePorts(defaultRelayPorts) ?? [];
  };
  const host = () => {
    const text = given("SOCKET_HOST") ?? "0.0.0.0";
    if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return text;
    if (text === "localhost") return "127.0.0.1";
    mistakes.push(
      "NORAY_SOCKET_HOST must be an IPv4 address of this machine: noray's clients know no other.",
    );
    return "0.0.0.0";
  };
  const duration = (name: string, fallback: number) => measured(name, parseDuration, fallback, "30s or 4hr");
  const size = (name: string, fallback: number) => measured(name, parseSize, fallback, "128kb or 4gb");
  const totalRate = size("UDP_RELAY_MAX_GLOBAL_TRAFFIC", norayLimits.norayTotalRate);
  const settings: NoraySettings = {
    host: host(),
    port: integer("SOCKET_PORT", 8890, 1, 65_535),
    registrarPort: integer("UDP_REGISTRAR_PORT", 8809, 1, 65_535),
    relayPorts: ports(),
    oid: {
      length: integer("OID_LENGTH", 21, 1, norayLimits.norayOidLength),
      characters: characters("OID_CHARSET"),
    },
    pid: {
      length: integer("PID_LENGTH", 128, norayLimits.norayShortestPid, norayLimits.norayPidLength),
      characters: characters("PID_CHARSET"),
    },
    bounds: {
      rate: Math.min(totalRate, size("UDP_RELAY_MAX_INDIVIDUAL_TRAFFIC", norayLimits.norayRelayRate)),
      networkRate: totalRate * norayLimits.norayNetworkPart,
      totalRate,
      lifetimeBytes: size("UDP_RELAY_MAX_LIFETIME_TRAFFIC", 4 * 1024 ** 3),
      lifetimeMs: duration("UDP_RELAY_MAX_LIFETIME_DURATION", 4 * hourMs),
      idleMs: duration("UDP_RELAY_TIMEOUT", 30_000),
    },
    cleanupMs: duration("UDP_RELAY_CLEANUP_INTERVAL", 30_000),
  };
  const unused = withoutMeaning.filter((name) => environment[name]?.trim());
  return { settings, mistakes, unused };
}
