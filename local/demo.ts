/**
 * `npm run demo`: Ada hosts a lobby, Bo and Cy join, they chat and connect to one another. Then they meet in a lobby that stays
 * open: Cy joins the running game, Bo loses its connection and comes back, and the game goes on when Ada leaves.
 * It is also a client to learn from. The class `Player` is all that a client needs; docs/protocol.md has the messages.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { EventEmitter, once } from "node:events";
import { setTimeout as pass } from "node:timers/promises";
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import type { Endpoint } from "../core/endpoint.ts";
import type { HostAnswer, JoinAnswer, ListedLobby, MemberAnswer, ResumeAnswer } from "../core/wire/http.ts";
import type { Sent, ServerMethod, SightWanted } from "../core/wire/server-message.ts";
import { missingPackage } from "./packages.ts";

const help = `Three players meet on an Orion server: they chat, and connect to one another over UDP.
Then they play on: one comes late, one loses its connection and comes back, and the host leaves.

Usage: npm run demo
       npm run demo -- <url>

  <url>   The server, like http://127.0.0.1:5980 or https://game.example/orion/
          Default: the one that npm start runs on this machine; if none runs there,
          the demo starts one for itself
  --help  This text
`;

/** Milliseconds to wait for anything. */
const patienceMs = 25_000;
/** Milliseconds after which a lobby keeps the place of a member that loses its connection. */
const presentMs = 10_000;

/** Of a client that knows more than Orion, and wants to hear of it. */
const informed = { features: [] };

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
  /** For HTTP requests: those that Orion does not have need it. It never goes over UDP, where it could be read. */
  #secretToken = "";
  /** With this it comes back by another connection. */
  #resumeKey = "";
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
    await player.#registered();
    return player;
  }

  /** Its connection breaks. To close it with 1000, or without a code, would be to leave. */
  losesConnection(): void {
    this.#socket.onclose = null;
    this.#socket.close(4000);
  }

  /** A new connection, and with it the place in the lobby that it had before. */
  async comesBack(lobbyId: string): Promise<ResumeAnswer> {
    this.#socket = this.#open(`/lobbies/${lobbyId}`);
    await this.#registered();
    // The same id with each try, so that a lost answer does no harm.
    const wish = { resumeKey: this.#resumeKey, requestId: crypto.randomUUID(), ...informed };
    return this.keeps(await this.post<ResumeAnswer>(`/lobbies/${lobbyId}/resume`, wish));
  }

  async #registered(): Promise<void> {
    const { token, secretToken = token } = await this.hears("client_registered");
    this.token = token;
    this.#secretToken = secretToken;
  }

  /** Keeps the key in the answer to a host, join or resume request. */
  keeps<Answer extends MemberAnswer>(answer: Answer): Answer {
    this.#resumeKey = answer.resumeKey ?? "";
    return answer;
  }

  private constructor(name: string, server: URL, path: string) {
    this.name = name;
    this.#server = server;
    this.#socket = this.#open(path);
  }

  #open(path: string): WebSocket {
    const socket = new WebSocket(at(this.#server, path).href.replace(/^http/, "ws"));
    socket.onmessage = ({ data }) => {
      const message = decode(data);
      this.#heard.push(message);
      this.#inbox.emit("news");
      // This one comes again until the server has seen a datagram: answer every time.
      if (message.method === "ptpMediation_send") {
        this.#sendDatagram(message.payload as SightWanted).catch(fail);
      }
    };
    socket.onclose = () => fail(new Error(`${this.name}'s connection to the server has ended.`));
    return socket;
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
      body: JSON.stringify({ token: this.#secretToken, ...body }),
    });
  }

  /** Leaves its lobby. Its connection stays: it may host or join again. */
  async leavesLobby(lobbyId: string): Promise<void> {
    await this.post<null>(`/lobbies/${lobbyId}/leave`, {});
  }

  /** Shows the server this player's endpoint, from the socket that the game will use as well. */
  async #sendDatagram({ port, host }: SightWanted): Promise<void> {
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
    clearInterval(this.#greeting);
    this.#greeted.clear();
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

async function story(server: URL): Promise<[Player, Player, Player]> {
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
  await Promise.all(players.map(meetPeers));
  for (const player of players) {
    await player.hears("ptpMediation_success");
    const closed = await player.hears("lobby_closed");
    tell(player, `hears that all are connected, and that "${closed.lobbyName}" is closed`);
  }
  console.log("\nNow the game would begin.");
  return [ada, bo, cy];
}

/** What each player does when the server tells it who its peers are. */
async function meetPeers(player: Player): Promise<void> {
  const introduced = await player.hears("ptpMediation_peersConnection_start");
  // In a lobby that is `relay-only` nobody has an endpoint.
  const peers = introduced.peers.flatMap(({ ip, port }) => (ip && port ? { ip, port } : []));
  tell(player, `is told who to connect to: ${peers.map(({ ip, port }) => `${ip}:${port}`).join(" and ")}`);
  await player.meets(peers);
  tell(player, "reports success");
  player.says("ptpMediation_peersConnection_success", {});
}

/** A lobby that stays open while they play (docs/staying.md). */
async function evening([ada, bo, cy]: readonly [Player, Player, Player]): Promise<void> {
  console.log("\nThey meet again, in a lobby that stays open while they play.\n");
  const about = { hostName: "Ada", lobbyName: "Long Evening", isPublic: false, maxMembers: 4, ...informed };
  const stays = { lifetime: "session", graceMs: 30_000, onHostLoss: "migrate" };
  const { lobbyId } = ada.keeps(await ada.post<HostAnswer>("/lobbies", { ...about, ...stays }));
  tell(ada, `hosts the lobby "${about.lobbyName}"; its code is ${lobbyId}`);
  bo.keeps(await bo.post<JoinAnswer>(`/lobbies/${lobbyId}/join`, { peerName: "Bo", ...informed }));
  const boIsIn = Date.now();
  tell(bo, "joins");
  tell(ada, "starts");
  await ada.post<null>(`/lobbies/${lobbyId}/ptp/start`, {});
  await Promise.all([ada, bo].map(meetPeers));
  await Promise.all([ada, bo].map((player) => player.hears("ptpMediation_success")));
  tell(bo, "hears that both are connected; the lobby stays open, and they play");

  cy.keeps(await cy.post<JoinAnswer>(`/lobbies/${lobbyId}/join`, { peerName: "Cy", ...informed }));
  tell(cy, "joins the running game, and nobody has to start again");
  await Promise.all([ada, cy].map(meetPeers));
  await cy.hears("ptpMediation_success");
  tell(cy, "hears that it is connected, and plays as well");

  const leftMs = boIsIn + presentMs - Date.now() + 500;
  if (leftMs > 0) await pass(leftMs);
  bo.losesConnection();
  tell(bo, "loses its connection");
  const away = await ada.hears("lobby_memberAway");
  const seconds = Math.round((away.until - Date.now()) / 1_000);
  tell(ada, `hears that ${away.peerName} is away, and may come back for ${seconds} s`);
  ada.says("lobby_messaging_send", { lobbyId, message: "Bo, where are you?" });
  await cy.hears("lobby_messaging_received");
  const { missed, lobbyMembers } = await bo.comesBack(lobbyId);
  tell(bo, `comes back to ${lobbyMembers.join(", ")}, and reads what it missed: "${missed.lines[0]?.text}"`);
  tell(ada, `hears that ${(await ada.hears("lobby_memberBack")).peerName} is back`);

  await ada.leavesLobby(lobbyId);
  tell(ada, "leaves, and was the host");
  for (const player of [bo, cy]) {
    tell(player, `hears that ${(await player.hears("lobby_hostChanged")).host} is the host now`);
  }
  bo.says("lobby_messaging_send", { lobbyId, message: "One more round?" });
  tell(cy, `hears Bo say "${(await cy.hears("lobby_messaging_received")).message.message}"`);
  console.log("\nThe game goes on.");
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
await story(server.url).then(evening).catch(fail);
for (const player of players) player.leave();
await server.stop?.();
