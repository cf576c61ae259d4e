/** `npm run sidecar`: one sidecar, until it is told to stop. */
import { help, readOptions } from "./options.ts";
import { type SidecarOptions, startSidecar } from "./sidecar.ts";

const wish = readOptions(process.argv.slice(2), process.env);
if (wish.kind === "help") {
  console.log(help);
} else if (wish.kind === "error") {
  fail(`${wish.why} (--help tells all options)`);
} else {
  const { name } = wish.options;
  const sidecar = await startSidecar(wish.options, console.log).catch((error: NodeJS.ErrnoException) =>
    fail(portSentence(wish.options, error)),
  );
  console.log(`Sidecar ${name} listens on UDP port ${sidecar.port}.`);
  console.log(`Its second UDP port is ${sidecar.secondPort}.`);
  if (sidecar.metricsPort > 0) console.log(`Its metrics are on TCP port ${sidecar.metricsPort}.`);
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
  return `${which} cannot be used: ${error.code ?? error.message}.`;
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
