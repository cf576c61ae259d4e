/** The TypeScript SDK as a client under test: it does what the kit orders, and sends back what comes. */
import type { Socket } from "node:dgram";
import { connect, type Link, type Lobby } from "../../client/index.ts";
import type { Call, LaunchedClient } from "../../conformance/run.ts";

/** Milliseconds between two greetings. */
const greetEveryMs = 100;

export async function launchSdk({ url, level, role, code }: Call): Promise<LaunchedClient> {
  const cleanUps: (() => unknown)[] = [];
  let hasStopped = false;
  const playing = play().catch((error) => {
    if (!hasStopped) console.warn(`The SDK under test: ${error}`);
  });

  async function play(): Promise<void> {
    const orion = await connect(url);
    const lobby = await (role === "host"
      ? orion.host({
          name: "Client",
          onLoss: "abort",
          ...(level === "staying" && { lifetime: "session", onHostLoss: "migrate", onLoss: "continue" }),
        })
      : orion.join(code, { name: "Client" }));
    cleanUps.push(() => lobby.leave());
    if (hasStopped) return;
    lobby.on("link", echo);
    lobby.on("chat", ({ text }) => {
      const [, order = "", rest = ""] = /^kit: (\w+) ?(.*)$/s.exec(text) ?? [];
      if (order === "say") lobby.chat(rest).catch(() => {});
      if (order === "leave") void lobby.leave();
      if (order === "start") begin(lobby, "start");
    });
    lobby.on("aborted", () => {
      if (!lobby.isHost) begin(lobby, "started");
    });
    if (!lobby.isHost) begin(lobby, "started");
  }

  /** Takes part in a mediation: by its own UDP socket where the level is plain Orion, or else by links. */
  function begin(lobby: Lobby, call: "start" | "started"): void {
    const failed = () => {};
    if (level !== "orion") {
      lobby[call]().then((links) => links.forEach(echo), failed);
      return;
    }
    lobby[call]({ raw: true }).then(({ socket, peers }) => {
      const places = peers.flatMap(({ endpoint }) => endpoint ?? []);
      cleanUps.push(greet(socket, places, () => lobby.reportConnected()));
      lobby.once("aborted").then(() => socket.close(), failed);
    }, failed);
  }

  return {
    ended: new Promise(() => {}),
    stop: async () => {
      hasStopped = true;
      await playing;
      for (const cleanUp of cleanUps) await cleanUp();
    },
  };
}

const echoing = new WeakSet<Link>();

function echo(link: Link): void {
  if (echoing.has(link)) return;
  echoing.add(link);
  link.on("message", (bytes) => link.send(bytes));
  link.on("reliable", (bytes) => void link.sendReliable(bytes).catch(() => {}));
}

/** Greets until a greeting of ours is answered, and answers all that come. */
function greet(socket: Socket, peers: { ip: string; port: number }[], connected: () => void): () => void {
  const nonce = Math.random().toString(36).slice(2);
  let isConnected = false;
  const send = () => {
    for (const { ip, port } of peers) socket.send(`hello ${nonce}`, port, ip);
  };
  const timer = setInterval(send, greetEveryMs);
  socket.on("message", (bytes: Buffer, { address, port }) => {
    const [kind, heard] = bytes.toString().split(" ");
    if (kind === "hello") socket.send(`heard ${heard}`, port, address);
    if (kind !== "heard" || heard !== nonce || isConnected) return;
    isConnected = true;
    clearInterval(timer);
    connected();
  });
  socket.on("close", () => clearInterval(timer));
  socket.on("error", () => {});
  return () => clearInterval(timer);
}
