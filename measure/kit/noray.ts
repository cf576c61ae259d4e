/** noray gateways for tests: real sockets on free ports, and nobody elsewhere unless a test brings an edge. */
import { gatewayLimits } from "../../core/dialects/limits.ts";
import { readNoraySettings } from "../../core/dialects/noray/settings.ts";
import { SessionError } from "../../session/error.ts";
import type { Session } from "../../session/session.ts";
import {
  type EdgeSessions,
  edgeSessionsOf,
  type SessionCounts,
} from "../../udp-sidecar/gateways/edge-sessions.ts";
import type { Gateway, GatewayContext } from "../../udp-sidecar/gateways/gateway.ts";
import { type NorayOptions, startNorayGateway } from "../../udp-sidecar/gateways/noray/gateway.ts";
import { Turns } from "../../udp-sidecar/gateways/turns.ts";
import { freeUdpPorts } from "./free-ports.ts";
import type { NorayAddress } from "./noray-client.ts";
import { keyOf } from "./secret.ts";
import { noteTold } from "./whole-log.ts";

/** An edge where there is no host of any other gateway. */
export const nobody = edgeThat((_, reject) => reject(new SessionError(["no_such_lobby"], "There is none.")));

/** An edge that nobody reaches. */
export const unreachable = edgeThat((signal, reject) =>
  signal?.addEventListener("abort", () => reject(signal.reason)),
);

function edgeThat(answers: (signal: AbortSignal | undefined, reject: (error: unknown) => void) => void) {
  const never = (signal?: AbortSignal) =>
    new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const edge: EdgeSessions = {
    counts: { open: 0, opening: 0, failed: {} },
    host: (_address, _code, _wish, { signal } = {}) => never(signal),
    join: (_address, _code, _wish, { signal } = {}) =>
      new Promise<never>((_, reject) => answers(signal, reject)),
    stop: async () => {},
  };
  return edge;
}

export type TestGateway = Gateway & { readonly at: NorayAddress; readonly relayPorts: readonly number[] };

/** A gateway on this machine, at any free ports, with as many ports for relays as are asked for. */
export async function startTestNoray(
  options: Partial<NorayOptions> & { relays?: number } = {},
  context: Partial<GatewayContext> = {},
): Promise<TestGateway> {
  const { relays = 16, ...rest } = options;
  const { settings } = readNoraySettings({});
  const { relayPorts = await freeUdpPorts(relays), host = "127.0.0.1" } = rest;
  const wish = { ...settings, port: 0, registrarPort: 0, ...rest, relayPorts, host };
  const gateway = await startNorayGateway(wish, {
    edge: new URL("http://127.0.0.1:1"),
    key: keyOf(),
    bind: host,
    publicHost: undefined,
    admission: gatewayLimits,
    clock: Date.now,
    elapsed: () => performance.now(),
    tell: noteTold,
    observe: () => true,
    sessions: () => nobody,
    ...context,
  });
  const { tcp = 0, registrar = 0 } = gateway.ports;
  return { ...gateway, relayPorts, at: { address: host, tcp, registrar } };
}

export type EdgeGateway = TestGateway & {
  readonly sessions: Readonly<SessionCounts>;
  /** The sessions of its hosts, in order. */
  readonly hosted: readonly Session[];
  /** A session of this sidecar's in a lobby, as another gateway's guest has it. */
  join(code: string): Promise<Session>;
};

/** A gateway of the sidecar of this name, at a real edge. */
export async function startNorayAt(
  edge: URL,
  sidecar: string,
  ...[options, context]: Parameters<typeof startTestNoray>
): Promise<EdgeGateway> {
  const key = keyOf(sidecar);
  const elapsed = () => performance.now();
  const turns = new Turns(elapsed);
  const told = () => {};
  const sessions = edgeSessionsOf({ edge, key, dialect: "noray", turns, clock: Date.now, elapsed, told });
  const hosted: Session[] = [];
  const host: EdgeSessions["host"] = async (...wish) => {
    const session = await sessions.host(...wish);
    hosted.push(session);
    return session;
  };
  const own = { key, sessions: () => ({ ...sessions, host }) };
  const gateway = await startTestNoray(options, { ...own, ...context });
  const join = (code: string) => sessions.join("198.51.100.9", code, { name: "Mallory" });
  return { ...gateway, sessions: sessions.counts, hosted, join };
}
