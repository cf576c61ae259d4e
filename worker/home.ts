/**
 * One object: the clients it holds (crowd.ts), and the lobbies they host (lobbies.ts). A home is the authority on which
 * lobby each of its clients is in: it carries its messages to the lobby, in this home or another, and the lobby's frames
 * to its socket.
 */
import { DurableObject } from "cloudflare:workers";
import { spend } from "../core/allowance.ts";
import { limits } from "../core/limits.ts";
import { readLobbyId } from "../core/lobby/lobby-id.ts";
import type { Seat } from "../core/lobby/state.ts";
import { type Outcome, type Refusal, refuse, refuseFor } from "../core/problem.ts";
import { sameText } from "../core/token.ts";
import { readClientMessage } from "../core/wire/client-message.ts";
import type { HostAnswer, JoinAnswer } from "../core/wire/http.ts";
import { pingText, pongText } from "../core/wire/ping.ts";
import { Alarm } from "./alarm.ts";
import { Client } from "./client.ts";
import { codesOf, homesOf } from "./codes.ts";
import { Crowd } from "./crowd.ts";
import { type Env, settingsOf } from "./env.ts";
import type { Batch } from "./flight.ts";
import { issueToken } from "./keys.ts";
import { Lobbies } from "./lobbies.ts";
import { type Residence, storedLobbies } from "./lobby.ts";
import { logFault } from "./log.ts";
import {
  type HomePort,
  type HostCall,
  homeAt,
  type JoinCall,
  type Mail,
  type SeatRef,
  type Seen,
  type StartCall,
} from "./ports.ts";
import { PostOffice } from "./post-office.ts";
import { retry } from "./retry.ts";
import { Seating } from "./seating.ts";
import { isSendable, isTooLarge, messageText } from "./websocket.ts";

export class Home extends DurableObject<Env> implements HomePort {
  readonly #alarm: Alarm;
  readonly #crowd: Crowd;
  readonly #lobbies: Lobbies;
  readonly #post: PostOffice;
  readonly #seating: Seating;
  /** An object that wakes may not be told its name: then a client's token, or a stored lobby, tells it. */
  #name: string;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#alarm = new Alarm(ctx.storage);
    this.#crowd = new Crowd(ctx, this.#alarm, {
      left: ({ id: clientId, seat }) => {
        if (seat) this.#post.tell(seat, { kind: "member-left", clientId });
      },
      stuck: () => this.#end(),
    });
    const stored = storedLobbies(ctx.storage);
    const [witness] = [...this.#crowd, ...stored];
    this.#name = ctx.id.name ?? witness?.home ?? "";
    this.#post = new PostOffice({
      home: () => this.#name,
      crowd: this.#crowd,
      lobbyOf: (lobbyId) => this.#lobbies.get(lobbyId),
      bring: (home, batch) => homeAt(env, home).receive(this.#name, batch),
    });
    this.#seating = new Seating({
      clientOf: (clientId) => this.#crowd.get(clientId),
      homeAt: (home) => this.#homeAt(home),
      giveBack: (home, lobbyId, clientId, attempt) =>
        this.#post.tell(
          { home, lobbyId },
          { kind: "member-left", clientId, ...(attempt !== undefined && { attempt }) },
        ),
      dropSeat: (stray) => this.#post.dropSeat(stray),
    });
    this.#lobbies = new Lobbies(this.#residence(), this.#alarm);
    this.#lobbies.revive(
      stored,
      [...this.#crowd].flatMap(({ hosted }) => hosted ?? []),
    );
  }

  /**
   * Takes a client's socket: `/<this home>`, or `/<this home>/<lobby>` for one who means that lobby. Answers 409 when
   * there is no room, or no such lobby.
   */
  override async fetch(request: Request): Promise<Response> {
    const [, name = "", lobbyId] = new URL(request.url).pathname.split("/");
    this.#name = name;
    const room =
      lobbyId === undefined
        ? this.#crowd.size < settingsOf(this.env).clientsPerHome
        : this.#crowd.size < limits.homeSockets && this.#lobbies.get(lobbyId)?.isOpen;
    if (!room) return new Response(null, { status: 409 });
    const id = Client.drawId();
    const token = await issueToken(this.env, name, id);
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#crowd.admit(ours, token, id);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** A message of a client. Whatever is not one is ignored; a flood or an oversized one closes the socket. */
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const client = this.#crowd.hear(socket);
    if (!client) return;
    const verdict = spend(client.allowance, Date.now());
    if (isTooLarge(data)) this.#crowd.expel(client, "frame_too_large");
    else if (verdict === "close") this.#crowd.expel(client, "flood");
    else if (verdict === "take") {
      this.#crowd.trust(client);
      const text = messageText(data);
      // The platform answers a ping in a text frame, and passes on one in a binary frame.
      if (text === pingText) this.#crowd.send(client, pongText);
      else if (text !== null) this.#read(client, text);
    }
  }

  /** The socket is closed: the client is no more, and its token neither. */
  override webSocketClose(socket: WebSocket, code: number): void {
    this.#crowd.gone(socket);
    // Without an answer the client would see its close complete only seconds later.
    socket.close(isSendable(code) ? code : 1000);
  }

  override webSocketError(socket: WebSocket): void {
    this.#crowd.gone(socket);
  }

  /** The server stops: closes every client's socket, and ends the lobbies they host. */
  async goodbye(): Promise<void> {
    this.#crowd.closeAll();
  }

  /** Opens a lobby in this home, with this client as its host. */
  async hostLobby({ clientId, attempt, request }: HostCall): Promise<Outcome<HostAnswer>> {
    const tooMany = this.#countRequest(clientId, attempt);
    if (tooMany) return tooMany;
    const { hostName, lobbyName, isPublic, maxMembers, onLoss, privacy } = request;
    const codes = await codesOf(this.env);
    return await this.#seating.take(clientId, attempt, async ({ seat }, aim) => {
      const before = seat?.attempt === attempt ? this.#lobbies.get(seat.lobbyId) : undefined;
      const lobby = before ?? this.#lobbies.add(codes);
      if (!lobby) return refuse("code_taken");
      aim(this.#name, lobby.id);
      const host = { clientId, name: hostName, home: this.#name, attempt };
      const rules = { goesOn: onLoss === "continue", relayOnly: privacy === "relay-only" };
      const about = { lobbyId: lobby.id, name: lobbyName, isPublic, maxMembers };
      return await lobby.answer({ kind: "open-requested", ...about, ...rules, host });
    });
  }

  async joinLobby({ clientId, attempt, lobbyId, peerName }: JoinCall): Promise<Outcome<JoinAnswer>> {
    this.#crowd.stir();
    const tooMany = this.#countRequest(clientId, attempt);
    if (tooMany) return tooMany;
    return await this.#seating.take(clientId, attempt, async (client, aim) => {
      const wait = client.guessesAgainIn;
      if (wait > 0) return refuseFor(wait);
      const seat = { clientId, name: peerName, home: this.#name, attempt };
      const outcome = await this.#firstOpen(lobbyId, async (home, lobbyId) => {
        aim(home, lobbyId);
        return home === this.#name
          ? await this.enter(lobbyId, seat)
          : await this.#seating.ask(home, lobbyId, seat);
      });
      if (!outcome.ok && outcome.codes.includes("no_such_lobby")) client.countFailedJoin();
      return outcome;
    });
  }

  async takeBack(clientId: string, attempt: string): Promise<void> {
    const client = this.#crowd.get(clientId);
    while (client?.taking?.attempt === attempt) await client.taking.ended;
    if (client?.seat?.attempt !== attempt) return;
    const { seat } = client;
    client.seat = null;
    this.#post.tell(seat, { kind: "member-left", clientId, attempt });
  }

  async startMediation(lobbyId: string | null, call: StartCall): Promise<Outcome<null>> {
    const client = this.#crowd.get(call.clientId);
    if (!client) return refuse("invalid_token");
    const tooMany = this.#countRequest(call.clientId, call.attempt);
    if (tooMany) return tooMany;
    const start = async (home: string, lobbyId: string): Promise<Outcome<null>> => {
      try {
        return await retry(() => this.#homeAt(home).start(lobbyId, call), limits.promptRetryDelaysMs);
      } catch (error) {
        logFault("lobby unreachable", { lobbyId }, error);
        return refuse("unavailable");
      }
    };
    const { seat } = client;
    return seat && seat.lobbyId === lobbyId
      ? await start(seat.home, lobbyId)
      : await this.#firstOpen(lobbyId, start);
  }

  /** A refusal, if this client makes too many requests. */
  #countRequest(clientId: string, attempt: string): Refusal | null {
    const seconds = this.#crowd.get(clientId)?.countRequest(attempt) ?? 0;
    return seconds > 0 ? refuseFor(seconds) : null;
  }

  /** What the lobby of this code answers, wherever it is open. */
  async #firstOpen<T>(
    lobbyId: string | null,
    ask: (home: string, lobbyId: string) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    if (lobbyId === null) return refuse("no_such_lobby");
    for (const home of await homesOf(this.env, lobbyId)) {
      const outcome = await ask(home, lobbyId);
      if (outcome.ok || !outcome.codes.includes("no_such_lobby")) return outcome;
    }
    return refuse("no_such_lobby");
  }

  /** Passes on where clients' datagrams came from. Returns the ids whose lobby could not be told. */
  async observe(seen: Seen[]): Promise<string[]> {
    const told = await Promise.all(
      seen.map(({ clientId, sighting }) => {
        const seat = this.#crowd.get(clientId)?.seat;
        return !seat || this.#post.tell(seat, { kind: "endpoint-seen", clientId, sighting });
      }),
    );
    return seen.filter((_, i) => !told[i]).map(({ clientId }) => clientId);
  }

  async enter(lobbyId: string, seat: Seat): Promise<Outcome<JoinAnswer>> {
    // Somebody who is gone may hold the seat, or the name.
    this.#crowd.stir();
    const lobby = this.#lobbies.get(lobbyId);
    return lobby ? await lobby.answer({ kind: "join-requested", seat }) : refuse("no_such_lobby");
  }

  async start(lobbyId: string, call: StartCall): Promise<Outcome<null>> {
    const lobby = this.#lobbies.get(lobbyId);
    return lobby ? await lobby.start(call) : refuse("no_such_lobby");
  }

  async isSeated({ lobbyId, clientId }: SeatRef): Promise<boolean> {
    return this.#lobbies.get(lobbyId)?.isSeated(clientId) ?? false;
  }

  async listed(lobbyIds: string[]): Promise<string[]> {
    return lobbyIds.filter((lobbyId) => this.#lobbies.get(lobbyId)?.isListed);
  }

  async receive(from: string, batch: Batch<Mail>): Promise<SeatRef[]> {
    this.#crowd.stir();
    return this.#post.receive(from, batch);
  }

  override alarm(): void {
    this.#alarm.rang();
    this.#crowd.wake();
    // Alarms of one object do not overlap: one lobby that waits for others outside must not keep the rest waiting.
    const failed = (error: unknown) => logFault("an alarm was not dealt with", { home: this.#name }, error);
    for (const done of this.#lobbies.alarm()) this.ctx.waitUntil(done.catch(failed));
  }

  #residence(): Residence {
    const name = () => this.#name;
    return {
      env: this.env,
      get home() {
        return name();
      },
      storage: this.ctx.storage,
      attach: (state) => {
        const host = this.#crowd.get(state.hostId);
        if (host) host.hosted = state;
      },
      detach: (hostId, lobbyId) => {
        const host = this.#crowd.get(hostId);
        if (host?.hosted?.lobbyId === lobbyId) host.hosted = null;
      },
      holds: (clientId, lobbyId) => this.#crowd.get(clientId)?.seat?.lobbyId === lobbyId,
      deliver: (parcel) => this.#post.deliver(parcel),
      send: (home, parcel) => this.#post.send(home, parcel),
    };
  }

  #homeAt(home: string): Pick<HomePort, "enter" | "start" | "isSeated"> {
    return home === this.#name ? this : homeAt(this.env, home);
  }

  /** There is no other way to get the memory back that those take who do not go, and nobody else to see to it but the platform, in its way. */
  #end(): void {
    logFault("a home ended itself, as clients that were thrown out do not go", { home: this.#name });
    this.ctx.abort("Too much waits for clients that do not read.");
  }

  /** Whatever becomes of a message, its sender's socket and its lobby go on. */
  #read(client: Client, text: string): void {
    try {
      this.#obey(client, text);
    } catch (error) {
      const { id: clientId, lobbyId } = client;
      logFault("a message was not dealt with", { clientId, lobbyId }, error);
    }
  }

  #obey(client: Client, text: string): void {
    const { seat, id, token } = client;
    const message = readClientMessage(text);
    if (!message || !sameText(message.token, token)) return;
    if (message.method === "client_pings") this.#crowd.expectPings(client);
    if (!seat) return;
    switch (message.method) {
      case "lobby_messaging_send":
        if (readLobbyId(message.lobbyId) !== seat.lobbyId) return;
        this.#post.tell(seat, { kind: "message-sent", clientId: id, text: message.message });
        return;
      case "ptpMediation_unseen":
        this.#post.tell(seat, { kind: "silence-reported", clientId: id, mediation: message.mediation });
        return;
      case "ptpMediation_peersConnection_success":
      case "ptpMediation_peersConnection_failure": {
        const connected = message.method === "ptpMediation_peersConnection_success";
        const { mediation, report } = message;
        this.#post.tell(seat, { kind: "connection-reported", clientId: id, connected, mediation, report });
        return;
      }
    }
  }
}
