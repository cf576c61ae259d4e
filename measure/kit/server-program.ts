/** A test server as a process of its own, to be killed: `node server-program.ts <http port> <udp port> <folder>`. */
import { secret } from "./secret.ts";
import { startFaultyServer } from "./server.ts";

const [httpPort = "", udpPort = "", persist = ""] = process.argv.slice(2);
const timing = { ptpmConnectRequestIntervalMs: 300 };
const ports = { httpPort: Number(httpPort), udpPort: Number(udpPort) };
await startFaultyServer({ ...ports, persist, secret, timing, logged: console.log });
console.log("running");
