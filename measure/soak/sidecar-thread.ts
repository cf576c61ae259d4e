/** A sidecar with all gateways, in a thread of its own: `terminate` kills it, and any message to it is the wish that it stops. */
import { parentPort, workerData } from "node:worker_threads";
import type { SidecarKey } from "../../core/sidecar-key.ts";
import { readGateways } from "../../udp-sidecar/gateways/options.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";
import type { Gateways } from "./board.ts";

export type ThreadOptions = { edge: string; key: SidecarKey; address: string; relayPorts: readonly number[] };

/** So that ports of relays are free again soon. */
const noraySettings = { NORAY_UDP_RELAY_TIMEOUT: "8s", NORAY_UDP_RELAY_CLEANUP_INTERVAL: "1s" };

const { edge, key, address, relayPorts }: ThreadOptions = workerData;
const flags = { norayPort: "0", norayRegistrarPort: "0", norayRelayPorts: relayPorts.join(), rabidPort: "0" };
const gateways = readGateways(flags, noraySettings, address);
const options = { edge: new URL(edge), key, port: 0, secondPort: 0, bind: address, gateways };
const sidecar = await startSidecar(options, () => {});
const portsOf = (name: string) =>
  sidecar.gateways.running.find(({ gateway }) => gateway.name === name)?.gateway.ports ?? {};
const { tcp = 0, registrar = 0 } = portsOf("noray");
const found: Gateways = {
  rabid: { address, port: portsOf("rabid").udp ?? 0 },
  noray: { address, tcp, registrar },
};
parentPort?.once("message", async () => {
  await sidecar.stop();
  process.exit();
});
parentPort?.postMessage(found);
