/** A noray gateway without an edge, whose relays are bounded by nothing but the machine. Tells its parent its ports. */
import { startTestNoray } from "../kit/noray.ts";

const most = 1e12;
const bounds = {
  rate: most,
  networkRate: most,
  totalRate: most,
  lifetimeBytes: most,
  lifetimeMs: most,
  idleMs: most,
};
const relayPorts = Array.from({ length: 2_100 }, (_, i) => 17_800 + i);
const gateway = await startTestNoray({ bounds, relayPorts, connections: { sessions: 5_000 } });
process.send?.({ tcp: gateway.at.tcp, udpPort: gateway.at.registrar });
process.on("disconnect", () => process.exit());
