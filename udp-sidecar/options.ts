/** The sidecar's options: by flag, or by the environment. */

import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { commandLineMistake, parseCommandLine, quotedValue } from "../core/command-line.ts";
import { hostInUrl } from "../core/endpoint.ts";
import { relayLimits } from "../core/relay/limits.ts";
import { portNumber, positiveInteger } from "../core/settings.ts";
import { secretText, shortestSecret } from "../core/token.ts";
import { nextPort } from "./next-port.ts";
import type { SidecarOptions } from "./sidecar.ts";

const mebibyte = 1024 * 1024;
const defaultRelayRate = relayLimits.relayTotalRate / mebibyte;

export const help = `Orion Edge sidecar: sees the addresses players' datagrams come from, and tells the edge.

Usage: npm run sidecar -- --edge <url> [options]

  --edge <url>          The Worker's URL, like https://orion-edge.you.workers.dev   (ORION_EDGE)
  --secret <text>       The deployment's secret. Better in the environment, where
                        other users of the machine cannot read it                   (ORION_SECRET)
                        The one before is accepted as well                          (ORION_SECRET_BEFORE)
  --udpPort <port>      The UDP port to listen on. Default: 5990                    (ORION_UDP_PORT)
                        Port 0 is any free one: here, and for the two ports below
  --secondUdpPort <port>
                        Another one, which shows how a player's router maps ports.
                        Default: the next one after it                              (ORION_SECOND_UDP_PORT)
  --host <address>      The address of this machine to listen on. Default: ::,
                        which is all of IPv4 and IPv6; 0.0.0.0 is all of IPv4       (ORION_HOST)
  --publicHost <host>   The name or address players reach this machine by.
                        Default: the address the edge sees                          (ORION_PUBLIC_HOST)
  --name <name>         A name of its own, to tell sidecars apart.
                        Default: the machine's name and a random part               (ORION_NAME)
  --relayRate <number>  What it relays in all, in MiB a second, or off for nothing.
                        Default: ${defaultRelayRate}                                                 (ORION_RELAY_RATE)
  --metricsPort <port>  The TCP port of its metrics and health, over HTTP, or off
                        for none. Default: 5992                                     (ORION_METRICS_PORT)
  --metricsHost <address>
                        The address of that port. Default: 127.0.0.1                (ORION_METRICS_HOST)
  --metricsNames <names>
                        Host names that monitors call it by, separated by spaces.
                        Its IP addresses, localhost and the public host always work (ORION_METRICS_NAMES)
  --help                This text
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
      secret: text,
      udpPort: text,
      secondUdpPort: text,
      host: text,
      publicHost: text,
      name: text,
      relayRate: text,
      metricsPort: text,
      metricsHost: text,
      metricsNames: text,
      help: { type: "boolean" },
    },
    environment,
  });
  if (values.help) return { kind: "help" };
  const given = (name: keyof typeof variables) =>
    values[name]?.trim() ?? (environment[variables[name]]?.trim() || undefined);

  const edge = given("edge");
  if (!edge) throw new Error("Tell the sidecar where the Worker is: --edge https://… or ORION_EDGE.");
  const url = URL.parse(edge);
  if (!url || !/^https?:$/.test(url.protocol)) {
    // Not quoted: it may be the secret, given for the wrong one.
    throw new Error("--edge (or ORION_EDGE) must be a URL that begins with https:// or http://.");
  }
  if (url.username || url.password || url.pathname !== "/" || url.search || url.hash) {
    throw new Error(
      "--edge (or ORION_EDGE) must be the Worker's URL alone, like https://orion-edge.you.workers.dev: no user, password or path.",
    );
  }

  const secret = secretText(given("secret"));
  if (!secret) throw new Error("Give the sidecar the deployment's secret: ORION_SECRET in the environment.");
  if (secret.length < shortestSecret) {
    throw new Error(`The secret must have ${shortestSecret} characters or more, as the Worker's has.`);
  }

  // Only in the environment: it is there for a day, and other users of the machine read command lines.
  const secretBefore = secretText(environment.ORION_SECRET_BEFORE) || undefined;
  if (secretBefore !== undefined && secretBefore.length < shortestSecret) {
    throw new Error(`ORION_SECRET_BEFORE must have ${shortestSecret} characters or more.`);
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

  const name = given("name") ?? defaultName();
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw new Error(
      `--name must have 1 to 64 characters, each one of A-Z, a-z, 0-9, dot, dash or underscore, not ${quotedValue(name)}.`,
    );
  }
  return {
    kind: "run",
    options: { edge: url, secret, secretBefore, port, secondPort, bind, publicHost, name, relay, metrics },
  };
}

/** The environment's name for each flag. */
const variables = {
  edge: "ORION_EDGE",
  secret: "ORION_SECRET",
  host: "ORION_HOST",
  publicHost: "ORION_PUBLIC_HOST",
  name: "ORION_NAME",
  metricsHost: "ORION_METRICS_HOST",
  metricsNames: "ORION_METRICS_NAMES",
  udpPort: "ORION_UDP_PORT",
  secondUdpPort: "ORION_SECOND_UDP_PORT",
  relayRate: "ORION_RELAY_RATE",
  metricsPort: "ORION_METRICS_PORT",
} as const;

function isHost(text: string): boolean {
  return (
    /^[\w.:-]{1,253}$/.test(text) && URL.canParse(`http://${hostInUrl(text)}/`) && !/^[^:]*:\d*$/.test(text)
  );
}

function defaultName(): string {
  const machine = hostname()
    .replace(/[^\w.-]/g, "-")
    .slice(0, 50);
  return `${machine}-${randomBytes(4).toString("hex")}`;
}
