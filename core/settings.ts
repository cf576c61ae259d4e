/**
 * Every setting of the Worker, declared once: its name, kind, default, bounds and help. The vars of wrangler.toml, the
 * flags of `npm start`, its `--help` and the page for operators all have these names (a test holds them together).
 */
import { canonicalAddress, plainHost } from "./endpoint.ts";
import { sharedLimits } from "./limits.ts";
import { isRegion, type Region } from "./lounges.ts";
import { type IceServer, readIceServers } from "./wire/ice.ts";

/** By sidecars' names. */
export type NamedHosts = ReadonlyMap<string, readonly string[]>;
export type NamedNumbers = ReadonlyMap<string, number>;

export type Declared = {
  readonly help: string;
  /** Whether `npm start` has a flag for it. */
  readonly flag?: true;
  /** What `npm start` takes without that flag, if it is another default. */
  readonly startDefault?: string;
} & (
  | { readonly kind: "number"; readonly default: number; readonly least: number; readonly most?: number }
  /** `on` or `off`. */
  | { readonly kind: "switch"; readonly default: boolean }
  /** A location hint of Cloudflare's, or nothing. */
  | { readonly kind: "region"; readonly default: null }
  /** Origins of web pages, separated by spaces; `*` for any, `local` for those of this machine and its network. */
  | { readonly kind: "origins"; readonly default: readonly string[] }
  /** IP addresses, separated by spaces. */
  | { readonly kind: "addresses"; readonly default: readonly string[] }
  /** JSON: a list of servers as RTCPeerConnection takes them. */
  | { readonly kind: "ice-servers"; readonly default: readonly IceServer[] }
  /** `name=host`, separated by spaces; one name may have several. */
  | { readonly kind: "hosts"; readonly default: NamedHosts }
  /** `name=number`, separated by spaces. */
  | { readonly kind: "numbers"; readonly default: NamedNumbers }
);

export const settings = {
  ptpmServerConnectTimeoutMs: {
    kind: "number",
    default: 300_000,
    least: 1,
    flag: true,
    help: "How long all players have for their first datagram.",
  },
  ptpmConnectRequestIntervalMs: {
    kind: "number",
    default: 10_000,
    least: 1,
    flag: true,
    help: "How often players are asked again, until all are seen.",
  },
  ptpmConnectTimeoutMs: {
    kind: "number",
    default: 300_000,
    least: 1,
    flag: true,
    help: "How long the players have to connect to one another.",
  },
  clientsPerLounge: {
    kind: "number",
    default: sharedLimits.loungeFill,
    least: 1,
    most: sharedLimits.loungeSockets,
    help: "Clients that a lounge holds: those that connect before they know their lobby.",
  },
  region: {
    kind: "region",
    default: null,
    help: "Where the directory and the fleet are created.",
  },
  directoryShards: {
    kind: "number",
    default: 1,
    least: 1,
    help: "Objects that share the list of public lobbies.",
  },
  publicLobbiesPerAddress: {
    kind: "number",
    default: 128,
    least: 1,
    flag: true,
    help: "Public lobbies of one address that are listed at a time.",
  },
  socketsPerAddress: {
    kind: "number",
    default: 200,
    least: 1,
    flag: true,
    help: "WebSockets that one address may have open at a time: in one lounge, or with npm start in all.",
  },
  directoryMaxAgeMs: {
    kind: "number",
    default: 0,
    least: 0,
    help: "Milliseconds that an isolate may answer GET /lobbies from its last answer; 0 for never.",
  },
  chatDeliveriesPerSecond: {
    kind: "number",
    default: sharedLimits.chatDeliveriesPerSecond,
    least: 1,
    flag: true,
    help: "Chat messages that a lobby delivers a second, counted at each member.",
  },
  meshMembers: {
    kind: "number",
    default: 12,
    least: 2,
    most: 64,
    flag: true,
    help: "Members that a lobby may have in which everyone is connected to everyone.",
  },
  networkCentsPerDay: {
    kind: "number",
    default: 40,
    least: 0,
    help: "US cents that one network (IPv4 address, IPv6 /64) may cost a day at Cloudflare; 0 for no bound.",
  },
  relayCentsPerDay: {
    kind: "number",
    default: 500,
    least: 0,
    help: "US cents a day that relays over WebSocket may cost at Cloudflare, for everybody together; 0 for no bound.",
  },
  logLobbies: {
    kind: "switch",
    default: false,
    flag: true,
    startDefault: "on",
    help: "Log who opens, joins and leaves lobbies, and how they connect.",
  },
  allowedOrigin: {
    kind: "origins",
    default: ["*"],
    flag: true,
    startDefault: "local",
    help: "The origins of web pages that may use the server; * for any, local for this machine and its network.",
  },
  operatorOrigin: {
    kind: "origins",
    default: [],
    flag: true,
    help: "Where the operator's view is opened, if that is a name of the Internet: https://play.example.org",
  },
  groovejet: {
    kind: "switch",
    default: true,
    flag: true,
    help: "Serve groovejet's clients, on the same port as Orion's.",
  },
  groovejetReadmeNames: {
    kind: "switch",
    default: true,
    help: "Answer groovejet's clients by the names in its README, too: roomCreated after createdRoom, roomJoined after joinedRoom.",
  },
  iceServers: {
    kind: "ice-servers",
    default: [{ urls: ["stun:stun.cloudflare.com:3478"] }],
    flag: true,
    startDefault: "[]",
    help: 'STUN and TURN servers for players who connect by WebRTC, as JSON: [{"urls": "stun:stun.example.org"}]',
  },
  reverseProxies: {
    kind: "addresses",
    default: [],
    flag: true,
    help: "Addresses of your own reverse proxies, which many players come from, separated by spaces.",
  },
  sidecarHosts: {
    kind: "hosts",
    default: new Map(),
    help: "Where players may be sent, for each sidecar: fra-1=203.0.113.7 ams-1=udp.example.org",
  },
  sidecarKeys: {
    kind: "numbers",
    default: new Map(),
    help: "Which key of a sidecar is good, where it is not the first: fra-1=2",
  },
} as const satisfies Record<string, Declared>;

type ValueOf<D extends Declared> = D["kind"] extends "number"
  ? number
  : D["kind"] extends "switch"
    ? boolean
    : D["kind"] extends "region"
      ? Region | null
      : D["kind"] extends "hosts"
        ? NamedHosts
        : D["kind"] extends "numbers"
          ? NamedNumbers
          : D["kind"] extends "ice-servers"
            ? readonly IceServer[]
            : readonly string[];
export type SettingName = keyof typeof settings;
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> };

/** Orion's timing options, in milliseconds. */
export type Timing = Pick<
  Settings,
  "ptpmServerConnectTimeoutMs" | "ptpmConnectRequestIntervalMs" | "ptpmConnectTimeoutMs"
>;
export const defaultTiming: Timing = {
  ptpmServerConnectTimeoutMs: settings.ptpmServerConnectTimeoutMs.default,
  ptpmConnectRequestIntervalMs: settings.ptpmConnectRequestIntervalMs.default,
  ptpmConnectTimeoutMs: settings.ptpmConnectTimeoutMs.default,
};

type Given = { readonly [Name in SettingName]?: string | number | boolean | undefined };

/** The settings as given, the defaults where nothing is, and a sentence for each that is wrong. */
export function readSettings(given: Given): { settings: Settings; mistakes: string[] } {
  const mistakes: string[] = [];
  const read = <Name extends SettingName>(name: Name) => {
    const one = readSetting(name, given[name]);
    if (one.ok) return one.value;
    mistakes.push(one.why);
    return settings[name].default;
  };
  const entries = (Object.keys(settings) as SettingName[]).map((name) => [name, read(name)]);
  return { settings: Object.fromEntries(entries) as Settings, mistakes };
}

/** One setting: its value, or what is wrong with what was given. */
export function readSetting(
  name: SettingName,
  given: string | number | boolean | undefined,
): { ok: true; value: Settings[SettingName] } | { ok: false; why: string } {
  const declared: Declared = settings[name];
  if (given === undefined) return { ok: true, value: declared.default };
  const text = String(given).trim();
  switch (declared.kind) {
    case "number": {
      const { least, most } = declared;
      const value = text === "0" ? 0 : positiveInteger(text, most);
      if (value !== null && value >= least) return { ok: true, value };
      const range = most === undefined ? `${least} up` : `${least} to ${most}`;
      return { ok: false, why: `${name} must be a whole number from ${range}, not "${given}".` };
    }
    case "switch":
      return /^(on|off|true|false)$/.test(text)
        ? { ok: true, value: text === "on" || text === "true" }
        : { ok: false, why: `${name} must be on or off, not "${given}".` };
    case "region":
      return text === "" || isRegion(text)
        ? { ok: true, value: text === "" ? null : text }
        : { ok: false, why: `${name} must be a location hint of Cloudflare like weur, not "${given}".` };
    case "origins":
      return {
        ok: true,
        value: wordsOf(text)
          .map((word) => word.toLowerCase().replace(/\/$/, ""))
          .filter((word) => word !== ""),
      };
    case "addresses": {
      const value = wordsOf(text).map(canonicalAddress);
      return value.every((address) => address !== null)
        ? { ok: true, value }
        : { ok: false, why: `${name} must be IP addresses, separated by spaces, not "${given}".` };
    }
    case "ice-servers": {
      const value = readIceServers(text === "" ? "[]" : text);
      const example = '[{"urls": "turn:turn.example.org", "username": "me", "credential": "secret"}]';
      // What was given may have a password in it.
      return value ? { ok: true, value } : { ok: false, why: `${name} must be JSON like ${example}.` };
    }
    case "hosts": {
      const pairs = wordsOf(text).map((word) => pairShape.exec(word));
      if (pairs.includes(null)) return { ok: false, why: `${name} must be like fra-1=203.0.113.7.` };
      const hosts = new Map<string, string[]>();
      for (const pair of pairs) {
        const [, sidecar = "", host = ""] = pair ?? [];
        hosts.set(sidecar, [...(hosts.get(sidecar) ?? []), plainHost(host)]);
      }
      return { ok: true, value: hosts };
    }
    case "numbers": {
      const pairs = wordsOf(text).map((word) => pairShape.exec(word));
      const numbers = pairs.map((pair) => [pair?.[1] ?? "", positiveInteger(pair?.[2] ?? "")] as const);
      if (numbers.some(([, number]) => number === null))
        return { ok: false, why: `${name} must be like fra-1=2, with whole numbers from 1 up.` };
      return { ok: true, value: new Map(numbers.map(([sidecar, number]) => [sidecar, number ?? 1])) };
    }
  }
}

/** A sidecar's name, and what is said of it. */
const pairShape = /^([\w.-]{1,32})=([\w.:-]{1,200})$/;

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** The number in a setting's text, or null unless it is a whole number from 1 to `most`. Spaces around it do not count. */
export function positiveInteger(text: string, most = 2 ** 31 - 1): number | null {
  if (!/^\s*\d{1,10}\s*$/.test(text)) return null;
  const value = Number(text.trim());
  return value >= 1 && value <= most ? value : null;
}

/** The port a setting's text stands for, 0 for any free one; null unless it is a whole number from 0 to 65535. */
export function portNumber(text: string): number | null {
  return /^\s*0{1,5}\s*$/.test(text) ? 0 : positiveInteger(text, 65535);
}
