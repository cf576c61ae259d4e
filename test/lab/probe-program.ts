/**
 * A UDP socket, and a TCP server on the same port, told what to do by lines of its input: `send <address> <port> <text>`, or
 * `fetch <address> <port>`. Says what happens as lines of JSON. What it hears twice `echo`, it sends back.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const say = (line: object) => console.log(JSON.stringify(line));
const socket = createSocket("udp4");
socket.on("message", (bytes, { address, port }) => {
  const text = bytes.toString();
  if (text.startsWith("echo ")) socket.send(text.slice("echo ".length), port, address);
  else say({ text, from: { address, port } });
});
socket.bind(Number(process.argv[2] ?? 0));
await once(socket, "listening");
const { port } = socket.address();
await once(createServer((client) => client.on("error", () => {}).end("served")).listen(port), "listening");
say({ port });

for await (const line of createInterface(process.stdin)) {
  const [what, address = "", destination, ...words] = line.split(" ");
  if (what === "send") socket.send(words.join(" "), Number(destination), address);
  else {
    const client = connect(Number(destination), address);
    client.on("data", (text) => say({ text: text.toString(), from: { address, port: Number(destination) } }));
    client.on("error", (error) => say({ text: error.message, from: { address, port: Number(destination) } }));
  }
}
process.exit();
