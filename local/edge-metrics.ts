/** What the operator's view shows, for Prometheus. Asked of the Worker when somebody reads the metrics, and never else. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { OperatorNow } from "../core/wire/operator.ts";
import { statsHeader } from "./worker-vars.ts";

/** Milliseconds that the Worker has to answer. Without an answer the metrics are as they were, and `orion_statistics_read` is 0. */
const patienceMs = 3_000;

/** Adds them. Returns what brings them up to date. */
export function addEdgeMetrics(registry: Registry, edge: URL, key: string): () => Promise<void> {
  const registers = [registry];
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, registers, labelNames });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, registers, labelNames });
  const lobbies = gauge("orion_lobbies", "Lobbies that are open", "listed");
  const players = gauge("orion_players", "Players in lobbies", "listed");
  const opened = counter("orion_lobbies_opened_total", "Lobbies that were opened");
  const closed = counter("orion_lobbies_closed_total", "Lobbies that are over");
  const mediations = counter("orion_mediations_total", "Mediations by how they ended", "outcome");
  const leftOut = counter("orion_members_left_out_total", "Members that a mediation went on without");
  const failures = counter("orion_mediation_failures_total", "Failed mediations by their causes", "cause");
  const relayed = counter("orion_mediation_relays_total", "Relayed mediations by their causes", "cause");
  const refusals = counter("orion_refusals_total", "Requests and the like that were refused", "code");
  const sidecars = gauge("orion_sidecars", "Sidecars that are alive");
  const load = gauge("orion_sidecar_load", "Datagrams a second that a sidecar gets", "sidecar");
  const age = gauge("orion_sidecar_age_seconds", "Since a sidecar's last heartbeat", "sidecar");
  const isRead = gauge("orion_statistics_read", "1 if all parts of the statistics have answered");
  return async () => {
    const now = await readNow(edge, key);
    isRead.set(Number(now?.silent.length === 0));
    if (!now) return;
    for (const [listed, level] of [["yes", now.listed] as const, ["no", now.unlisted] as const]) {
      lobbies.set({ listed }, level.lobbies);
      players.set({ listed }, level.players);
    }
    const { total } = now;
    for (const [one, value] of [
      [opened, total.opened],
      [closed, total.closed],
      [leftOut, total.leftOut],
    ] as const) {
      one.reset();
      one.inc(value);
    }
    for (const [one, label, values] of [
      [mediations, "outcome", total.outcomes],
      [failures, "cause", total.failed],
      [relayed, "cause", total.relayed],
      [refusals, "code", total.refused],
    ] as const) {
      one.reset();
      for (const [value, times] of Object.entries(values)) one.inc({ [label]: value }, times);
    }
    sidecars.set(now.sidecars.length);
    load.reset();
    age.reset();
    for (const { name: sidecar, load: datagrams, ageMs } of now.sidecars) {
      load.set({ sidecar }, datagrams);
      age.set({ sidecar }, ageMs / 1000);
    }
  };
}

async function readNow(edge: URL, key: string): Promise<OperatorNow | null> {
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const response = await fetch(edge, { headers: { [statsHeader]: key }, signal });
    return response.ok ? ((await response.json()) as OperatorNow) : null;
  } catch {
    return null;
  }
}
