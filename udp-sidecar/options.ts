/** The sidecar's options: by flag, or by the environment. */

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { commandLineMistake, parseCommandLine, quotedValue } from "../core/command-line.ts";
import { hostInUrl } from "../core/endpoint.ts";
import { relayLimits } from "../core/relay/limits.ts";
import { portNumber, positiveInteger } from "../core/settings.ts";
import { parseSidecarKey, type SidecarKey } from "../core/sidecar-key.ts";
import { command } from "./command.ts";
import { gatewayCommandLine, gatewayHelp, readGateways } from "./gateways/options.ts";
import { nextPort } from "./next-port.ts";
import type { SidecarOptions } from "./sidecar.ts";

const mebibyte = 1024 * 1024;
const defaultRelayRate = relayLimits.relayTotalRate / mebibyte;

export const help = `Orion Edge sidecar: sees the addresses players' datagrams come from, and tells the edge.

Usage: ${command} --edge <url> [options]

  --edge <url>          The Worker's URL, like https://orion-edge.you.workers.dev   (ORION_EDGE)
  --udpPort <port>      The UDP port to listen on. Default: 5990                    (ORION_UDP_PORT)
                        Port 0 is any free one: here, and for the two ports below
  --secondUdpPort <port>
                        Another one, which shows how a player's router maps ports.
                        Default: the next one after it                              (ORION_SECOND_UDP_PORT)
  --host <address>      The address of this machine to listen on. Default: ::,
                        which is all of IPv4 and IPv6; 0.0.0.0 is all of IPv4       (ORION_HOST)
  --publicHost <host>   The name or address players reach this machine by.
                        Default: the address the edge sees                          (ORION_PUBLIC_HOST)
  --relayRate <number>  What it relays in all, in MiB a second, or off for nothing.
                        Default: ${defaultRelayRate}                                                 (ORION_RELAY_RATE)
  --metricsPort <port>  The TCP port of its metrics and health, over HTTP, or off
                        for none. Default: 5992                                     (ORION_METRICS_PORT)
  --metricsHost <address>
                        The address of that port. Default: 127.0.0.1                (ORION_METRICS_HOST)
  --metricsNames <names>
                        Host names that monitors call it by, separated by spaces.
                        Its IP addresses, localhost and the public host always work (ORION_METRICS_NAMES)

For clients of other servers (docs/dialects.md):

${gatewayHelp}

  --help                This text

The sidecar's key is in the environment alone, where other users of the machine cannot read it:

  ORION_SIDECAR_KEY         What npm run sidecar:key prints for it, where the deployment's secret is
  ORION_SIDECAR_KEY_BEFORE  The one before, accepted as well while one follows the other
  ORION_SIDECAR_KEY_FILE    Or a file with the key, and ORION_SIDECAR_KEY_BEFORE_FILE one with the one before
`;

/** What the command line asks for: to run, to explain itself, or what is wrong with it, in a sentence. */
export type Wish =
  | { kind: "run"; options: SidecarOptions }
  | { kind: "help" }
  | { kind: "error"; why: string };

/** Ignores spaces and line ends around a value. An empty variable counts as missing. */
export function readOptions(args: string[], environment: NodeJS.ProcessEnv): Wish {
  try {
    return parse(args, environment);
  } catch (error) {
    return { kind: "error", why: commandLineMistake(error) };
  }
}

function parse(args: string[], environment: NodeJS.ProcessEnv): Wish {
  const text = { type: "string" } as const;
  const { values } = parseCommandLine({
    args,
    options: {
      edge: text,
      udpPort: text,
      secondUdpPort: text,
      host: text,
      publicHost: text,
      relayRate: text,
      metricsPort: text,
      metricsHost: text,
      metricsNames: text,
      ...gatewayCommandLine,
      help: { type: "boolean" },
    },
    environment,
  });
  if (values.help) return { kind: "help" };
  const given = (name: keyof typeof variables) =>
    values[name]?.trim() ?? (environment[variables[name]]?.trim() || undefined);

  const edge = given("edge");
  if (!edge) throw new Error("Tell the sidecar where the Worker is: --edge https://… or ORION_EDGE.");
  const url = URL.canParse(edge) ? new URL(edge) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    // Not quoted: it may be the secret, given for the wrong one.
    throw new Error("--edge (or ORION_EDGE) must be a URL that begins with https:// or http://.");
  }
  if (url.username || url.password || url.pathname !== "/" || url.search || url.hash) {
    throw new Error(
      "--edge (or ORION_EDGE) must be the Worker's URL alone, like https://orion-edge.you.workers.dev: no user, password or path.",
    );
  }

  const key = keyIn(environment, "ORION_SIDECAR_KEY");
  if (!key)
    throw new Error(
      `Give the sidecar its key: ORION_SIDECAR_KEY in the environment, or ORION_SIDECAR_KEY_FILE. ${howToMakeOne}`,
    );
  const keyBefore = keyIn(environment, "ORION_SIDECAR_KEY_BEFORE");
  if (keyBefore && keyBefore.name !== key.name) {
    throw new Error("ORION_SIDECAR_KEY and ORION_SIDECAR_KEY_BEFORE must be of one name.");
  }

  const number = (name: "udpPort" | "secondUdpPort" | "relayRate" | "metricsPort", fallback: number) => {
    const text = given(name);
    if (text === undefined) return fallback;
    const isRate = name === "relayRate";
    const value = isRate ? positiveInteger(text, 100_000) : portNumber(text);
    if (value !== null) return value;
    const range = isRate ? "from 1 to 100000" : "from 0 to 65535";
    const orOff = name === "metricsPort" || isRate ? ", or off" : "";
    throw new Error(`--${name} must be a whole number ${range}${orOff}, not ${quotedValue(text)}.`);
  };
  const port = number("udpPort", 5990);
  const secondPort = number("secondUdpPort", nextPort(port));
  if (port === secondPort && port !== 0)
    throw new Error(`--udpPort and --secondUdpPort must differ: both are ${port}.`);
  const isOff = (name: "relayRate" | "metricsPort") => given(name) === "off";
  const relay = isOff("relayRate")
    ? { links: 0 }
    : { totalRate: number("relayRate", defaultRelayRate) * mebibyte };

  const address = (name: "host" | "metricsHost", fallback: string) => {
    const host = given(name) ?? fallback;
    if (isIP(host) !== 0 || host === "localhost") return host;
    throw new Error(
      `--${name} must be an IP address of this machine, or localhost, not ${quotedValue(host)}.`,
    );
  };
  const host = address("host", "::");
  const bind = host === "localhost" ? "127.0.0.1" : host;
  const metricsHost = address("metricsHost", "127.0.0.1");
  const publicHost = given("publicHost");
  if (publicHost !== undefined && !isHost(publicHost)) {
    throw new Error(
      `--publicHost must be a host name or an IP address, without a port, not ${quotedValue(publicHost)}.`,
    );
  }

  const names = `${publicHost ?? ""} ${given("metricsNames") ?? ""}`.toLowerCase().match(/\S+/g) ?? [];
  const metrics = isOff("metricsPort")
    ? undefined
    : { port: number("metricsPort", 5992), host: metricsHost, names };

  const gateways = readGateways(values, environment, host);
  return {
    kind: "run",
    options: { edge: url, key, keyBefore, port, secondPort, bind, publicHost, relay, metrics, gateways },
  };
}

/** The environment's name for each flag. */
const variables = {
  edge: "ORION_EDGE",
  host: "ORION_HOST",
  publicHost: "ORION_PUBLIC_HOST",
  metricsHost: "ORION_METRICS_HOST",
  metricsNames: "ORION_METRICS_NAMES",
  udpPort: "ORION_UDP_PORT",
  secondUdpPort: "ORION_SECOND_UDP_PORT",
  relayRate: "ORION_RELAY_RATE",
  metricsPort: "ORION_METRICS_PORT",
} as const;

function isHost(text: string): boolean {
  return (
    /^[\w.:-]{1,200}$/.test(text) && URL.canParse(`http://${hostInUrl(text)}/`) && !/^[^:]*:\d*$/.test(text)
  );
}

/** What the sidecar has instead of the deployment's secret, which is never on its machine. */
const howToMakeOne = "Where the deployment's secret is, run: npm run sidecar:key -- --name <name>";

/** Never quoted, whatever is wrong with it: it may be the secret. */
function keyIn(
  environment: NodeJS.ProcessEnv,
  name: "ORION_SIDECAR_KEY" | "ORION_SIDECAR_KEY_BEFORE",
): SidecarKey | undefined {
  const text = environment[name]?.trim();
  const path = environment[`${name}_FILE`]?.trim();
  if (text && path) throw new Error(`Set either ${name} or ${name}_FILE.`);
  const told = text || (path ? keyFileText(`${name}_FILE`, path) : "");
  if (!told) return undefined;
  const key = parseSidecarKey(told);
  if (key) return key;
  throw new Error(`${text ? name : `The file of ${name}_FILE`} is not a sidecar's key. ${howToMakeOne}`);
}

/** Services are given secrets as files that no other program can read: systemd's credentials, Docker's secrets. */
function keyFileText(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new Error(`The file of ${variable} cannot be read: ${code}.`);
  }
}
