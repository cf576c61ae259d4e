/**
 * `npm run demo`: Ada hosts a lobby, Bo and Cy join, they chat, connect to one another and part.
 * It is also a client to learn from. The class `Player` is all that a client needs; docs/protocol.md has the messages.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { EventEmitter, once } from "node:events";
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { HostAnswer, JoinAnswer, ListedLobby } from "../core/wire/http.ts";
import type { Sent, ServerMethod } from "../core/wire/server-message.ts";
import { missingPackage } from "./packages.ts";

const help = `Three players meet on an Orion server: they chat, and connect to one another over UDP.

Usage: npm run demo
       npm run demo -- <url>

  <url>   The server, like http://127.0.0.1:5980 or https://game.example/orion/
          Default: the one that npm start runs on this machine; if none runs there,
          the demo starts one for itself
  --help  This text
`;

/** Milliseconds to wait for anything. */
const patienceMs = 25_000;

/** Where the server has this path. The server's own URL may have a path too: a reverse proxy may serve it below one. */
function at(server: URL, path: string): URL {
  return new URL(`.${path}`, server);
}

/** On WebSocket and UDP alike, a message is its method, a colon, and its payload: JSON in base64. */
function encode(method: string, payload: object): string {
  return `${method}:${Buffer.from(JSON.stringify(payload)).toString("base64")}`;
}

function decode(text: string): { method: string; payload: unknown } {
  const colon = text.indexOf(":");
  const json = Buffer.from(text.slice(colon + 1), "base64").toString();
  return { method: text.slice(0, colon), payload: JSON.parse(json) };
}

class Player {
  readonly name: string;
  token = "";
  #server: URL;
  #socket: WebSocket;
  #heard: { method: string; payload: unknown }[] = [];
  /** Emits `news` whenever anything has come. */
  #inbox = new EventEmitter();
  #udp: Socket | null = null;
  #greeting: NodeJS.Timeout | undefined;
  /** Which players' datagrams came, and from where. */
  #greeted = new Map<Player, string>();

  /** Opens the WebSocket; the server's first message is the token. Any path is fine, the right one is faster. */
  static async connect(name: string, server: URL, path: string): Promise<Player> {
    const player = new Player(name, server, path);
    players.push(player);
    player.token = (await player.hears("client_registered")).token;
    return player;
  }

  private constructor(name: string, server: URL, path: string) {
    this.name = name;
    this.#server = server;
    this.#socket = new WebSocket(at(server, path).href.replace(/^http/, "ws"));
    this.#socket.onmessage = ({ data }) => {
      const message = decode(data);
      this.#heard.push(message);
      this.#inbox.emit("news");
      // This one comes again until the server has seen a datagram: answer every time.
      if (message.method === "ptpMediation_send") {
        this.#sendDatagram(message.payload as Sent<"ptpMediation_send">).catch(fail);
      }
    };
    this.#socket.onclose = () => fail(new Error(`${name}'s connection to the server has ended.`));
  }

  /** The next message of this method, in the order they came. */
  async hears<M extends ServerMethod>(method: M): Promise<Sent<M>> {
    const find = () => this.#heard.findIndex((message) => message.method === method);
    await this.#until(() => find() >= 0, `${this.name} heard no ${method} from the server.`);
    const [message] = this.#heard.splice(find(), 1);
    return message?.payload as Sent<M>;
  }

  /** Says something on the WebSocket. The server does not answer; what it does is heard by everybody. */
  says(method: string, payload: object): void {
    this.#socket.send(encode(method, { token: this.token, ...payload }));
  }

  /** Asks something over HTTP. */
  async post<Answer>(path: string, body: object): Promise<Answer> {
    return await request(at(this.#server, path), {
      method: "POST",
      body: JSON.stringify({ token: this.token, ...body }),
    });
  }

  /** Shows the server this player's endpoint, from the socket that the game will use as well. */
  async #sendDatagram({ port, host }: Sent<"ptpMediation_send">): Promise<void> {
    const name = host ?? this.#server.hostname.replace(/^\[|\]$/g, "");
    const { address, family } = await lookup(name, { order: "ipv4first" });
    this.#udp ??= createSocket(family === 6 ? "udp6" : "udp4")
      .on("error", fail)
      .on("message", (bytes, { address, port }) => {
        const sender = players.find(({ name }) => name === bytes.toString());
        if (sender) this.#greeted.set(sender, `${address}:${port}`);
        this.#inbox.emit("news");
      });
    this.#udp.send(encode("ptpMediation_connect", { token: this.token }), port, address);
    tell(this, `is asked for a datagram, and sends it to ${address}:${port}`);
  }

  /** Greets the peers until all have greeted back: a router lets theirs in once ours has gone out. */
  async meets(peers: Endpoint[]): Promise<void> {
    const greet = () => {
      for (const { ip, port } of peers) this.#udp?.send(this.name, port, ip);
    };
    greet();
    this.#greeting = setInterval(greet, 200);
    const everybody = () => this.#greeted.size >= peers.length;
    await this.#until(
      everybody,
      `${this.name} got no datagram from the others: a router does not let it in.`,
    );
    for (const [{ name }, from] of this.#greeted) {
      tell(this, `gets a datagram straight from ${name}, at ${from}`);
    }
  }

  async #until(come: () => boolean, otherwise: string): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs);
    while (!come()) {
      await once(this.#inbox, "news", { signal }).catch(() => {
        throw new Error(otherwise);
      });
    }
  }

  leave(): void {
    clearInterval(this.#greeting);
    this.#udp?.close();
    this.#socket.onclose = null;
    this.#socket.close();
  }
}

/** An HTTP answer's JSON, or null without. A refusal throws, with sentences meant for players. */
async function request<Answer>(url: URL, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (response.ok) return JSON.parse(text || "null");
  const why = text.startsWith("{") ? JSON.parse(text).errors.join(" ") : `status ${response.status}`;
  throw new Error(`${url.pathname} was refused: ${why}`);
}

const players: Player[] = [];

async function story(server: URL): Promise<void> {
  const lobbyName = "Tea at Five";
  const ada = await Player.connect("Ada", server, "/lobbies");
  const about = { hostName: "Ada", lobbyName, isPublic: true, maxMembers: 4 };
  const { lobbyId } = await ada.post<HostAnswer>("/lobbies", about);
  tell(ada, `hosts the lobby "${lobbyName}"; its code is ${lobbyId}`);

  const bo = await Player.connect("Bo", server, "/");
  const { lobbies } = await request<{ lobbies: ListedLobby[] }>(at(server, "/lobbies"));
  const listed = lobbies.find(({ id }) => id === lobbyId);
  if (!listed) throw new Error("The new lobby is not in the list of public lobbies.");
  tell(bo, `sees it in the list: "${listed.name}", ${listed.currentMembers} of ${listed.maxMembers} players`);
  const cy = await Player.connect("Cy", server, `/lobbies/${lobbyId}`);
  for (const [player, others] of [[bo, [ada]] as const, [cy, [ada, bo]] as const]) {
    const joined = await player.post<JoinAnswer>(`/lobbies/${lobbyId}/join`, { peerName: player.name });
    tell(player, `joins ${joined.host}'s lobby, where now are ${joined.lobbyMembers.join(", ")}`);
    for (const other of others) {
      tell(other, `hears that ${(await other.hears("lobby_peerConnect")).peerName} is here`);
    }
  }

  tell(bo, 'says "Is everybody here?"');
  bo.says("lobby_messaging_send", { lobbyId, message: "Is everybody here?" });
  for (const player of players) {
    const { message } = await player.hears("lobby_messaging_received");
    tell(player, `hears ${message.senderName} say "${message.message}"`);
  }

  tell(ada, "starts the mediation; nobody can join until it is over");
  await ada.post<null>(`/lobbies/${lobbyId}/ptp/start`, {});
  const met = players.map(async (player) => {
    const introduced = await player.hears("ptpMediation_peersConnection_start");
    // In a lobby that is `relay-only` nobody has an endpoint.
    const peers = introduced.peers.flatMap(({ ip, port }) => (ip && port ? { ip, port } : []));
    tell(player, `is told who to connect to: ${peers.map(({ ip, port }) => `${ip}:${port}`).join(" and ")}`);
    await player.meets(peers);
    tell(player, "reports success");
    player.says("ptpMediation_peersConnection_success", {});
  });
  await Promise.all(met);
  for (const player of players) {
    await player.hears("ptpMediation_success");
    const closed = await player.hears("lobby_closed");
    tell(player, `hears that all are connected, and that "${closed.lobbyName}" is closed`);
  }
  console.log("\nNow the game would begin.");
}

function tell(player: Player, what: string): void {
  console.log(`${player.name.padEnd(4)} ${what}`);
}

/** The URL on the command line, if there is one. */
function readCommandLine(args: string[]): string | undefined {
  const { values, words } = parseCommandLine({
    args,
    options: { help: { type: "boolean" } },
    mostWords: 1,
    environment: process.env,
  });
  if (!values.help) return words[0];
  console.log(help);
  process.exit(0);
}

/** The server's URL, with a slash at its end. */
function readServer(given: string): URL {
  const url = URL.parse(given);
  if (url && /^https?:$/.test(url.protocol)) {
    url.search = url.hash = "";
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  }
  const meant = URL.parse(`http://${given.replace(/^\w+:\/\//, "")}`);
  const example = meant ? ` Did you mean ${meant.href.replace(/\/$/, "")}?` : "";
  throw new Error(`A server's URL begins with http:// or https://, and "${given}" does not.${example}`);
}

/** The server of the command line, or the one that runs here, or a new one. */
async function findServer(given: string | undefined): Promise<{ url: URL; stop?: () => Promise<void> }> {
  const url = readServer(given ?? "http://127.0.0.1:5980");
  if (await isOrion(url)) return { url };
  if (given !== undefined) throw new Error(`No Orion server answers at ${given}.`);
  const { startServer } = await import("./server.ts");
  return await startServer({ httpPort: 0, udpPort: 0, host: "127.0.0.1" });
}

async function isOrion(url: URL): Promise<boolean> {
  const patience = { signal: AbortSignal.timeout(5_000) };
  const answer = await fetch(at(url, "/ping"), patience).catch(() => null);
  return (await answer?.text().catch(() => "")) === "pong";
}

function fail(error: Error): never {
  console.error(missingPackage(error) ?? error.message);
  process.exit(1);
}

let given: string | undefined;
try {
  given = readCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(`${commandLineMistake(error)} (--help tells all options)`);
  process.exit(1);
}
const server = await findServer(given).catch(fail);
console.log(`Three players meet at ${server.url.href.replace(/\/$/, "")}\n`);
await story(server.url).catch(fail);
for (const player of players) player.leave();
await server.stop?.();
