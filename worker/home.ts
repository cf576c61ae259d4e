/**
 * The clients one object holds. A home is the authority on which lobby each of its clients is in: it lets
 * a client take one seat at a time, carries its messages to the lobby, and the lobby's frames to its socket.
 */
import { DurableObject } from "cloudflare:workers";
import { spend } from "../core/allowance.ts";
import { limits } from "../core/limits.ts";
import type { MemberEvent } from "../core/lobby/event.ts";
import { drawLobbyId, lobbyIdBytes, readLobbyId } from "../core/lobby/lobby-id.ts";
import type { Seat } from "../core/lobby/state.ts";
import { closures, type Outcome, refuse } from "../core/problem.ts";
import { sameText } from "../core/token.ts";
import { readClientMessage } from "../core/wire/client-message.ts";
import type { HostAnswer, JoinAnswer } from "../core/wire/http.ts";
import { serverMessage } from "../core/wire/server-message.ts";
import { Client } from "./client.ts";
import type { Env } from "./env.ts";
import { Answers, type Batch, Flights } from "./flight.ts";
import { issueToken } from "./keys.ts";
import { logFault } from "./log.ts";
import {
  type HomePort,
  type HostCall,
  type JoinCall,
  type LobbyPort,
  lobbyAt,
  type Parcel,
  type Seen,
  type StartCall,
} from "./ports.ts";
import { retry } from "./retry.ts";

/** The lobby that lives in the same object as the home, if one does: it is called, not sent to. */
export interface LocalLobby extends LobbyPort {
  readonly lobbyId: string;
  apply(events: readonly MemberEvent[]): void;
}

export abstract class Home extends DurableObject<Env> implements HomePort {
  readonly #clients = new Map<string, Client>();
  readonly #bySocket = new WeakMap<WebSocket, Client>();
  readonly #answers = new Answers<string[]>();
  readonly #flights: Flights<MemberEvent>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    for (const socket of ctx.getWebSockets()) {
      const client = Client.revive(socket);
      if (client) this.#hold(client);
    }
    this.#flights = new Flights(
      async (lobbyId, batch) => {
        const unknown = await lobbyAt(env, lobbyId).receive(batch);
        for (const clientId of unknown) this.#dropSeat(clientId, lobbyId);
      },
      (lobbyId, items, error) => logFault("lobby unreachable", { lobbyId, lost: items.length }, error),
    );
  }

  protected abstract readonly local: LocalLobby | null;

  /** Clients held. */
  protected get size(): number {
    return this.#clients.size;
  }

  /** What the clients' tokens call this object, if it holds any. */
  protected get nameInTokens(): string | undefined {
    const [client] = this.#clients.values();
    return client?.home;
  }

  /** Whether a client is here that drew this home's lobby code and has not used it. */
  protected get awaitsOpening(): boolean {
    return [...this.#clients.values()].some((client) => client.mayOpen);
  }

  /** Whether this client's socket is here and in this lobby. */
  protected holds(clientId: string, lobbyId: string): boolean {
    return this.#clients.get(clientId)?.seat?.lobbyId === lobbyId;
  }

  /** Accepts a client's socket, hibernatable, and tells it its token. `home` is this object's name in the token. */
  protected async accept(home: string, mayOpen: boolean): Promise<Response> {
    const id = Client.drawId();
    const token = await issueToken(this.env, home, id);
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours);
    const client = Client.admit(ours, token, id, mayOpen);
    this.#hold(client);
    client.send(serverMessage("client_registered", { token, clientId: id }));
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** A message of a client. Whatever is not one is ignored; a flood or an oversized one closes the socket. */
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const client = this.#clientOf(socket);
    if (!client) return;
    const verdict = spend(client.allowance, Date.now());
    if (isTooLarge(data)) this.#expel(client, "frame_too_large");
    else if (verdict === "close") this.#expel(client, "flood");
    else if (verdict === "take" && typeof data === "string") this.#read(client, data);
  }

  /** The socket is closed: the client is no more, and its token neither. */
  override webSocketClose(socket: WebSocket, code: number): void {
    this.#lose(socket);
    // Without an answer the client would see its close complete only seconds later.
    socket.close(isSendable(code) ? code : 1000);
  }

  override webSocketError(socket: WebSocket): void {
    this.#lose(socket);
  }

  /** Opens a lobby with this client as its host: in this object if that is what its socket came for, else in a fresh one. */
  async hostLobby({ clientId, attempt, request }: HostCall): Promise<Outcome<HostAnswer>> {
    const { hostName, ...lobby } = request;
    return await this.#takeSeat(clientId, attempt, async (client, aim) => {
      const host = { clientId, name: hostName, home: client.home, attempt };
      for (let draw = 0; draw < limits.codeDraws; draw++) {
        const lobbyId = this.#codeFor(client, attempt);
        aim(lobbyId);
        const outcome = await this.#ask(lobbyId, host, (port) => port.open({ lobbyId, lobby, host }));
        if (outcome.ok || !outcome.codes.includes("code_taken")) return outcome;
      }
      return refuse("code_taken");
    });
  }

  async joinLobby({ clientId, attempt, lobbyId, peerName }: JoinCall): Promise<Outcome<JoinAnswer>> {
    return await this.#takeSeat(clientId, attempt, async ({ home }, aim) => {
      if (lobbyId === null) return refuse("no_such_lobby");
      aim(lobbyId);
      const seat = { clientId, name: peerName, home, attempt };
      return await this.#ask(lobbyId, seat, (port) => port.enter(seat));
    });
  }

  async startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>> {
    if (!this.#clients.has(call.clientId)) return refuse("invalid_token");
    if (lobbyId === null) return refuse("no_such_lobby");
    try {
      return await retry(() => this.#lobby(lobbyId).start(call), limits.promptRetryDelaysMs);
    } catch (error) {
      logFault("lobby unreachable", { lobbyId }, error);
      return refuse("unavailable");
    }
  }

  /** Passes on where clients' datagrams came from. Returns the ids whose lobby could not be told. */
  async observe(seen: Seen[]): Promise<string[]> {
    const told = await Promise.all(
      seen.map(({ clientId, endpoint }) => {
        const seat = this.#clients.get(clientId)?.seat;
        return !seat || this.#tell(seat.lobbyId, { kind: "endpoint-seen", clientId, endpoint });
      }),
    );
    return seen.filter((_, i) => !told[i]).map(({ clientId }) => clientId);
  }

  async deliver(lobbyId: string, batch: Batch<Parcel>): Promise<string[]> {
    return this.#answers.once(batch, () => this.deliverHere(lobbyId, batch.items));
  }

  /** Hands a lobby's frames to their clients. Returns the ids that are not here, or not in that lobby. */
  protected deliverHere(lobbyId: string, parcels: readonly Parcel[]): string[] {
    const gone = new Set<string>();
    for (const { to, frame, release } of parcels) {
      for (const clientId of to) {
        const client = this.#clients.get(clientId);
        if (client?.lobbyId !== lobbyId) {
          gone.add(clientId);
          continue;
        }
        if (frame !== undefined) client.send(frame);
        if (release) client.release();
      }
    }
    return [...gone];
  }

  #hold(client: Client): void {
    this.#clients.set(client.id, client);
    this.#bySocket.set(client.socket, client);
  }

  /** The client of a socket, unless it is gone already. */
  #clientOf(socket: WebSocket): Client | undefined {
    const client = this.#bySocket.get(socket);
    return client && this.#clients.get(client.id);
  }

  #lose(socket: WebSocket): void {
    const client = this.#clientOf(socket);
    if (!client) return;
    this.#clients.delete(client.id);
    if (client.seat) this.#tell(client.seat.lobbyId, { kind: "member-left", clientId: client.id });
  }

  #expel(client: Client, why: keyof typeof closures): void {
    this.#lose(client.socket);
    const [code, reason] = closures[why];
    client.socket.close(code, reason);
  }

  #read({ seat, id, token }: Client, text: string): void {
    const message = readClientMessage(text);
    if (!message || !seat || !sameText(message.token, token)) return;
    switch (message.method) {
      case "lobby_messaging_send":
        if (readLobbyId(message.lobbyId) !== seat.lobbyId) return;
        this.#tell(seat.lobbyId, { kind: "message-sent", clientId: id, text: message.message });
        return;
      case "ptpMediation_peersConnection_success":
        this.#tell(seat.lobbyId, { kind: "connection-reported", clientId: id });
        return;
    }
  }

  /** True once the lobby knows. */
  #tell(lobbyId: string, event: MemberEvent): true | Promise<boolean> {
    if (lobbyId !== this.local?.lobbyId) return this.#flights.push(lobbyId, event);
    this.local.apply([event]);
    return true;
  }

  #lobby(lobbyId: string): LobbyPort {
    return lobbyId === this.local?.lobbyId ? this.local : lobbyAt(this.env, lobbyId);
  }

  /** Asks a lobby for a seat. If it cannot be known whether the seat was given, it is given back. */
  async #ask<T>(
    lobbyId: string,
    { clientId, attempt }: Seat,
    ask: (lobby: LobbyPort) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    try {
      return await retry(() => ask(this.#lobby(lobbyId)), limits.promptRetryDelaysMs);
    } catch (error) {
      logFault("lobby unreachable", { lobbyId }, error);
      this.#tell(lobbyId, { kind: "member-left", clientId, attempt });
      return refuse("unavailable");
    }
  }

  /**
   * Lets the client take one seat, unless it has one or is taking one. The same attempt, repeated, gets the same
   * answer. `take` is told the client, and aims at a lobby before it asks it.
   */
  async #takeSeat<T extends HostAnswer>(
    clientId: string,
    attempt: string,
    take: (client: Client, aim: (lobbyId: string) => void) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const client = this.#clients.get(clientId);
    if (!client) return refuse("invalid_token");
    while (client.taking?.attempt === attempt) await client.taking.ended;
    if (client.taking) return refuse("already_in_lobby");

    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const taking = { attempt, lobbyId: "", released: false, ended };
    client.taking = taking;
    try {
      if (await this.#isElsewhere(client, attempt)) return refuse("already_in_lobby");
      const outcome = await take(client, (lobbyId) => {
        taking.lobbyId = lobbyId;
      });
      if (!outcome.ok) return outcome;
      const { lobbyId, lobbyName } = outcome.value;
      if (!this.#clients.has(clientId)) {
        this.#tell(lobbyId, { kind: "member-left", clientId });
        return refuse("invalid_token");
      }
      if (!taking.released) client.seat = { lobbyId, lobbyName, attempt };
      return outcome;
    } finally {
      client.taking = null;
      end();
    }
  }

  /** The code to open a lobby under: the one this attempt got before, else the one the socket came for, else a new one. */
  #codeFor(client: Client, attempt: string): string {
    if (client.seat?.attempt === attempt) return client.seat.lobbyId;
    const own = client.mayOpen ? this.local?.lobbyId : undefined;
    if (own !== undefined) client.mayOpen = false;
    return own ?? drawLobbyId(crypto.getRandomValues(new Uint8Array(lobbyIdBytes)));
  }

  /** Whether the client has a seat that another attempt took. One that only this home believes in is given up. */
  async #isElsewhere(client: Client, attempt: string): Promise<boolean> {
    const { seat } = client;
    if (!seat || seat.attempt === attempt) return false;
    try {
      if (await this.#lobby(seat.lobbyId).isSeated(client.id)) return true;
    } catch (error) {
      logFault("lobby unreachable", { lobbyId: seat.lobbyId }, error);
      return true;
    }
    this.#dropSeat(client.id, seat.lobbyId);
    return false;
  }

  /** The lobby does not know the client: what the client has not heard of it is that it is closed. */
  #dropSeat(clientId: string, lobbyId: string): void {
    const client = this.#clients.get(clientId);
    const seat = client?.seat;
    if (!client || seat?.lobbyId !== lobbyId) return;
    client.seat = null;
    client.send(serverMessage("lobby_closed", { lobbyId, lobbyName: seat.lobbyName }));
  }
}

const encoder = new TextEncoder();

function isTooLarge(data: string | ArrayBuffer): boolean {
  if (typeof data !== "string") return data.byteLength > limits.frameBytes;
  // A UTF-16 unit is one to three bytes of UTF-8: most lengths settle it.
  if (data.length * 3 <= limits.frameBytes) return false;
  return data.length > limits.frameBytes || encoder.encode(data).byteLength > limits.frameBytes;
}

/** RFC 6455, 7.4: the rest are reserved, and must not be sent. */
function isSendable(code: number): boolean {
  return code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
}
