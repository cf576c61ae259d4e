/**
 * The options of gateways, for `npm run sidecar` and `npm start` alike: by flag, or by the environment. Those who come from noray's own server
 * keep its variables (`NORAY_…`); a flag, or our own variable, counts before them.
 */
import { isIPv6 } from "node:net";
import { quotedValue } from "../../core/command-line.ts";
import { gatewayLimits } from "../../core/dialects/limits.ts";
import { parsePorts, readNoraySettings } from "../../core/dialects/noray/settings.ts";
import { portNumber, positiveInteger } from "../../core/settings.ts";
import { startNorayGateway } from "./noray/gateway.ts";
import { startRabidGateway } from "./rabid.ts";
import type { GatewayPlan, GatewaysOptions } from "./start.ts";

type Declared = { value: string; fallback: string; help: string };

export const gatewayFlags = {
  norayPort: {
    value: "port|off",
    fallback: "8890",
    help: "The TCP port for clients of noray, or off for none.",
  },
  norayRegistrarPort: { value: "port", fallback: "8809", help: "The UDP port of noray's registrar." },
  norayRelayPorts: {
    value: "ports",
    fallback: "49152-51200",
    help: "The UDP ports of noray's relays, like 49152-51200 or 52000,53000+9.",
  },
  rabidPort: {
    value: "port|off",
    fallback: "57775",
    help: "The UDP port for clients of Rabid Hole Punch, or off for none.",
  },
  gatewaySessionsPerAddress: {
    value: "n",
    fallback: String(gatewayLimits.addressSessions),
    help: "Players of one IPv4 address that a gateway serves at a time.",
  },
  gatewaySessionsPerNetwork: {
    value: "n",
    fallback: String(gatewayLimits.wideSessions),
    help: "Players of one IPv4 /24 that a gateway serves at a time.",
  },
  gatewaySessions: {
    value: "n",
    fallback: String(gatewayLimits.sessions),
    help: "Players that a gateway serves at a time.",
  },
  gatewayDatagramsPerAddress: {
    value: "n",
    fallback: String(gatewayLimits.addressDatagramsPerSecond),
    help: "Datagrams a second that a gateway reads from one address.",
  },
  skipTakenPorts: {
    value: "on|off",
    fallback: "off",
    help: "Start without the gateways whose ports another program has, and say so.",
  },
} as const satisfies Record<string, Declared>;
export type GatewayFlag = keyof typeof gatewayFlags;

const names = Object.keys(gatewayFlags) as GatewayFlag[];

/** For `parseCommandLine`. */
export const gatewayCommandLine = Object.fromEntries(names.map((name) => [name, { type: "string" }])) as {
  readonly [Name in GatewayFlag]: { readonly type: "string" };
};

/** Lines of `--help`. */
export const gatewayHelp = names
  .map((name) => {
    const { value, fallback, help } = gatewayFlags[name];
    return `  --${name} <${value}>\n      ${help} Default: ${fallback} (${variableOf(name)})`;
  })
  .join("\n");

export type GivenFlags = { readonly [Name in GatewayFlag]?: string | undefined };
type Environment = { readonly [name: string]: string | undefined };

/**
 * What the operator wants of the gateways. `host`: the address to listen on. Their clients know IPv4 alone, so on one address of IPv6 there are none,
 * unless they are asked for. Throws an error whose message is a sentence for the operator.
 */
export function readGateways(flags: GivenFlags, environment: Environment, host: string): GatewaysOptions {
  const given = (name: GatewayFlag) =>
    flags[name]?.trim() ?? (environment[variableOf(name)]?.trim() || undefined);
  const count = (name: GatewayFlag, most: number) => {
    const text = given(name) ?? gatewayFlags[name].fallback;
    const value = positiveInteger(text, most);
    if (value !== null) return value;
    throw new Error(`--${name} must be a whole number from 1 to ${most}, not ${quotedValue(text)}.`);
  };
  const port = (name: GatewayFlag, fallback: number) => {
    const text = given(name);
    if (text === undefined) return fallback;
    const value = portNumber(text);
    if (value !== null) return value;
    const orOff = gatewayFlags[name].value.endsWith("off") ? ", or off" : "";
    throw new Error(`--${name} must be a whole number from 0 to 65535${orOff}, not ${quotedValue(text)}.`);
  };
  const isWanted = (name: GatewayFlag) => {
    if (given(name) === "off") return false;
    if (!isIPv6(host) || host === "::") return true;
    if (given(name) === undefined) return false;
    throw new Error(
      `--${name} needs an address of IPv4, because its clients know no other: --host has ${host}.`,
    );
  };

  const { settings, mistakes, unused } = readNoraySettings(environment);
  const noray = (): GatewayPlan => {
    if (mistakes[0] !== undefined) throw new Error(mistakes[0]);
    const own = environment.NORAY_UDP_RELAY_PORTS?.trim() || undefined;
    const text = given("norayRelayPorts") ?? own ?? gatewayFlags.norayRelayPorts.fallback;
    const relayPorts = parsePorts(text);
    if (!relayPorts) {
      throw new Error(
        `--norayRelayPorts must be like 49152-51200 or 52000,53000+9, not ${quotedValue(text)}.`,
      );
    }
    const listens = environment.NORAY_SOCKET_HOST?.trim() ? settings.host : v4Of(host);
    const options = {
      ...{ ...settings, relayPorts, host: listens },
      port: port("norayPort", settings.port),
      registrarPort: port("norayRegistrarPort", settings.registrarPort),
    };
    return {
      name: "noray",
      ports: [
        { kind: "TCP", port: options.port, flag: "--norayPort" },
        { kind: "UDP", port: options.registrarPort, flag: "--norayRegistrarPort" },
      ],
      more: `relays ${text}`,
      start: (context) => startNorayGateway(options, context),
    };
  };

  const rabid = (): GatewayPlan => {
    const options = { port: port("rabidPort", Number(gatewayFlags.rabidPort.fallback)) };
    return {
      name: "rabid",
      ports: [{ kind: "UDP", port: options.port, flag: "--rabidPort" }],
      start: (context) => startRabidGateway(options, context),
    };
  };

  const skip = given("skipTakenPorts") ?? gatewayFlags.skipTakenPorts.fallback;
  if (skip !== "on" && skip !== "off") {
    throw new Error(`--skipTakenPorts must be on or off, not ${quotedValue(skip)}.`);
  }
  const hasNoray = isWanted("norayPort");
  return {
    plans: [...(hasNoray ? [noray()] : []), ...(isWanted("rabidPort") ? [rabid()] : [])],
    ignored: hasNoray ? unused : [],
    admission: {
      addressSessions: count("gatewaySessionsPerAddress", 10_000),
      wideSessions: count("gatewaySessionsPerNetwork", 10_000),
      sessions: count("gatewaySessions", 20_000),
      addressDatagramsPerSecond: count("gatewayDatagramsPerAddress", 100_000),
    },
    skipTaken: skip === "on",
  };
}

/** The environment's name for a flag: `ORION_NORAY_PORT`. */
function variableOf(name: GatewayFlag): string {
  return `ORION_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The IPv4 address that is meant by the address to listen on. */
function v4Of(host: string): string {
  if (host === "localhost") return "127.0.0.1";
  return isIPv6(host) ? "0.0.0.0" : host;
}
