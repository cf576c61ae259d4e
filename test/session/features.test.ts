/** What a session tells its server about itself, as soon as the server says that it knows the additions to Orion. */
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { patienceMs } from "../../measure/kit/patience.ts";
import { decode, encode, type Message } from "../../measure/kit/wire.ts";
import { Connection } from "../../session/connection.ts";

/** Connects to a server that greets its clients so. Returns what the client says before a last word. */
async function saidTo(
  greeting: object,
  ...args: [features?: readonly ("links" | "pings")[]]
): Promise<Message[]> {
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const said: Message[] = [];
  const last = Promise.withResolvers<void>();
  sockets.on("connection", (socket) => {
    socket.on("message", (bytes) => {
      const message = decode(String(bytes));
      if (message.method === "last") last.resolve();
      else said.push(message);
    });
    socket.send(encode("client_registered", { token: "1.secret", ...greeting }));
  });
  await once(sockets, "listening");
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  const address = sockets.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = new URL(`http://127.0.0.1:${address.port}/`);
  const connection = await Connection.open(url, AbortSignal.timeout(patienceMs), ...args);
  connection.say("last");
  await last.promise;
  return said;
}

const token = "1.secret";

test("a session says that it pings, and what the program can do with it", async () => {
  expect(await saidTo({ pingMs: 30_000 }, ["links"])).toEqual([
    { method: "client_pings", payload: { token } },
    { method: "client_features", payload: { token, features: ["pings", "links"] } },
  ]);
  expect(await saidTo({ pingMs: 30_000 })).toContainEqual({
    method: "client_features",
    payload: { token, features: ["pings"] },
  });
});

test("a server of Orion's own hears nothing that it does not know", async () => {
  expect(await saidTo({}, ["links"])).toEqual([]);
});
