/** The options of `npm start`: Orion's five, and a few of our own. */

import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import { type OperatorKeyName, operatorKeyMistake } from "../core/operator-key.ts";
import {
  type Declared,
  portNumber,
  readSettings,
  type SettingName,
  settings,
  type Timing,
} from "../core/settings.ts";
import { gatewayCommandLine, gatewayHelp, readGateways } from "../udp-sidecar/gateways/options.ts";
import type { GatewaysOptions } from "../udp-sidecar/gateways/start.ts";
import { nextPort } from "../udp-sidecar/next-port.ts";
import { commands } from "./commands.ts";

export type StartOptions = {
  httpPort: number;
  udpPort: number;
  secondUdpPort: number;
  /** TCP; none without. */
  metricsPort: number | undefined;
  /** Keys of the operator's view, from the environment: other users of the machine can read a command line. */
  operatorKeys: { readonly [Name in OperatorKeyName]?: string };
  /** As `addressesOf` in port.ts takes it. */
  host: string;
  gateways: GatewaysOptions;
  timing: Timing;
  persist: string | undefined;
  /** Whether the Worker serves groovejet's clients. */
  groovejet: boolean;
  /** Settings of the Worker that were given, or that are others here than in a deployment. */
  vars: { readonly [Name in FlagName]?: string };
};

/** What stands for a flag's value in the help. */
const valueWords = {
  number: "n",
  switch: "on|off",
  region: "hint",
  origins: "origins",
  addresses: "addresses",
  hosts: "name=host",
  numbers: "name=n",
  "ice-servers": "json",
};

type FlagName = {
  [Name in SettingName]: (typeof settings)[Name] extends { flag: true } ? Name : never;
}[SettingName];

/** The flags that are settings of the Worker, in the order of their declaration. */
const flags = (Object.keys(settings) as SettingName[]).filter(
  (name): name is FlagName => "flag" in settings[name],
);
const settingCommandLine = Object.fromEntries(flags.map((name) => [name, { type: "string" }])) as {
  readonly [Name in FlagName]: { readonly type: "string" };
};
const settingFlags = flags.map(flagText).join("\n");

function flagText(name: SettingName): string {
  const {
    kind,
    help,
    default: fallback,
    startDefault = kind === "switch" ? (fallback ? "on" : "off") : String(fallback) || "none",
  }: Declared = settings[name];
  const value = name.endsWith("Ms") ? "ms" : valueWords[kind];
  return `  --${name} <${value}>\n      ${help} Default: ${startDefault}`;
}

export const help = `Orion Edge on one machine: HTTP, WebSocket and UDP in one process.

Usage: ${commands.startWith} [options]

  --httpPort <port>      HTTP and WebSocket. Default: 5980
  --udpPort <port>       UDP. Default: 5990
  --secondUdpPort <port> UDP, to see how a player's router maps ports.
                         Default: the next one after --udpPort
  --metricsPort <port>   Metrics for Prometheus, and the sidecar's health, over HTTP on 127.0.0.1.
                         Default: none
  --host <address>       The address to listen on. Default: ::, which is all of IPv4 and IPv6.
                         0.0.0.0 is all of IPv4, localhost is this machine alone
  --persist <folder>     Keep the server's storage there. Default: nothing is kept;
                         a lobby ends with its players' connections anyway
${settingFlags}
  --help                 This text

With a key in the environment, ORION_OPERATOR_KEY to look or ORION_OPERATOR_WRITE_KEY to look and act, the
operator's view is at /operator (docs/operator.md). To draw one: openssl rand -hex 16

For clients of other servers (docs/dialects.md), by flag or by the environment:

${gatewayHelp}

A value follows its option after a space or an equals sign. Port 0 is any free one.
`;

/** What the command line asks for: to run, to explain itself, or what is wrong with it, in a sentence. */
export type Wish = { kind: "run"; options: StartOptions } | { kind: "help" } | { kind: "error"; why: string };

export function readOptions(args: string[]): Wish {
  try {
    return parse(args);
  } catch (error) {
    return { kind: "error", why: commandLineMistake(error) };
  }
}

function parse(args: string[]): Wish {
  const text = { type: "string" } as const;
  const { values } = parseCommandLine({
    args,
    options: {
      httpPort: text,
      udpPort: text,
      secondUdpPort: text,
      metricsPort: text,
      host: text,
      persist: text,
      ...settingCommandLine,
      ...gatewayCommandLine,
      help: { type: "boolean" },
    },
    environment: process.env,
  });
  if (values.help) return { kind: "help" };

  type Port = "httpPort" | "udpPort" | "secondUdpPort" | "metricsPort";
  const port = (name: Port, fallback: number) => {
    const given = values[name];
    if (given === undefined) return fallback;
    const value = portNumber(given);
    if (value === null) throw new Error(`--${name} must be a whole number from 0 to 65535, not "${given}".`);
    return value;
  };
  const host = values.host ?? "::";
  if (isIP(host) === 0 && host !== "localhost") {
    throw new Error(`--host must be an IP address of this machine, or localhost, not "${host}".`);
  }
  const udpPort = port("udpPort", 5990);
  const secondUdpPort = port("secondUdpPort", nextPort(udpPort));
  if (udpPort === secondUdpPort && udpPort !== 0) {
    throw new Error(`--udpPort and --secondUdpPort must differ: both are ${udpPort}.`);
  }
  const vars = Object.fromEntries(
    flags.flatMap((name) => {
      const { startDefault }: Declared = settings[name];
      const text = values[name] ?? startDefault;
      return text === undefined ? [] : [[name, text]];
    }),
  ) as StartOptions["vars"];
  const { settings: read, mistakes } = readSettings(vars);
  if (mistakes[0] !== undefined) throw new Error(`--${mistakes[0]}`);
  if (values.persist === "") throw new Error("--persist must name a folder.");
  return {
    kind: "run",
    options: {
      httpPort: port("httpPort", 5980),
      udpPort,
      secondUdpPort,
      metricsPort: values.metricsPort === undefined ? undefined : port("metricsPort", 0),
      host,
      operatorKeys: readOperatorKeys(process.env),
      gateways: readGateways(values, process.env, host),
      persist: values.persist,
      groovejet: read.groovejet,
      vars,
      timing: {
        ptpmServerConnectTimeoutMs: read.ptpmServerConnectTimeoutMs,
        ptpmConnectRequestIntervalMs: read.ptpmConnectRequestIntervalMs,
        ptpmConnectTimeoutMs: read.ptpmConnectTimeoutMs,
      },
    },
  };
}

/** Throws, with a sentence, for a key that is no good. */
function readOperatorKeys(environment: NodeJS.ProcessEnv): StartOptions["operatorKeys"] {
  const names = ["ORION_OPERATOR_KEY", "ORION_OPERATOR_WRITE_KEY"] as const;
  const keys = names.map((name) => [name, (environment[name] ?? "").trim()] as const);
  const given = keys.filter(([, key]) => key !== "");
  for (const [name, key] of given) {
    const mistake = operatorKeyMistake(name, key);
    if (mistake !== null) throw new Error(mistake);
  }
  return Object.fromEntries(given);
}

/** The addresses under which other machines of the network may reach this one, if it listens on `host`. */
export function ownAddresses(host: string): string[] {
  if (host !== "::" && host !== "0.0.0.0") return [];
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => !internal && (host === "::" || family === "IPv4"))
    .map(({ address }) => address)
    .filter((address) => !isLinkLocal(address));
}

/** Whether an address needs a zone, as in `fe80::1%eth0`. URLs of browsers have none. */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
