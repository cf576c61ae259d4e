/**
 * A stranger who opens TCP connections and says nothing: `node measure/kit/silent-connections.ts <port> <count>`. It holds
 * that many, and opens another for each that the server closes. Prints one line when each has been tried once.
 */
import { connect, type Socket } from "node:net";

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
/** Connections that one source address may have: a port each. */
const perSource = 10_000;
/** Connections that are being opened at a time. */
const atOnce = 100;

let opened = 0;
let refused = 0;

/** Holds one, again and again. Returns when the first is open, or refused. */
function hold(index: number): Promise<void> {
  return new Promise((resolve) => {
    const localAddress = `127.0.3.${1 + Math.floor(index / perSource)}`;
    const socket: Socket = connect({ host: "127.0.0.1", port, localAddress });
    socket.once("connect", () => {
      opened += 1;
      resolve();
    });
    socket.once("error", () => {
      refused += 1;
    });
    socket.once("close", () => {
      resolve();
      setTimeout(() => void hold(index), 1_000);
    });
    // A connection of which nobody reads anything never ends.
    socket.resume();
  });
}

for (let index = 0; index < count; index += atOnce)
  await Promise.all(Array.from({ length: Math.min(atOnce, count - index) }, (_, n) => hold(index + n)));
console.log(`opened ${opened}, refused ${refused}`);
