/** The whole service, at a place of the lab. */
import { type ClientKind, clients, hasLinks } from "./clients.ts";
import { startProgram } from "./program.ts";
import type { Place } from "./topology.ts";

/** Milliseconds it may take to come up, on a machine that is busy. */
const patienceMs = 180_000;

/** Starts it and waits until it answers. Returns where clients of this kind find it: its URL, or its address. It ends with its namespace. */
export async function startService(place: Place, kind: ClientKind): Promise<string> {
  const args = ["--host", place.address, ...clients[kind].serverFlags];
  const program = startProgram(place, "The server", "local/start.ts", args);
  const url = await program.hears(
    (line) => /^ *HTTP and WebSocket +(\S+)$/.exec(line)?.[1] ?? null,
    "where it is",
    patienceMs,
  );
  return hasLinks(kind) ? url : place.address;
}
