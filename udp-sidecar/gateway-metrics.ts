/** The metrics of a sidecar's gateways. Nothing is counted for them alone. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { Gateways, Running } from "./gateways/start.ts";

type Values = Readonly<Record<string, number>>;

/** Adds them. Each has the gateway's name as a label. */
export function addGatewayMetrics(registry: Registry, gateways: Gateways): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (one: Running) => number) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["gateway"],
      collect() {
        for (const one of gateways.running) this.set({ gateway: one.gateway.name }, read(one));
      },
    });
  const counters = (name: string, help: string, label: string, read: (one: Running) => Values) =>
    new Counter({
      name,
      help,
      registers,
      labelNames: ["gateway", label],
      collect() {
        this.reset();
        for (const one of gateways.running) {
          const gateway = one.gateway.name;
          for (const [value, count] of Object.entries(read(one)))
            this.inc({ gateway, [label]: value }, count);
        }
      },
    });

  gauge("orion_gateway_players", "Players who use the gateway", ({ gateway }) => gateway.players());
  gauge("orion_gateway_relays", "Relay ports in use", ({ gateway }) => gateway.relays());
  gauge("orion_gateway_sessions", "Sessions at the edge", ({ sessions }) => sessions.counts.open);
  gauge(
    "orion_gateway_sessions_opening",
    "Sessions on their way, or waiting for their turn",
    ({ sessions }) => sessions.counts.opening,
  );
  counters(
    "orion_gateway_session_failures_total",
    "Attempts to open a session that came to nothing, by code",
    "code",
    ({ sessions }) => sessions.counts.failed,
  );
  counters(
    "orion_gateway_messages_total",
    "Datagrams or lines that came, by what became of them",
    "verdict",
    ({ gateway }) => gateway.counts.messages,
  );
  counters(
    "orion_gateway_drops_total",
    "What was not answered, passed on or opened, by cause",
    "cause",
    ({ gateway }) => gateway.counts.drops,
  );
  new Gauge({
    name: "orion_gateways_held",
    help: "1 while the edge does not serve the gateways, and they wait",
    registers,
    collect() {
      this.set(Number(gateways.isHeld()));
    },
  });
}
