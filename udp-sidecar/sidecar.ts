/** A sidecar: datagrams in, observations out, and a heartbeat so that the edge knows where to send players. */
import { limits } from "../core/limits.ts";
import { parseObject } from "../core/wire/codec.ts";
import {
  type Heartbeat,
  heartbeatAnswer,
  heartbeatPath,
  observationsAnswer,
  observationsPath,
} from "../core/wire/sidecar-post.ts";
import { connectEdge } from "./edge.ts";
import { deriveKey } from "./keys.ts";
import { Observations } from "./observations.ts";
import { type Counts, listen } from "./receiver.ts";

export type SidecarOptions = {
  /** The Worker's base URL. */
  edge: URL;
  /** The deployment's secret, as the Worker has it. */
  secret: string;
  /** UDP; 0 for any free one. */
  port: number;
  /** Where players reach this machine, if the edge cannot see it. */
  publicHost?: string | undefined;
  /** Unique in the fleet. */
  name: string;
  /** The one local address to listen on; all of them without. */
  bind?: string | undefined;
};

export type Sidecar = {
  port: number;
  counts: Readonly<Counts>;
  /** Done when the edge has accepted a heartbeat. */
  known: Promise<void>;
  /** Says goodbye to the edge, delivers what is under way, and closes. May be called again. */
  stop(): Promise<void>;
};

/** Milliseconds after which a heartbeat that failed is repeated, doubled with every further one. */
const firstRetryMs = 250;
/** Milliseconds that stopping may take for what is still under way. */
const goodbyeMs = 1_000;

/** Starts a sidecar. `say` hears a sentence whenever its standing with the edge changes. Rejects if the port cannot be bound. */
export async function startSidecar(
  options: SidecarOptions,
  say: (sentence: string) => void,
): Promise<Sidecar> {
  const { secret, name, publicHost } = options;
  const edge = connectEdge(options.edge, secret);
  const observations = new Observations(async (some) => {
    const reply = await edge.post(observationsPath, { observations: some });
    const answer = reply.accepted ? observationsAnswer.safeParse(parseObject(reply.body)) : null;
    return answer?.success ? answer.data.again : null;
  });
  const receiver = await listen(
    { port: options.port, bind: options.bind, key: deriveKey(secret, "token") },
    (observation) => observations.take(observation),
  ).catch((error: unknown) => {
    edge.close();
    throw error;
  });

  const known = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | null = null;
  let failures = 0;
  let said = "";
  let received = 0;
  let stopped: Promise<void> | null = null;

  const tell = (sentence: string) => {
    if (sentence !== said) say(sentence);
    said = sentence;
  };
  const heartbeat = (leaving: boolean) => {
    const { observed, junk, forged, dropped } = receiver.counts;
    const sum = observed + junk + forged + dropped;
    const load = Math.round(((sum - received) * 1000) / limits.heartbeatMs);
    received = sum;
    const beat: Heartbeat = { name, host: publicHost, port: receiver.port, load, leaving };
    return edge.post(heartbeatPath, beat);
  };
  const beat = async () => {
    const reply = await heartbeat(false);
    if (stopped) return;
    if (reply.accepted && heartbeatAnswer.safeParse(parseObject(reply.body)).success) {
      failures = 0;
      known.resolve();
      tell(`The edge at ${options.edge.origin} knows this sidecar.`);
    } else {
      failures += 1;
      const why = reply.accepted ? "it is no Orion Edge" : reply.why;
      tell(`The edge at ${options.edge.origin} does not take this sidecar: ${why}. Trying again.`);
    }
    const wait = failures > 0 ? firstRetryMs * 2 ** Math.min(failures - 1, 10) : limits.heartbeatMs;
    timer = setTimeout(beat, Math.min(limits.heartbeatMs, wait));
  };
  beat();

  const stop = async () => {
    if (timer) clearTimeout(timer);
    await receiver.close();
    const patience = AbortSignal.timeout(goodbyeMs);
    const waited = new Promise((resolve) => patience.addEventListener("abort", resolve));
    await Promise.race([Promise.all([heartbeat(true), observations.drained()]), waited]);
    observations.stop();
    edge.close();
  };

  return {
    port: receiver.port,
    counts: receiver.counts,
    known: known.promise,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
