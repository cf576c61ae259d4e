/** What all runs share: the real server with its sidecar, on ports that the client under test never sees. */
import { defaultTiming } from "../core/settings.ts";
import { startServer } from "../local/server.ts";

export type Stage = {
  readonly url: URL;
  /** The sidecar's. */
  readonly ports: readonly [number, number];
  stop(): Promise<void>;
};

/** Milliseconds between two times that players are asked for a datagram: so often that no run waits long for it. */
export const reminderMs = 3_500;

export async function openStage(): Promise<Stage> {
  const server = await startServer({
    httpPort: 0,
    udpPort: 0,
    host: "127.0.0.1",
    page: false,
    timing: { ...defaultTiming, ptpmConnectRequestIntervalMs: reminderMs },
    logged: () => {},
  });
  const { url, sidecar } = server;
  if (!sidecar) throw new Error("The sidecar of the kit's server did not start.");
  return { url, ports: [sidecar.port, sidecar.secondPort], stop: () => server.stop() };
}
