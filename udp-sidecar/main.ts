/** `npm run sidecar`: one sidecar, until it is told to stop. */
import { help, readOptions } from "./options.ts";
import { startSidecar } from "./sidecar.ts";

const wish = readOptions(process.argv.slice(2), process.env);
if (wish.kind === "help") {
  console.log(help);
} else if (wish.kind === "error") {
  fail(`${wish.why} (--help tells all options)`);
} else {
  const { port, name } = wish.options;
  const sidecar = await startSidecar(wish.options, console.log).catch((error: NodeJS.ErrnoException) =>
    fail(
      error.code === "EADDRINUSE"
        ? `UDP port ${port} is in use by another program. Choose another with --udpPort.`
        : `UDP port ${port} cannot be used: ${error.code ?? error.message}.`,
    ),
  );
  console.log(`Sidecar ${name} listens on UDP port ${sidecar.port}.`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, async () => {
      await sidecar.stop();
      process.exit(0);
    });
  }
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
