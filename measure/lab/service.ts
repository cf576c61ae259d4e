/** The whole service, at a place of the lab. */
import { startProgram } from "./program.ts";
import type { Place } from "./topology.ts";

/** Milliseconds it may take to come up, on a machine that is busy. */
const patienceMs = 60_000;

/** Starts it and waits until it answers. Returns its URL. It ends with its namespace. */
export async function startService(place: Place): Promise<string> {
  const program = startProgram(place, "The server", "local/start.ts", ["--host", place.address]);
  return await program.hears(
    (line) => /^ *HTTP and WebSocket +(\S+)$/.exec(line)?.[1] ?? null,
    "where it is",
    patienceMs,
  );
}
