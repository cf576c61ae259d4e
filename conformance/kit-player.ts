/** A player of the kit: it plays with the client under test on the real server, and does only what its run tells it. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { WebSocket } from "ws";
import { nodeCrypto } from "../client/crypto/node.ts";
import { commitmentOf } from "../client/link/sealed-packets.ts";
import { isSignedWith, signDatagram } from "../client/udp/signing.ts";
import type { KeyPair } from "../core/sealing/primitives.ts";
import { decodeMessage, encodeMessage, type Message } from "../core/wire/codec.ts";
import { linkOf } from "../core/wire/peer-packet.ts";
import type { Heard, ServerMethod } from "../core/wire/server-message.ts";
import { readSignedDatagram, type SignedDatagram } from "../core/wire/signed-datagram.ts";
import { openSocket } from "./datagram-line.ts";
import type { Run } from "./run.ts";
import type { Stage } from "./stage.ts";

/** The server did not tell the kit's player what it should by now. It may wait for the client under test. */
export class Unheard extends Error {}

export class KitPlayer {
  readonly name: string;
  readonly features: readonly string[];
  /** For the mediation under way. A run may put a wrong one in its place. */
  keys: KeyPair = nodeCrypto.newKeyPair();
  /** Whether it shows itself to the server when asked. */
  shows = true;
  /** Where it talks to the sidecar and its peers. */
  readonly udp: Socket;
  /** The cookie of the sidecar's first port. */
  cookie: string | undefined;
  readonly #stage: Stage;
  readonly #socket: WebSocket;
  readonly #heard: Message[] = [];
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #packets = new EventEmitter();
  readonly #patienceMs: number;
  #lobbyId = "";
  /** What the server asked for last, and cookies that were returned. */
  #asked: Record<string, unknown> = {};
  readonly #proved = new Set<string>();

  /** `features`: what it says that it can do; null for a plain client of Orion. */
  static async connect(
    { stage, patience }: Pick<Run, "stage" | "patience">,
    name: string,
    { features = null, path = "/" }: { features?: readonly string[] | null; path?: string } = {},
  ): Promise<KitPlayer> {
    const udp = await openSocket();
    const player = new KitPlayer(stage, name, features ?? [], udp, path, 2 * patience.stepMs);
    await player.hears("client_registered");
    if (features) player.says("client_features", { features });
    return player;
  }

  private constructor(
    stage: Stage,
    name: string,
    features: readonly string[],
    udp: Socket,
    path: string,
    patienceMs: number,
  ) {
    this.#stage = stage;
    this.#patienceMs = patienceMs;
    this.name = name;
    this.features = features;
    this.udp = udp;
    this.#socket = new WebSocket(new URL(path, stage.url.href.replace(/^http/, "ws")));
    this.#socket.on("error", () => {});
    this.#socket.on("message", (data: Buffer) => {
      const message = decodeMessage(data.toString());
      if (!message) return;
      this.#heard.push(message);
      if (message.method === "ptpMediation_send") this.#show(message.payload);
      this.#news.emit("news");
    });
    udp.on("message", (bytes, { address, port }) => {
      const signed = linkOf(bytes) === null ? readSignedDatagram(bytes) : null;
      if (signed?.method === "ptpMediation_seen") this.#prove(signed, port);
      else this.#packets.emit("packet", bytes, { ip: address, port }, signed);
    });
  }

  get clientId(): string {
    return String(this.#heard.find(({ method }) => method === "client_registered")?.payload.clientId);
  }

  get lobbyId(): string {
    return this.#lobbyId;
  }

  /** What comes to its socket, from peers and relays. `signed`: if it is the relay's own word. */
  onPacket(
    listener: (bytes: Buffer, from: { ip: string; port: number }, signed: SignedDatagram | null) => void,
  ): () => void {
    this.#packets.on("packet", listener);
    return () => this.#packets.off("packet", listener);
  }

  #token(name: "token" | "secretToken"): string {
    return String(this.#heard.find(({ method }) => method === "client_registered")?.payload[name]);
  }

  says(method: string, payload: object = {}): void {
    this.#socket.send(encodeMessage(method, { token: this.#token("token"), ...payload }));
  }

  chats(message: string): void {
    this.says("lobby_messaging_send", { lobbyId: this.#lobbyId, message });
  }

  /** Tells the client under test what to do: see docs/writing-a-client.md. */
  orders(what: string): void {
    this.chats(`kit: ${what}`);
  }

  count(method: ServerMethod): number {
    return this.#heard.filter((message) => message.method === method).length;
  }

  /** The payload of the nth message of this method. Throws if the server does not send it. */
  async hears<M extends ServerMethod>(method: M, nth = 1): Promise<Heard<M>> {
    const signal = AbortSignal.timeout(this.#patienceMs);
    for (;;) {
      const message = this.#heard.filter((one) => one.method === method)[nth - 1];
      if (message) return message.payload as Heard<M>;
      await once(this.#news, "news", { signal }).catch(() => {
        throw new Unheard(`${this.name} did not hear ${method}.`);
      });
    }
  }

  async asks(path: string, body: object, method = "POST"): Promise<Record<string, unknown>> {
    const response = await fetch(new URL(path, this.#stage.url), {
      method,
      body: JSON.stringify({ token: this.#token("secretToken"), ...body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The kit's own ${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text || "{}");
  }

  /** The whole picture of its lobby. */
  async asksPicture(): Promise<unknown> {
    const response = await fetch(new URL(`/lobbies/${this.#lobbyId}`, this.#stage.url), {
      headers: { authorization: `Bearer ${this.#token("secretToken")}` },
    });
    return await response.json();
  }

  async hosts(additions: object = {}): Promise<string> {
    const about = { hostName: this.name, lobbyName: "Conformance", isPublic: false, maxMembers: 8 };
    this.#lobbyId = String((await this.asks("/lobbies", { ...about, ...additions })).lobbyId);
    return this.#lobbyId;
  }

  async joins(lobbyId: string): Promise<void> {
    this.#lobbyId = lobbyId;
    await this.asks(`/lobbies/${lobbyId}/join`, { peerName: this.name });
  }

  async starts(): Promise<void> {
    await this.asks(`/lobbies/${this.#lobbyId}/ptp/start`, {});
  }

  /** Says that it is connected to all its peers. */
  reportsSuccess(): void {
    this.says("ptpMediation_peersConnection_success");
  }

  leave(): void {
    this.#socket.close();
  }

  close(): void {
    this.#socket.terminate();
    this.udp.close();
  }

  #show(payload: Record<string, unknown>): void {
    if (!this.shows) return;
    this.#asked = payload;
    const { mediation, pass } = payload;
    if (this.features.includes("encrypted"))
      this.says("ptpMediation_ready", {
        mediation,
        commitment: commitmentOf(nodeCrypto, this.keys.publicKey),
      });
    if (this.features.includes("links") && typeof pass === "string") {
      this.#proved.clear();
      for (const port of this.#stage.ports) this.#probe(port);
    } else {
      const datagram = encodeMessage("ptpMediation_connect", { token: this.#token("token") });
      this.udp.send(datagram, this.#stage.ports[0], "127.0.0.1");
    }
  }

  /** Shows itself now, if it was asked before. */
  showsNow(): void {
    this.shows = true;
    const last = this.#heard.findLast(({ method }) => method === "ptpMediation_send");
    if (last) this.#show(last.payload);
  }

  #probe(port: number, cookie?: string): void {
    const { pass, passKey } = this.#asked;
    const probe = { pass: String(pass), nonce: newNonce(), candidates: [], cookie };
    this.udp.send(signDatagram(String(passKey), "ptpMediation_probe", probe), port, "127.0.0.1");
  }

  #prove(seen: SignedDatagram, port: number): void {
    const cookie = String(seen.payload.cookie);
    if (!isSignedWith(String(this.#asked.passKey), seen) || this.#proved.has(cookie)) return;
    this.#proved.add(cookie);
    if (port === this.#stage.ports[0]) this.cookie = cookie;
    this.#probe(port, cookie);
  }
}

export function newNonce(): string {
  return randomBytes(12).toString("base64url");
}
