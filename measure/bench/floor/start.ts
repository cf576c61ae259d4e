/** Runs the floor's Worker, with the settings that `local/server.ts` has, and tells its parent the URL. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";
import { openTemporaryFolder } from "../../../local/storage.ts";

const name = "floor";
const folder = fileURLToPath(new URL(".", import.meta.url));

const { outputFiles } = await build({
  entryPoints: [`${folder}worker.ts`],
  bundle: true,
  write: false,
  format: "esm",
  target: "es2024",
  external: ["cloudflare:*"],
});
const storage = openTemporaryFolder();
const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false,
  log: new Log(LogLevel.ERROR),
  telemetry: { enabled: false },
  enableDevRegistry: false,
  // A new object opens files: they have to be as fast as those of the server.
  resourcePersistencePath: storage.path,
  workers: [
    {
      config: {
        name,
        compatibilityDate: "2026-10-01",
        compatibilityFlags: ["no_web_socket_compression"],
        manifest: {
          mainModule: "index.js",
          modulesRoot: folder,
          modules: { "index.js": { type: "esm", contents: outputFiles[0]?.text ?? "" } },
        },
        env: {
          ROOM: { type: "durable-object", worker: name, exportName: "Room" },
          TABLES: { type: "durable-object", worker: name, exportName: "Tables" },
        },
        exports: {
          Room: { type: "durable-object", storage: "sqlite" },
          Tables: { type: "durable-object", storage: "sqlite" },
        },
      },
      dev: { rootPath: folder, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
    },
  ],
});
const { href } = await miniflare.unsafeGetDirectURL(name);

process.removeAllListeners("SIGTERM");
const stop = async () => {
  await miniflare.dispose();
  storage.close();
  process.exit(0);
};
process.on("SIGTERM", stop);
// The bench has gone, however it went.
process.on("disconnect", stop);
process.send?.({ url: href });
