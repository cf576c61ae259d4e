/** Sidecars with a gateway of Rabid Hole Punch for tests and measurements, on this machine. */
import { type AdmissionLimits, gatewayLimits } from "../../core/dialects/limits.ts";
import type { Gateway } from "../../udp-sidecar/gateways/gateway.ts";
import { startRabidGateway } from "../../udp-sidecar/gateways/rabid.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";
import { RabidPlugin } from "./rabid-plugin.ts";
import { keyOf } from "./secret.ts";
import { noteTold } from "./whole-log.ts";

export type RabidSidecar = {
  /** Where plugins send to. */
  readonly at: { address: string; port: number };
  readonly gateway: Gateway;
  /** Sessions at the edge, open or on their way. */
  sessions(): number;
  stop(): Promise<void>;
};

/** `port`: of the gateway; any free one without. `edge`: of a server whose secret is the kit's. `admission`: other limits of sessions and datagrams. */
export async function startRabidSidecar(
  edge: URL,
  { name = "test", port = 0, bind = "127.0.0.1", admission = {} as Partial<AdmissionLimits> } = {},
): Promise<RabidSidecar> {
  const plan = {
    name: "rabid" as const,
    ports: [{ kind: "UDP" as const, port, flag: "--rabidPort" }],
    start: startRabidGateway.bind(null, { port }),
  };
  const gateways = { plans: [plan], admission: { ...gatewayLimits, ...admission }, skipTaken: false };
  const sidecar = await startSidecar({ edge, key: keyOf(name), port: 0, bind, gateways }, noteTold);
  const [running] = sidecar.gateways.running;
  if (!running) throw new Error("the gateway does not run");
  const { gateway, sessions } = running;
  return {
    at: { address: bind, port: gateway.ports.udp ?? 0 },
    gateway,
    sessions: () => sessions.counts.open + sessions.counts.opening,
    stop: sidecar.stop,
  };
}

/** Plugins of one session at these gateways, the first of which hosts it: all are in it, and have heard who is. */
export async function gatherPlugins(
  session: string,
  names: readonly string[],
  gateways: readonly Pick<RabidSidecar, "at">[],
  { password, haste }: { password?: string; haste?: number } = {},
): Promise<RabidPlugin[]> {
  const plugins: RabidPlugin[] = [];
  for (const [i, name] of names.entries()) {
    const gateway = gateways[i % gateways.length];
    if (!gateway) throw new Error("no gateway");
    const plugin = new RabidPlugin({
      server: gateway.at,
      session,
      name,
      ...(haste !== undefined && { haste }),
    });
    plugins.push(plugin);
    if (i === 0) await plugin.createSession(12, password);
    else await plugin.joinSession(password);
    await plugin.until("the session", () => plugin.state === "in-session");
  }
  for (const plugin of plugins) await plugin.hasNames(...names);
  return plugins;
}
