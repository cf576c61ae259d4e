/** docs/limits.md, made from the limits.ts of each room: every bound with its reason, as it stands there. */
import { readdirSync, readFileSync } from "node:fs";
import { webrtcLimits } from "../../client/webrtc/limits.ts";
import { socketLimits } from "../../client/websocket/limits.ts";
import { groovejetLimits } from "../../core/dialects/groovejet/limits.ts";
import { gatewayLimits } from "../../core/dialects/limits.ts";
import { norayLimits } from "../../core/dialects/noray/limits.ts";
import { rabidLimits } from "../../core/dialects/rabid/limits.ts";
import { sharedLimits } from "../../core/limits.ts";
import { linkLimits } from "../../core/link/limits.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { observingLimits } from "../../core/observing/limits.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import { socketRelayLimits } from "../../core/relay/socket/limits.ts";
import { reliableLimits } from "../../core/reliable/limits.ts";
import { statsLimits } from "../../core/stats/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { root } from "../../measure/kit/program.ts";
import { sidecarLimits } from "../../udp-sidecar/limits.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { objectLimits } from "../../worker/objects/limits.ts";
import { platformLimits } from "../../worker/platform/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

type Table = {
  heading: string;
  path: string;
  name: string;
  limits: Record<string, number | readonly number[]>;
};

/** In the order of the page: first what every client meets, then what only some do, or an operator. */
export const tables: Table[] = [
  { heading: "Messages", path: "core/wire/limits.ts", name: "wireLimits", limits: wireLimits },
  { heading: "Rates and silence", path: "core/limits.ts", name: "sharedLimits", limits: sharedLimits },
  {
    heading: "Requests and addresses",
    path: "worker/edge/limits.ts",
    name: "edgeLimits",
    limits: edgeLimits,
  },
  { heading: "One client", path: "worker/sessions/limits.ts", name: "holderLimits", limits: holderLimits },
  { heading: "Lobbies", path: "core/lobby/limits.ts", name: "lobbyLimits", limits: lobbyLimits },
  {
    heading: "Lobby list and fleet",
    path: "worker/objects/limits.ts",
    name: "objectLimits",
    limits: objectLimits,
  },
  {
    heading: "Links between players",
    path: "core/link/limits.ts",
    name: "linkLimits",
    limits: linkLimits,
  },
  {
    heading: "Reliable messages",
    path: "core/reliable/limits.ts",
    name: "reliableLimits",
    limits: reliableLimits,
  },
  { heading: "Relay", path: "core/relay/limits.ts", name: "relayLimits", limits: relayLimits },
  {
    heading: "Relay over WebSocket",
    path: "core/relay/socket/limits.ts",
    name: "socketRelayLimits",
    limits: socketRelayLimits,
  },
  {
    heading: "Links by WebRTC",
    path: "client/webrtc/limits.ts",
    name: "webrtcLimits",
    limits: webrtcLimits,
  },
  {
    heading: "Clients of that relay",
    path: "client/websocket/limits.ts",
    name: "socketLimits",
    limits: socketLimits,
  },
  {
    heading: "Observed endpoints",
    path: "core/observing/limits.ts",
    name: "observingLimits",
    limits: observingLimits,
  },
  { heading: "Sidecar", path: "udp-sidecar/limits.ts", name: "sidecarLimits", limits: sidecarLimits },
  { heading: "Gateways", path: "core/dialects/limits.ts", name: "gatewayLimits", limits: gatewayLimits },
  {
    heading: "groovejet",
    path: "core/dialects/groovejet/limits.ts",
    name: "groovejetLimits",
    limits: groovejetLimits,
  },
  {
    heading: "noray",
    path: "core/dialects/noray/limits.ts",
    name: "norayLimits",
    limits: norayLimits,
  },
  { heading: "Rabid", path: "core/dialects/rabid/limits.ts", name: "rabidLimits", limits: rabidLimits },
  {
    heading: "Operator's view",
    path: "core/stats/limits.ts",
    name: "statsLimits",
    limits: statsLimits,
  },
  {
    heading: "Calls and logs",
    path: "worker/platform/limits.ts",
    name: "platformLimits",
    limits: platformLimits,
  },
];

const head = `# Limits

This page is for operators and authors of clients who have met a bound, and wonder which it was and why it has its value. Every
bound of the service is here, with its unit and its reason. What a client is told when it meets one is in
[protocol.md](protocol.md#limits) and [links.md](links.md#limits), what a server asks of its operator in [strangers.md](strangers.md).

Each section is made from the file that it names. After a change there, run \`npx vitest run test/docs/limits.test.ts -u\`.
`;

export function limitsPage(): string {
  return head + tables.map(sectionOf).join("");
}

/** The files of limits that there are, as paths from the project's folder. */
export function limitFiles(): string[] {
  return ["core", "session", "worker", "udp-sidecar", "client", "local"].flatMap((room) =>
    readdirSync(`${root}${room}`, { recursive: true, encoding: "utf8" })
      .map((path) => `${room}/${path.replaceAll("\\", "/")}`)
      .filter((path) => path.endsWith("/limits.ts")),
  );
}

function sectionOf({ heading, path, name, limits }: Table): string {
  const source = readFileSync(`${root}${path}`, "utf8");
  const told = (what: string) =>
    new RegExp(`/\\*\\*[\\s*]*((?:(?!\\*/)[\\s\\S])*?)\\s*\\*/\\s*${what}\\b`)
      .exec(source)?.[1]
      ?.replace(/\s*\n\s*\*?\s*/g, " ")
      .replaceAll("|", "\\|") ?? "";
  const rows = Object.entries(limits).map(([limit, value]) => {
    const text = [value].flat().map((each) => each.toLocaleString("en").replaceAll(",", " "));
    return `| \`${limit}\` | ${text.join(", ")} | ${told(limit)} |\n`;
  });
  return `
## ${heading}

${told(`export const ${name}`)} In [${path}](../${path}), as \`${name}\`.

| limit | value | reason |
| --- | --- | --- |
${rows.join("")}`;
}
