/** `npm run sidecar`: one sidecar, until it is told to stop. */
import { GatewayPortError } from "./gateways/start.ts";
import { faultOf, type Line, textOf } from "./log.ts";
import { help, readOptions } from "./options.ts";
import { surviveOutput } from "./output.ts";
import { type SidecarOptions, startSidecar } from "./sidecar.ts";
import { bufferBytes } from "./socket.ts";

/** Gateways open WebSockets. Node.js 20 has none unless it is told to. */
const withoutWebSocket =
  "To serve clients of noray and Rabid Hole Punch, the sidecar needs Node.js 22 or newer, or node --experimental-websocket. " +
  "To do without them, set ORION_NORAY_PORT=off and ORION_RABID_PORT=off.";

const wish = readOptions(process.argv.slice(2), process.env);
if (wish.kind === "help") {
  console.log(help);
} else if (wish.kind === "error") {
  fail(`${wish.why} (--help tells all options)`);
} else {
  await run(wish.options);
}

/** From here on all that is written is lines for the operator's log, on standard output. */
async function run(options: SidecarOptions): Promise<void> {
  const { edge } = options;
  const { name } = options.key;
  if (typeof WebSocket === "undefined" && (options.gateways?.plans.length ?? 0) > 0) fail(withoutWebSocket);
  surviveOutput((lines) => textOf({ level: "info", event: "log_lines_lost", sidecar: name, lines }));
  const write = (line: Line) => console.log(textOf(line));
  const sidecar = await startSidecar(options, write).catch((error: NodeJS.ErrnoException) =>
    fail(error instanceof GatewayPortError ? error.message : portSentence(options, error)),
  );
  const { port, secondPort, metricsPort } = sidecar;
  write({
    level: "info",
    event: "sidecar_listening",
    ...{ sidecar: name, edge: edge.origin, port, secondPort },
    ...(metricsPort > 0 && { metricsPort }),
  });
  for (const { gateway } of sidecar.gateways.running) {
    const event = "gateway_listening";
    write({ level: "info", event, sidecar: name, gateway: gateway.name, ...gateway.ports });
  }
  if (sidecar.bufferBytes < bufferBytes) {
    const event = "receive_buffer_small";
    write({ level: "info", event, sidecar: name, bytes: sidecar.bufferBytes, wanted: bufferBytes });
  }
  process.on("uncaughtException", (error) => {
    write({ level: "error", event: "sidecar_failed", sidecar: name, ...faultOf(error) });
    process.exit(1);
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, async () => {
      await sidecar.stop();
      process.exit(0);
    });
  }
}

/** Why a port cannot be had, for the person who chose it. */
function portSentence(
  { port, secondPort, metrics }: SidecarOptions,
  error: NodeJS.ErrnoException & { port?: number },
): string {
  const isHttp = error.syscall === "listen";
  const [which, flag] = isHttp
    ? [`TCP port ${metrics?.port}`, "--metricsPort"]
    : error.port === secondPort
      ? [`UDP port ${secondPort}`, "--secondUdpPort"]
      : [`UDP port ${port}`, "--udpPort"];
  if (error.code === "EADDRINUSE")
    return `${which} is in use by another program. Choose another with ${flag}.`;
  if (isHttp && error.code === "EADDRNOTAVAIL") {
    return "The address of --metricsHost is not one of this machine.";
  }
  if (error.code === "EADDRNOTAVAIL") return "The address of --host is not one of this machine.";
  return `${which} cannot be used: ${error.code ?? error.message}.`;
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
