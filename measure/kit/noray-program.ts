/** A noray gateway as a program of its own, without an edge. Its argument is its options as JSON. Prints where it is, and then how many players it has. */
import { startTestNoray } from "./noray.ts";

const everyMs = 250;
const gateway = await startTestNoray(JSON.parse(process.argv[2] ?? "{}"));
console.log(JSON.stringify(gateway.at));
setInterval(() => console.log(JSON.stringify({ players: gateway.players() })), everyMs);
