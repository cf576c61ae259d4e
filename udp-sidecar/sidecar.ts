/** A sidecar: datagrams in, observations out, a relay, and a heartbeat so that the edge knows where to send players. */
import { setTimeout as wait } from "node:timers/promises";
import { gatewayLimits } from "../core/dialects/limits.ts";
import { sharedLimits } from "../core/limits.ts";
import { observingLimits } from "../core/observing/limits.ts";
import type { RelayBounds } from "../core/relay/links.ts";
import type { SidecarKey } from "../core/sidecar-key.ts";
import { hourOf, parseToken } from "../core/token.ts";
import { parseObject } from "../core/wire/codec.ts";
import {
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatAnswer,
  heartbeatPath,
  type Observation,
  observationsAnswer,
  observationsPath,
} from "../core/wire/sidecar-post.ts";
import { serverUrl } from "../session/server.ts";
import { type Counts, type RelayCounts, sumOf } from "./counts.ts";
import { connectEdge, type Reply, type Why } from "./edge.ts";
import { EdgeTime } from "./edge-time.ts";
import { type Gateways, type GatewaysOptions, startGateways } from "./gateways/start.ts";
import { sidecarLimits } from "./limits.ts";
import type { Line } from "./log.ts";
import type { MetricsOptions, MetricsServer, Sources } from "./metrics.ts";
import { nextPort } from "./next-port.ts";
import { Observations } from "./observations.ts";
import { PortPairing } from "./port-pairing.ts";
import { listen } from "./receiver.ts";
import { Refusals } from "./refusals.ts";
import { addressesWith } from "./socket.ts";
import { Standing } from "./standing.ts";

export type SidecarOptions = {
  /** The Worker's base URL. */
  edge: URL;
  /** Its name, its own key, and the key of the filter: what the operator has made for it. */
  key: SidecarKey;
  /** The one before, of which tokens, passes and tickets are still accepted while one follows the other. */
  keyBefore?: SidecarKey | undefined;
  /** UDP; 0 for any free one. */
  port: number;
  /** The other UDP port, by which a client's mapping shows. Without one, the next after `port`; 0 for any free one. */
  secondPort?: number | undefined;
  /** Where players reach this machine, if the edge cannot see it. */
  publicHost?: string | undefined;
  /** The one local address to listen on; all of them without. */
  bind?: string | undefined;
  /** Where to tell its operator how it is, over HTTP; nowhere without. */
  metrics?: MetricsOptions | undefined;
  /** What the relay carries, where it is not what core/relay/limits.ts has. With 0 links it is off, and the edge is told of none. */
  relay?: Partial<RelayBounds> | undefined;
  /** Other protocols that it speaks; none without. */
  gateways?: GatewaysOptions | undefined;
  /** What posts, tickets and cookies go by, in milliseconds since 1970. It may jump. Without one, the system's. */
  clock?: (() => number) | undefined;
  /** What lengths of time are measured by, in milliseconds: never set back, nor ahead. Without one, the system's. */
  elapsed?: (() => number) | undefined;
};

export type Sidecar = {
  port: number;
  secondPort: number;
  /** Of both ports. */
  counts: Readonly<Counts>;
  relayed: Readonly<RelayCounts>;
  gateways: Gateways;
  /** TCP, of the metrics; 0 if there are none. */
  metricsPort: number;
  /** What the system holds for each UDP port while the sidecar is busy. */
  bufferBytes: number;
  /** Done when the edge has accepted a heartbeat. */
  known: Promise<void>;
  /** Says goodbye to the edge, delivers what is under way, and closes. May be called again. */
  stop(): Promise<void>;
};

/** Milliseconds after which a heartbeat that failed is repeated, doubled with every further one. */
const firstRetryMs = 250;
/** Milliseconds until the log says again that the edge refuses players' addresses. */
const tellAgainMs = 10 * 60_000;
/** Milliseconds that stopping may take to finish what is under way. */
const goodbyeMs = 1_000;
/** Of those, milliseconds that the goodbye waits for a heartbeat under way. Taken after the goodbye, that would make the sidecar live on. */
const lastBeatMs = 500;
/** Milliseconds that the goodbye has from when it is sent, even if the process stood still before. */
const lastPostMs = goodbyeMs - lastBeatMs;

/**
 * Starts a sidecar. `tell` gets a line for its operator whenever its standing with the edge changes, and once a minute at most if
 * something was refused. Rejects if the port cannot be bound.
 */
export async function startSidecar(options: SidecarOptions, tell: (line: Line) => void): Promise<Sidecar> {
  const { key, keyBefore, publicHost, bind, relay: bounds, clock = Date.now } = options;
  const { gateways: wanted = noGateways } = options;
  const { name } = key;
  const elapsed = options.elapsed ?? (() => performance.now());
  const time = new EdgeTime(clock, elapsed);
  const { port, secondPort = nextPort(port) } = options;
  const edge = connectEdge(options.edge, key);
  /** The last heartbeat that was answered. */
  let isAccepted = false;
  let acceptedAt = 0;
  // An edge forgets a sidecar after this time without a heartbeat, and the answer to a heartbeat may be slow.
  const isKnown = () => isAccepted && elapsed() - acceptedAt < sharedLimits.sidecarLifeMs;
  let tellAgainAt = Number.NEGATIVE_INFINITY;
  const who = { sidecar: name, edge: options.edge.origin };
  const tellNotTaken = (why: Why) => {
    const now = elapsed();
    // If the edge refuses the sidecar altogether, the answers to its heartbeats say so.
    if (!isAccepted || now < tellAgainAt) return;
    tellAgainAt = now + tellAgainMs;
    tell({ level: "error", event: "observations_not_accepted", ...who, ...why });
  };
  const observations = new Observations(async (some) => {
    const reply = await edge.post(observationsPath, { at: time.now(), observations: some });
    if (!reply.accepted) {
      tellNotTaken(reply.why);
      if (reply.why.code !== "another_time") return reply.isFinal ? "refused" : "unreached";
      beatAtOnce();
      return "unreached";
    }
    const { data } = observationsAnswer.safeParse(parseObject(reply.body));
    if (!data) tellNotTaken({ code: "not_orion" });
    return data ?? "unreached";
  });
  const isOld = ({ proof }: Observation) => {
    const token = proof.kind === "token" ? parseToken(proof.text) : null;
    return token !== null && token.issuedHour + observingLimits.oldTokenHours < hourOf(time.now());
  };
  const pairing = new PortPairing((observation) => observations.take(observation, isOld(observation)));
  const receiver = await listen(
    {
      ...{ key, keyBefore, bind, bounds, elapsed },
      clock: () => time.now(),
      ports: { first: port, second: secondPort },
      addresses: addressesWith(publicHost),
    },
    (port, datagram) => pairing.see(port, datagram),
  ).catch((error: unknown) => {
    edge.close();
    throw error;
  });

  const observe = (observation: Observation) => observations.take(observation, isOld(observation));
  const tellOf = (line: Line) => tell({ ...line, sidecar: name });
  const gateways = await startGateways(wanted, {
    ...{ edge: serverUrl(options.edge), key, bind, publicHost, admission: wanted.admission },
    ...{ clock: () => time.now(), elapsed, tell: tellOf, observe },
  }).catch(async (error: unknown) => {
    await receiver.close();
    edge.close();
    throw error;
  });

  let stopped: Promise<void> | null = null;
  const sources: Sources = {
    ports: receiver.counts,
    relayed: receiver.relay.counts,
    carried: () => receiver.relay.count(),
    observations: () => ({
      posted: observations.posted,
      held: observations.size,
      lost: observations.lost + pairing.lost,
      refused: observations.refused,
      ignored: observations.ignored,
    }),
    unproven: () => receiver.unproven.count(elapsed()),
    isKnown,
    trouble: () => (stopped ? "leaving" : isKnown() ? null : "unknown"),
    gateways,
  };
  const metrics = await startMetrics(options.metrics, sources).catch(async (error: unknown) => {
    await Promise.all([receiver.close(), gateways.stop()]);
    edge.close();
    throw error;
  });

  let becomeKnown = () => {};
  const known = new Promise<void>((resolve) => {
    becomeKnown = resolve;
  });
  let timer: NodeJS.Timeout | null = null;
  let underWay: Promise<unknown> = Promise.resolve();
  let failures = 0;
  let received = 0;

  const refusals = new Refusals(Object.values(receiver.counts), receiver.relay.counts, elapsed());
  const standing = new Standing(elapsed());
  const tellNews = (line: Line | null) => {
    if (line) tellOf(line);
  };
  const heartbeat = async (leaving: boolean) => {
    const { first, second } = receiver.counts;
    const sum = [first, second].flatMap(Object.values<number>).reduce((all, count) => all + count, 0);
    const load = Math.round(((sum - received) * 1000) / sidecarLimits.heartbeatMs);
    received = sum;
    const ports = { port: receiver.ports.first, secondPort: receiver.ports.second };
    const relays = bounds?.links === 0 ? undefined : true;
    const at = time.next();
    const beat: Heartbeat = { name, at, host: publicHost, ...ports, relays, stun: true, load, leaving };
    const reply = await edge.post(heartbeatPath, beat);
    const answer = answerOf(reply);
    if (answer) time.take(at, answer.now);
    else if (!reply.accepted && reply.isFinal) time.refuse();
    return reply;
  };
  const beat = async () => {
    timer = null;
    const replied = heartbeat(false);
    underWay = replied;
    const reply = await replied;
    if (stopped) return;
    isAccepted = answerOf(reply) !== null;
    if (isAccepted) {
      acceptedAt = elapsed();
      failures = 0;
      becomeKnown();
      tellNews(standing.news({ level: "info", event: "sidecar_accepted", ...who }, elapsed()));
    } else {
      failures += 1;
      const why: Why = reply.accepted ? { code: "not_orion" } : reply.why;
      const event = "sidecar_not_accepted";
      tellNews(standing.news({ level: "error", event, ...who, ...why }, elapsed()));
    }
    tellNews(refusals.line(elapsed()));
    tellNews(receiver.unproven.line(elapsed()));
    const delayMs = failures > 0 ? firstRetryMs * 2 ** Math.min(failures - 1, 10) : sidecarLimits.heartbeatMs;
    timer = setTimeout(beat, Math.min(sidecarLimits.heartbeatMs, delayMs));
  };
  /** The edge refuses the time of a post: the next heartbeat finds out which one it takes. */
  const beatAtOnce = () => {
    if (!timer || stopped) return;
    clearTimeout(timer);
    beat();
  };
  beat();

  const stop = async () => {
    if (timer) clearTimeout(timer);
    receiver.leave();
    // The players on the relay are told first: those who have another way need it now.
    const carriedOn = receiver.relay.leave() ? wait(sidecarLimits.relayGoodbyeMs) : null;
    pairing.flush();
    const beaten = Promise.race([underWay, wait(lastBeatMs, null, { ref: false })]);
    const goodbye = beaten.then(() => heartbeat(true));
    const waited = Promise.all([
      wait(goodbyeMs, null, { ref: false }),
      beaten.then(() => wait(lastPostMs, null, { ref: false })),
    ]);
    const left = gateways.stop();
    await Promise.race([Promise.all([goodbye, observations.drained(), carriedOn, left]), waited]);
    await receiver.close();
    tellNews(refusals.lastLine(elapsed()));
    metrics?.close();
    observations.stop();
    edge.close();
  };

  return {
    port: receiver.ports.first,
    secondPort: receiver.ports.second,
    counts: sumOf([receiver.counts.first, receiver.counts.second]),
    relayed: receiver.relay.counts,
    gateways,
    metricsPort: metrics?.port ?? 0,
    bufferBytes: receiver.bufferBytes,
    known,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

const noGateways: GatewaysOptions = { plans: [], admission: gatewayLimits, skipTaken: false };

/** What an edge said that accepted a heartbeat; null if it did not, or something else answers there. */
function answerOf(reply: Reply): HeartbeatAnswer | null {
  return reply.accepted ? (heartbeatAnswer.safeParse(parseObject(reply.body)).data ?? null) : null;
}

async function startMetrics(
  wish: SidecarOptions["metrics"],
  sources: Sources,
): Promise<MetricsServer | null> {
  if (!wish) return null;
  const { serveMetrics } = await import("./metrics.ts");
  return await serveMetrics(wish, sources);
}
