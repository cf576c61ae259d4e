/** A sidecar's gateways: started one after the other, looked at together, and stopped together. */
import type { AdmissionLimits } from "../../core/dialects/limits.ts";
import type { GatewayDialect } from "../../core/dialects/names.ts";
import type { Line } from "../log.ts";
import { Standing } from "../standing.ts";
import { type EdgeSessions, edgeSessionsOf } from "./edge-sessions.ts";
import type { Gateway, GatewayContext } from "./gateway.ts";
import { Turns } from "./turns.ts";

/** A port that a gateway is to have: what it speaks there, and the flag that moves it. 0 is any free one. */
export type PlannedPort = { kind: "TCP" | "UDP"; port: number; flag: string };

/** A gateway that the operator wants. `start` rejects, with the system's error, if a port cannot be bound. */
export type GatewayPlan = {
  name: GatewayDialect;
  ports: readonly PlannedPort[];
  /** What else it may listen on, in words, for the greeting: `relays 49152-51200`. */
  more?: string | undefined;
  start(context: GatewayContext): Promise<Gateway>;
};

/** What the operator wants of all gateways. */
export type GatewaysOptions = {
  plans: readonly GatewayPlan[];
  /** Limits by address, where they are not what core/dialects/limits.ts has. */
  admission: AdmissionLimits;
  /** Settings of other servers that the operator has given, and that change nothing here. */
  ignored?: readonly string[] | undefined;
  /** Whether a gateway is left out if one of its ports cannot be had, and the rest starts. */
  skipTaken: boolean;
};

/** A gateway could not have a port. The message is a sentence for the person who chose it. */
export class GatewayPortError extends Error {
  readonly gateway: GatewayDialect;
  /** The system's word for it. */
  readonly reason: string;

  constructor(gateway: GatewayDialect, reason: string, sentence: string) {
    super(sentence);
    this.gateway = gateway;
    this.reason = reason;
  }
}

/** A gateway that runs, and its sessions at the edge. `more`: as in its plan. */
export type Running = { gateway: Gateway; sessions: EdgeSessions; more?: string | undefined };

export type Gateways = {
  readonly running: readonly Running[];
  /** Those that the operator wanted, and that could not have their ports. */
  readonly skipped: readonly GatewayDialect[];
  /** Whether the edge does not serve them now, and all wait. */
  isHeld(): boolean;
  /** Closes their ports, and leaves their lobbies. */
  stop(): Promise<void>;
};

/** Rejects with a GatewayPortError, unless those are to be left out. Then none of them runs. */
export async function startGateways(
  { plans, ignored = [], skipTaken }: GatewaysOptions,
  context: Omit<GatewayContext, "sessions">,
): Promise<Gateways> {
  const { edge, key, clock, elapsed, tell } = context;
  const turns = new Turns(elapsed);
  const standing = new Standing(elapsed());
  const told = (line: Line) => {
    const news = standing.news(line, elapsed());
    if (news) tell(news);
  };
  const sessionsOf = (dialect: GatewayDialect) =>
    edgeSessionsOf({
      ...{ edge, key, dialect, turns, clock, elapsed },
      told: (trouble) => {
        if (trouble === null) return told({ level: "info", event: "gateways_served" });
        const { code, status } = trouble;
        told({ level: "error", event: "gateways_not_served", code, ...(status !== null && { status }) });
      },
    });
  const running: Running[] = [];
  const skipped: GatewayDialect[] = [];
  const stop = async () => {
    // First the ports: nobody new comes while the lobbies are left.
    await Promise.all(running.map(({ gateway }) => gateway.stop()));
    await Promise.all(running.map(({ sessions }) => sessions.stop()));
  };
  if (ignored.length > 0) tell({ level: "info", event: "settings_ignored", names: ignored.join(" ") });
  for (const plan of plans) {
    const sessions = sessionsOf(plan.name);
    try {
      const gateway = await plan.start({ ...context, sessions: () => sessions });
      running.push({ gateway, sessions, more: plan.more });
    } catch (thrown) {
      const error = portError(plan, thrown);
      if (!skipTaken || !(error instanceof GatewayPortError)) {
        await stop();
        throw error;
      }
      skipped.push(plan.name);
      const event = "gateway_not_started";
      tell({ level: "error", event, gateway: plan.name, reason: error.reason, why: error.message });
    }
  }
  return { running, skipped, isHeld: () => turns.isHeld, stop };
}

/** Codes of the system's that say that a port cannot be had. */
const ofPorts: ReadonlySet<unknown> = new Set(["EADDRINUSE", "EADDRNOTAVAIL", "EACCES"]);

function portError({ name, ports }: GatewayPlan, thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !("code" in thrown) || !ofPorts.has(thrown.code)) return thrown;
  const reason = String(thrown.code);
  const [own] = ports;
  const found = ports.find(({ port }) => "port" in thrown && port === thrown.port) ?? own;
  if (!found) return thrown;
  const which = `${found.kind} port ${found.port}`;
  const cause = reason === "EADDRINUSE" ? "is in use by another program" : `cannot be used (${reason})`;
  const sentence = `${which}, for ${name}, ${cause}. Choose another with ${found.flag}, or do without: ${own?.flag} off.`;
  return new GatewayPortError(name, reason, sentence);
}
