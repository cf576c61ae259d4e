/**
 * The clients one object holds. A home is the authority on which lobby each of its clients is in: it lets
 * a client take one seat at a time, carries its messages to the lobby, and the lobby's frames to its socket.
 */
import { DurableObject } from "cloudflare:workers";
import { type Allowance, newAllowance, spend } from "../core/allowance.ts";
import { limits } from "../core/limits.ts";
import type { MemberEvent } from "../core/lobby/event.ts";
import { drawLobbyId, lobbyIdBytes, readLobbyId } from "../core/lobby/lobby-id.ts";
import { accept, closures, type Outcome, refuse } from "../core/problem.ts";
import { clientIdBytes, sameText } from "../core/token.ts";
import { encodeBase64Url } from "../core/wire/base64.ts";
import { type ClientMessage, readClientMessage } from "../core/wire/client-message.ts";
import type { HostAnswer, JoinAnswer } from "../core/wire/http.ts";
import { serverMessage } from "../core/wire/server-message.ts";
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

/** What a socket's attachment keeps through hibernation. */
type Client = {
  id: string;
  token: string;
  /** The socket was opened to host, and the lobby whose object this home is has not been opened yet. */
  mayOpen: boolean;
  seat: { lobbyId: string; lobbyName: string; attempt: string } | null;
};

/** A client while its socket is open. */
type Held = {
  client: Client;
  socket: WebSocket;
  allowance: Allowance;
  /** A seat being taken. Only one can be: two racing requests cannot both win. */
  taking: { attempt: string; lobbyId: string; outcome: Promise<Outcome<unknown>>; released: boolean } | null;
};

/** The lobby that lives in the same object as the home, if one does: it is called, not sent to. */
export interface LocalLobby extends LobbyPort {
  readonly lobbyId: string;
  apply(events: readonly MemberEvent[]): void;
}

/** Milliseconds between the tries of a call that a player is waiting for. */
const promptRetriesMs = limits.retryDelaysMs.slice(0, 3);

export abstract class Home extends DurableObject<Env> implements HomePort {
  readonly #held = new Map<string, Held>();
  readonly #heldBySocket = new WeakMap<WebSocket, Held>();
  readonly #answers = new Answers<string[]>();
  readonly #flights: Flights<MemberEvent>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    for (const socket of ctx.getWebSockets()) {
      const client: Client | null = socket.deserializeAttachment();
      if (client && socket.readyState === WebSocket.OPEN) this.#hold(client, socket);
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
    return this.#held.size;
  }

  /** Whether a client is here that drew this home's lobby code and has not used it. */
  protected get awaitsOpening(): boolean {
    return [...this.#held.values()].some(({ client }) => client.mayOpen);
  }

  /** Whether this client's socket is here and in this lobby. */
  protected holds(clientId: string, lobbyId: string): boolean {
    return this.#held.get(clientId)?.client.seat?.lobbyId === lobbyId;
  }

  /** Accepts a client's socket, hibernatable, and tells it its token. `home` is this object's name in the token. */
  protected async accept(home: string, mayOpen: boolean): Promise<Response> {
    const id = encodeBase64Url(crypto.getRandomValues(new Uint8Array(clientIdBytes)));
    const token = await issueToken(this.env, home, id);
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours);
    const { client } = this.#hold({ id, token, mayOpen, seat: null }, ours);
    ours.serializeAttachment(client);
    ours.send(serverMessage("client_registered", { token, clientId: id }));
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** A message of a client. Whatever is not one is ignored; a flood or an oversized one closes the socket. */
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const held = this.#heldBySocket.get(socket) ?? this.#heldByAttachment(socket);
    if (!held) return;
    const verdict = spend(held.allowance, Date.now());
    const size = typeof data === "string" ? data.length : data.byteLength;
    if (size > limits.frameBytes) this.#expel(held, "frame_too_large");
    else if (verdict === "close") this.#expel(held, "flood");
    else if (verdict === "take" && typeof data === "string") this.#read(held, data);
  }

  #read(held: Held, text: string): void {
    const message = readClientMessage(text);
    if (message) this.#act(held, message);
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
    return await this.#takeSeat(clientId, attempt, "", async (held, home) => {
      const host = { clientId, name: hostName, home, attempt };
      for (let draw = 0; draw < limits.codeDraws; draw++) {
        const lobbyId = this.#codeFor(held, attempt);
        if (held.taking) held.taking.lobbyId = lobbyId;
        const outcome = await this.#ask(lobbyId, clientId, (port) => port.open({ lobbyId, lobby, host }));
        if (outcome.ok || !outcome.codes.includes("code_taken")) return outcome;
      }
      return refuse("code_taken");
    });
  }

  async joinLobby({ clientId, attempt, lobbyId, peerName }: JoinCall): Promise<Outcome<JoinAnswer>> {
    return await this.#takeSeat(clientId, attempt, lobbyId, (_, home) =>
      this.#ask(lobbyId, clientId, (port) => port.enter({ clientId, name: peerName, home, attempt })),
    );
  }

  async startMediation(call: StartCall): Promise<Outcome<null>> {
    if (!this.#held.has(call.clientId)) return refuse("invalid_token");
    try {
      return await retry(() => this.#lobby(call.lobbyId).start(call), promptRetriesMs);
    } catch (error) {
      logFault("lobby unreachable", { lobbyId: call.lobbyId }, error);
      return refuse("unavailable");
    }
  }

  /** Passes on where clients' datagrams came from. Returns the ids whose lobby could not be told. */
  async observe(seen: Seen[]): Promise<string[]> {
    const told = await Promise.all(
      seen.map(({ clientId, endpoint }) => {
        const seat = this.#held.get(clientId)?.client.seat;
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
        const held = this.#held.get(clientId);
        if (!held || lobbyOf(held) !== lobbyId) {
          gone.add(clientId);
          continue;
        }
        if (frame !== undefined) send(held.socket, frame);
        if (release) this.#release(held);
      }
    }
    return [...gone];
  }

  #hold(client: Client, socket: WebSocket): Held {
    const held: Held = { client, socket, allowance: newAllowance(Date.now()), taking: null };
    this.#held.set(client.id, held);
    this.#heldBySocket.set(socket, held);
    return held;
  }

  #heldByAttachment(socket: WebSocket): Held | undefined {
    const client: Client | null = socket.deserializeAttachment();
    return client ? this.#held.get(client.id) : undefined;
  }

  #lose(socket: WebSocket): void {
    const held = this.#heldByAttachment(socket);
    if (!held) return;
    this.#held.delete(held.client.id);
    const { seat, id } = held.client;
    if (seat) this.#tell(seat.lobbyId, { kind: "member-left", clientId: id });
  }

  #expel(held: Held, why: keyof typeof closures): void {
    this.#lose(held.socket);
    const [code, reason] = closures[why];
    held.socket.close(code, reason);
  }

  /** The code to open a lobby under: the one this attempt got before, else the one the socket came for, else a new one. */
  #codeFor({ client }: Held, attempt: string): string {
    if (client.seat?.attempt === attempt) return client.seat.lobbyId;
    const own = client.mayOpen ? this.local?.lobbyId : undefined;
    client.mayOpen = false;
    return own ?? drawLobbyId(crypto.getRandomValues(new Uint8Array(lobbyIdBytes)));
  }

  #act({ client }: Held, message: ClientMessage): void {
    const { seat, id, token } = client;
    if (!seat || !sameText(message.token, token)) return;
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
    clientId: string,
    ask: (lobby: LobbyPort) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    try {
      return await retry(() => ask(this.#lobby(lobbyId)), promptRetriesMs);
    } catch (error) {
      logFault("lobby unreachable", { lobbyId }, error);
      this.#tell(lobbyId, { kind: "member-left", clientId });
      return refuse("unavailable");
    }
  }

  /** Lets the client take one seat, unless it has one or is taking one. The same attempt, repeated, gets the same answer. */
  async #takeSeat<T extends HostAnswer>(
    clientId: string,
    attempt: string,
    lobbyId: string,
    take: (held: Held, home: string) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const held = this.#held.get(clientId);
    if (!held) return refuse("invalid_token");
    if (held.taking && held.taking.attempt !== attempt) return refuse("already_in_lobby");
    await held.taking?.outcome;
    const outcome = (async (): Promise<Outcome<T>> => {
      const { seat } = held.client;
      if (seat && seat.attempt !== attempt && (await this.#isSeated(clientId, seat.lobbyId))) {
        return refuse("already_in_lobby");
      }
      const [home = ""] = held.client.token.split(".");
      return await take(held, home);
    })();
    held.taking = { attempt, lobbyId, outcome, released: false };
    const result = await outcome;
    const { released } = held.taking;
    held.taking = null;
    if (!result.ok) return result;
    const { lobbyId: taken, lobbyName } = result.value;
    if (!this.#held.has(clientId)) {
      this.#tell(taken, { kind: "member-left", clientId });
      return refuse("invalid_token");
    }
    if (!released) this.#seat(held, { lobbyId: taken, lobbyName, attempt });
    return accept(result.value);
  }

  /** A seat that only this home believes in (the lobby ended, and its word was lost) is given up on the way. */
  async #isSeated(clientId: string, lobbyId: string): Promise<boolean> {
    try {
      if (await this.#lobby(lobbyId).isSeated(clientId)) return true;
    } catch (error) {
      logFault("lobby unreachable", { lobbyId }, error);
      return true;
    }
    this.#dropSeat(clientId, lobbyId);
    return false;
  }

  /** The lobby does not know the client: what the client has not heard of it is that it is closed. */
  #dropSeat(clientId: string, lobbyId: string): void {
    const held = this.#held.get(clientId);
    const seat = held?.client.seat;
    if (!held || seat?.lobbyId !== lobbyId) return;
    this.#release(held);
    send(held.socket, serverMessage("lobby_closed", { lobbyId, lobbyName: seat.lobbyName }));
  }

  #release(held: Held): void {
    if (held.taking) held.taking.released = true;
    this.#seat(held, null);
  }

  #seat(held: Held, seat: Client["seat"]): void {
    held.client.seat = seat;
    held.socket.serializeAttachment(held.client);
  }
}

/** The lobby a client is in, or about to be. */
function lobbyOf({ client, taking }: Held): string | undefined {
  return client.seat?.lobbyId ?? taking?.lobbyId;
}

/** RFC 6455, 7.4: the rest are reserved, and must not be sent. */
function isSendable(code: number): boolean {
  return code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
}

function send(socket: WebSocket, frame: string): void {
  // A socket that closes in this very moment throws; its close event tells the lobby.
  if (socket.readyState === WebSocket.OPEN) socket.send(frame);
}
