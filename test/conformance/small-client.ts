/**
 * A small client for every level, which breaks one rule if it is told to. It is right in everything else, as far as that rule allows.
 * Each `breaks` is one way in which a client goes wrong.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import { WebSocket } from "ws";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { signDatagram } from "../../client/udp/signing.ts";
import { openSocket } from "../../conformance/datagram-line.ts";
import type { RuleCode } from "../../conformance/rules.ts";
import type { Call, LaunchedClient } from "../../conformance/run.ts";
import { decodeMessage, encodeMessage } from "../../core/wire/codec.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { SmallLink, type ToldPeer } from "./small-link.ts";

type Payload = Record<string, unknown>;
type Sight = { mediation: string; port: number; ports: number[]; pass: string; passKey: string };

const featuresOf: Record<string, string[] | undefined> = {
  staying: [],
  links: ["links"],
  sealed: ["links", "encrypted"],
  reliable: ["links", "encrypted"],
};
const ip = "127.0.0.1";
const tickMs = 50;

export async function launchSmallClient(call: Call, flaw: RuleCode | null): Promise<LaunchedClient> {
  if (flaw === "no_connection") return { ended: Promise.resolve(), stop: async () => {} };
  const client = new SmallClient(call, flaw, await openSocket());
  void client.play().catch(() => {});
  return { ended: new Promise(() => {}), stop: async () => client.stop() };
}

class SmallClient {
  readonly #call: Call;
  readonly #flaw: RuleCode | null;
  readonly #features: string[] | undefined;
  readonly #timer = setInterval(() => this.#tick(), tickMs);
  readonly #bornAt = performance.now();
  #udp: Socket;
  #socket: WebSocket | null = null;
  #token = "";
  #secret = "";
  #id = "";
  #pingMs = 0;
  #pingedAt = 0;
  #lobbyId = "";
  #resumeKey = "";
  #requestId = "";
  #isReturning = false;
  #version = -1;
  #isIn = false;
  #isOver = false;
  /** What the server wants to see. */
  #sight: Sight | null = null;
  #firstPort = 0;
  #shownAt = 0;
  #wasConnected = false;
  #hasAborted = false;
  #isStarted = false;
  readonly #probes = new Map<number, { nonce: string; cookie?: string; isSeen: boolean }>();
  #askedAt = Number.POSITIVE_INFINITY;
  #isHeard = false;
  #hasSaidUnseen = false;
  #keys = nodeCrypto.newKeyPair();
  #mediation = "";
  /** Peers of plain Orion, and whether each has heard us. */
  #peers: { port: number; isMet: boolean }[] = [];
  #greetings = 0;
  #nonce = newNonce();
  #links: SmallLink[] = [];
  #hasReported = true;

  constructor(call: Call, flaw: RuleCode | null, udp: Socket) {
    this.#call = call;
    this.#flaw = flaw;
    this.#features = featuresOf[call.level];
    this.#udp = this.#listening(udp);
  }

  #breaks(code: RuleCode): boolean {
    return this.#flaw === code;
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    for (const link of this.#links) link.close();
    this.#socket?.terminate();
    this.#udp.close();
  }

  async play(): Promise<void> {
    const { role, code } = this.#call;
    const path = `/lobbies/${encodeURIComponent(code)}`;
    await this.#connect(role === "host" ? "/lobbies" : path);
    if (this.#breaks("malformed_message")) this.#socket?.send("hello");
    if (this.#breaks("unknown_method")) this.#say("client_hello");
    if (this.#breaks("invalid_message")) this.#say("client_hidden", { hidden: "no" });
    if (this.#breaks("wrong_token")) this.#say("client_pings", { token: "somebody else's" });
    if (this.#breaks("no_host") || this.#breaks("no_join")) return;
    const staying = { lifetime: "session", graceMs: 60_000, onHostLoss: "migrate", onLoss: "continue" };
    const answer =
      role === "host"
        ? await this.#ask("/lobbies", {
            hostName: this.#breaks("invalid_request") ? "" : "Small",
            lobbyName: "Small",
            isPublic: false,
            maxMembers: 8,
            ...(this.#call.level === "staying" && !this.#breaks("no_session_lobby") && staying),
          })
        : await this.#ask(`${path}/join`, { peerName: "Small" });
    this.#lobbyId = this.#breaks("wrong_lobby_id") ? code : String(answer.lobbyId);
    this.#resumeKey = String(answer.resumeKey);
    this.#version = Number((answer.lobby as Payload | undefined)?.version ?? -1);
    this.#isIn = true;
  }

  async #connect(path: string): Promise<void> {
    const socket = new WebSocket(new URL(path, this.#call.url.href.replace(/^http/, "ws")));
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.on("message", (data: Buffer) => {
        const message = decodeMessage(data.toString());
        if (!message) return;
        if (message.method !== "client_registered") this.#hear(message.method, message.payload);
        else {
          const { token, secretToken, clientId, pingMs } = message.payload;
          [this.#token, this.#secret, this.#id] = [String(token), String(secretToken), String(clientId)];
          this.#pingMs = Number(pingMs);
          resolve();
        }
      });
      socket.on("error", reject);
      socket.on("close", () => {
        if (this.#isIn && socket === this.#socket && !this.#isOver) void this.#comeBack().catch(() => {});
      });
    });
    if (this.#features && !this.#breaks("late_features"))
      this.#say("client_features", { features: this.#features });
    this.#say("client_pings");
  }

  #say(method: string, payload: Payload = {}): void {
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(encodeMessage(method, { token: this.#token, ...payload }));
  }

  async #ask(path: string, body: Payload): Promise<Payload> {
    const token = this.#breaks("no_secret_token") ? this.#token : this.#secret;
    for (;;) {
      const init = { method: "POST", body: JSON.stringify({ token, ...body }) };
      const response = await fetch(new URL(path, this.#call.url), init);
      const text = await response.text();
      if (response.ok) return JSON.parse(text || "{}");
      if (response.status !== 429) throw new Error(text);
      const waitS = this.#breaks("no_wait") ? 0 : Number(response.headers.get("retry-after"));
      await new Promise((resolve) => setTimeout(resolve, 1_000 * waitS));
    }
  }

  async #comeBack(): Promise<void> {
    if (this.#breaks("no_return") || this.#call.level !== "staying" || this.#isReturning) return;
    this.#isReturning = true;
    this.#requestId = newNonce();
    for (let tries = 0; tries < 20 && !this.#isOver; tries++) {
      try {
        await this.#connect(`/lobbies/${this.#lobbyId}`);
        if (this.#breaks("other_request_id")) this.#requestId = newNonce();
        const body = { resumeKey: this.#resumeKey, requestId: this.#requestId, features: this.#features };
        const answer = await this.#ask(`/lobbies/${this.#lobbyId}/resume`, body);
        if (!this.#breaks("used_resume_key")) this.#resumeKey = String(answer.resumeKey);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    this.#isReturning = false;
  }

  #hear(method: string, payload: Payload): void {
    this.#lookAt(payload.version);
    switch (method) {
      case "lobby_messaging_received":
        this.#obey(String((payload.message as Payload).message));
        return;
      case "lobby_kicked":
        this.#isIn = false;
        if (this.#breaks("returns_after_kick")) void this.#comeBack().catch(() => {});
        return;
      case "ptpMediation_send":
        this.#show(payload as Sight);
        return;
      case "ptpMediation_peersConnection_start":
        this.#meet(payload.peers as (ToldPeer & { port: number })[]);
        return;
      case "ptpMediation_aborted":
        this.#hasAborted = true;
        this.#sight = null;
        if (!this.#breaks("old_peers")) this.#peers = [];
        for (const link of this.#links.splice(0)) link.close();
        return;
      case "lobby_closed":
        this.#isIn = false;
        return;
      case "ptpRelay_renewed":
        for (const ticket of payload.tickets as { ticket: string; key: string }[])
          for (const link of this.#links) link.renew(ticket, Number(payload.lifeMs));
        return;
      default:
        if (method !== "lobby_fromTheFuture" || !this.#breaks("stumbles_over_unknown")) return;
        this.#isOver = true;
        this.#socket?.terminate();
    }
  }

  #lookAt(version: unknown): void {
    if (typeof version !== "number") return;
    const isGap = this.#version >= 0 && version > this.#version + 1;
    this.#version = Math.max(this.#version, version);
    if (!isGap || this.#features === undefined || this.#breaks("ignores_gap")) return;
    const token = this.#breaks("no_secret_token") ? this.#token : this.#secret;
    const init = { headers: { authorization: `Bearer ${token}` } };
    fetch(new URL(`/lobbies/${this.#lobbyId}`, this.#call.url), init).catch(() => {});
  }

  #obey(text: string): void {
    const [, order, rest = ""] = /^kit: (\w+) ?(.*)$/s.exec(text) ?? [];
    if (order === "say" && !this.#breaks("chat_not_said")) {
      const message = this.#breaks("chat_changed") ? rest.replace(/[^ -~]/g, "?") : rest;
      this.#say("lobby_messaging_send", { lobbyId: this.#lobbyId, message });
    }
    const isStuck = this.#hasAborted && this.#breaks("stuck_after_abort");
    if (order === "start" && !this.#breaks("no_start") && !isStuck) {
      const term = this.#breaks("old_term") ? { term: 1 } : {};
      this.#ask(`/lobbies/${this.#lobbyId}/ptp/start`, term).then(
        () => {
          this.#isStarted = true;
        },
        () => {},
      );
    }
    if (order === "leave" && !this.#breaks("no_leave")) {
      this.#isIn = false;
      this.#socket?.close(1000);
    }
  }

  // Being seen.

  #show(sight: Sight): void {
    if (this.#breaks("unanswered_send") && !this.#isStarted) return;
    if (this.#breaks("no_newcomer") && this.#wasConnected) return;
    if (sight.mediation !== this.#mediation) {
      this.#mediation = sight.mediation;
      this.#hasReported = false;
      this.#askedAt = performance.now();
      this.#isHeard = false;
      if (!this.#breaks("key_again")) this.#keys = nodeCrypto.newKeyPair();
    }
    this.#sight = sight;
    this.#firstPort ||= sight.port;
    if (this.#features?.includes("encrypted")) this.#commit(sight.mediation);
    this.#hasSaidUnseen = false;
    for (const probe of this.#probes.values()) probe.isSeen = false;
    if (this.#breaks("wrong_datagram")) this.#udp.send("hello", sight.port, ip);
    else if (!this.#features?.includes("links") || this.#breaks("token_over_udp")) this.#sendDatagram(sight);
    else this.#probeAll(sight);
  }

  #commit(mediation: string): void {
    if (this.#breaks("no_commitment")) return;
    const commit = (key: Uint8Array) => {
      const commitment = Buffer.from(nodeCrypto.sha256(key)).toString("base64url");
      const meant = this.#breaks("stuck") ? "another" : mediation;
      this.#say("ptpMediation_ready", { mediation: meant, commitment });
    };
    commit(this.#keys.publicKey);
    if (this.#breaks("other_commitment")) commit(nodeCrypto.newKeyPair().publicKey);
  }

  #sendDatagram({ port }: Sight): void {
    this.#shownAt = performance.now();
    const to = this.#breaks("old_port") ? this.#firstPort : port;
    const bytes = encodeMessage("ptpMediation_connect", { token: this.#token });
    this.#udp.send(bytes, to, ip);
    if (!this.#breaks("changed_socket")) return;
    void openSocket().then((socket) => socket.send(bytes, to, ip, () => socket.close()));
  }

  #probeAll({ ports }: Sight): void {
    for (const port of this.#breaks("one_port") ? ports.slice(0, 1) : ports)
      if (!this.#probes.get(port)?.isSeen) this.#probe(port);
  }

  #probe(port: number): void {
    const { pass, passKey } = this.#sight ?? { pass: "", passKey: "" };
    const probe = this.#probes.get(port) ?? { nonce: newNonce(), isSeen: false };
    this.#probes.set(port, probe);
    const { cookie } = probe;
    const nonce = this.#breaks("wrong_probe") ? "short" : probe.nonce;
    const key = this.#breaks("wrong_probe_mac") ? "another key" : passKey;
    const datagram = signDatagram(key, "ptpMediation_probe", { pass, nonce, candidates: [], cookie });
    const short = `${encodeMessage("ptpMediation_probe", { pass, nonce, candidates: [] })}.${"A".repeat(22)}`;
    this.#udp.send(this.#breaks("no_pad") ? short : datagram, port, ip);
  }

  #listening(socket: Socket): Socket {
    return socket.on("message", (bytes, { port }) => {
      const link = this.#links.find((one) => one.isFor(bytes));
      if (link) return link.hear(bytes, port);
      const signed = readSignedDatagram(bytes);
      if (signed?.method === "ptpMediation_seen") this.#prove(port, signed.payload);
      else if (signed) for (const one of this.#links) one.hearRelay(signed);
      else this.#greeted(bytes.toString(), port);
    });
  }

  #prove(port: number, { nonce, cookie }: Payload): void {
    const probe = this.#probes.get(port);
    if (!probe || probe.nonce !== nonce) return;
    this.#isHeard = true;
    if (probe.cookie !== undefined) probe.isSeen = true;
    if (this.#breaks("no_cookie")) return;
    probe.cookie = String(cookie);
    if (!this.#breaks("nonce_again")) probe.nonce = newNonce();
    if (!probe.isSeen) this.#probe(port);
  }

  // Being connected.

  #meet(peers: (ToldPeer & { port: number })[]): void {
    const sidecar = this.#sight?.port ?? 0;
    this.#sight = null;
    if (this.#breaks("closed_early")) return void this.#socket?.close();
    if (this.#breaks("early_success")) this.#report();
    if (!peers.every(({ link }) => link)) {
      const met = peers.map(({ port }) => ({ port, isMet: false }));
      this.#peers = this.#breaks("old_peers") ? [...this.#peers, ...met] : met;
      this.#greetings = 0;
      return;
    }
    for (const peer of peers) {
      const own = { id: this.#id, features: this.#features ?? [], keys: this.#keys };
      const cookie = this.#probes.get(sidecar)?.cookie;
      const say = (method: string, payload: Payload) => this.#say(method, payload);
      this.#links.push(new SmallLink(peer, { own, udp: this.#udp, cookie, say, flaw: this.#flaw }));
    }
  }

  #greeted(text: string, port: number): void {
    const [word, nonce] = text.split(" ");
    if (word === "hello" && !this.#breaks("no_answer")) this.#udp.send(`heard ${nonce}`, port, ip);
    const peer = this.#peers.find((one) => one.port === port);
    if (word !== "heard" || nonce !== this.#nonce || !peer) return;
    peer.isMet = true;
    if (this.#peers.every(({ isMet }) => isMet) && !this.#breaks("no_success")) this.#report();
  }

  #report(peers: object[] = []): void {
    if (this.#hasReported) return;
    this.#hasReported = true;
    this.#wasConnected = true;
    const mediation = this.#breaks("wrong_report") ? "another" : this.#mediation;
    this.#say("ptpMediation_peersConnection_success", { mediation, peers });
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#pingedAt > this.#pingMs && this.#pingMs > 0 && !this.#breaks("no_pings")) {
      this.#pingedAt = now;
      if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send("ping");
    }
    if (this.#sight && this.#features?.includes("links")) this.#lookForSidecar(this.#sight, now);
    else if (this.#sight && now - this.#shownAt > 9_000 && !this.#breaks("no_repeat"))
      this.#sendDatagram(this.#sight);
    if (this.#peers.some(({ isMet }) => !isMet) && (this.#greetings === 0 || !this.#breaks("no_punch"))) {
      this.#greetings += 1;
      for (const { port } of this.#peers) this.#udp.send(`hello ${this.#nonce}`, port, ip);
    }
    for (const link of this.#links) link.tick(now);
    this.#lookAtLinks(now);
  }

  #lookForSidecar(sight: Sight, now: number): void {
    if (this.#breaks("token_over_udp")) return;
    this.#probeAll(sight);
    if (this.#isHeard) return;
    if (now - this.#askedAt > 2_000 && !this.#breaks("no_unseen") && !this.#hasSaidUnseen) {
      this.#hasSaidUnseen = true;
      for (let i = 0; i < (this.#breaks("unseen_again") ? 2 : 1); i++)
        this.#say("ptpMediation_unseen", { mediation: sight.mediation });
    }
    if (now - this.#askedAt > 5_000) this.#fail("udp-blocked", []);
  }

  #lookAtLinks(now: number): void {
    if (this.#links.length === 0 || this.#hasReported) return;
    const paths = this.#links.map(({ peerId, path }) => ({ clientId: peerId, path, cause: null }));
    if (paths.every(({ path }) => path !== null)) this.#report(paths);
    else if (now - this.#bornAt > 9_000 && this.#links.every(({ isOld }) => isOld))
      this.#fail("no-packets-received", paths);
  }

  #fail(cause: string, peers: object[]): void {
    if (this.#hasReported || this.#breaks("no_failure")) return;
    this.#hasReported = true;
    this.#say("ptpMediation_peersConnection_failure", { mediation: this.#mediation, cause, peers });
  }
}

function newNonce(): string {
  return randomBytes(9).toString("base64url");
}
