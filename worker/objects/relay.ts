import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { prices, spenderText } from "../../core/bill.ts";
import type { Network } from "../../core/network.ts";
import { closures } from "../../core/problem.ts";
import { Exchange, type Outcome } from "../../core/relay/socket/exchange.ts";
import { parseTicket, relayName, relayOf, type Ticket } from "../../core/relay/ticket.ts";
import { pingText, pongText } from "../../core/wire/ping.ts";
import { type KeyedTicket, readRelayBind, relayText } from "../../core/wire/relay-message.ts";
import { drawBudgets, hasBudgets } from "../platform/budgets.ts";
import { type Env, logsLobbies } from "../platform/env.ts";
import { logFault, logRefusal, logRelay } from "../platform/log.ts";
import {
  addressHeader,
  claimedHeader,
  gatewayNameHeader,
  type RelayPort,
  ticketHeader,
} from "../platform/ports.ts";
import { isKeyOfTicket } from "../platform/sidecar-id.ts";
import { holderLimits } from "../sessions/limits.ts";
import { isSendable, isTooLarge } from "../sessions/websocket.ts";
import { objectLimits } from "./limits.ts";
import { RelayClaims } from "./relay-claims.ts";
import { RelaySocket } from "./relay-socket.ts";

/** Whether the platform says what waits for a socket. No documentation promises it. */
const tellsWhatWaits = "bufferedAmount" in WebSocket.prototype;

/**
 * A relay over WebSocket: passes link packets between up to 16 members of one lobby. It has no rows, no timers and no alarm: what it has to know
 * after a sleep is attached to its members' sockets. The rules are in core/relay/socket/.
 */
export class Relay extends DurableObject<Env> implements RelayPort {
  static {
    const { drop, wake, goodbye } = Relay.prototype;
    retryable(drop, wake, goodbye);
  }

  readonly #name: string;
  readonly #sockets = new Map<WebSocket, RelaySocket>();
  readonly #exchange: Exchange<RelaySocket>;
  readonly #claims: RelayClaims;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? "";
    this.#claims = new RelayClaims(env);
    const now = Date.now();
    this.#exchange = new Exchange<RelaySocket>(
      {
        waitingFor: ({ webSocket }) => (tellsWhatWaits ? webSocket.bufferedAmount : null),
        pingedAt: ({ webSocket }) => ctx.getWebSocketAutoResponseTimestamp(webSocket)?.getTime() ?? 0,
      },
      now,
    );
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
    for (const webSocket of ctx.getWebSockets()) this.#revive(webSocket, now);
  }

  /** Takes the socket of a client whose ticket the Worker has verified, and binds that. */
  override async fetch(request: Request): Promise<Response> {
    const ticket = parseTicket(request.headers.get(ticketHeader) ?? "");
    if (!ticket || !this.#isOurs(ticket)) return new Response(null, { status: 404 });
    const claimed = await this.#claims.claim(Date.now());
    const now = Date.now();
    // One that can bind nothing has no place here, and no part of what the relay takes.
    if (this.#exchange.hasRemoved(ticket)) return turnAway(ticket.link, "removed");
    if (this.#claims.isSpent || !this.#exchange.hasRoomFor(ticket.clientId, now))
      return turnAway("", "relay_full");
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours);
    const socket = new RelaySocket(ours, {
      openedAt: now,
      address: request.headers.get(addressHeader) ?? undefined,
      gateway: request.headers.get(gatewayNameHeader) ?? undefined,
    });
    this.#sockets.set(ours, socket);
    this.#exchange.admit(socket, ticket.clientId, now);
    this.#exchange.bind(socket, ticket, now);
    this.#keep(socket);
    this.#keepClaim(socket, now);
    this.#do(this.#exchange.take());
    return new Response(null, {
      status: 101,
      webSocket: theirs,
      headers: { [claimedHeader]: String(claimed) },
    });
  }

  override webSocketMessage(webSocket: WebSocket, data: string | ArrayBuffer): void {
    const socket = this.#sockets.get(webSocket);
    if (!socket) return;
    const now = Date.now();
    this.#charge(socket, now);
    const isHeard = this.#exchange.hear(socket, now);
    if (isHeard && typeof data !== "string") this.#exchange.pass(socket, data, now);
    this.#do(this.#exchange.take());
    if (!isHeard || typeof data !== "string") return;
    this.ctx.waitUntil(this.#read(socket, data, now).then(() => this.#do(this.#exchange.take())));
  }

  /** The socket is closed: the other ends of its links hear it. */
  override webSocketClose(webSocket: WebSocket, code: number): void {
    this.#gone(webSocket);
    // Without an answer the client would see its close complete only seconds later.
    webSocket.close(isSendable(code) ? code : 1000);
  }

  override webSocketError(webSocket: WebSocket): void {
    this.#gone(webSocket);
  }

  async drop(clientIds: readonly string[]): Promise<void> {
    const now = Date.now();
    for (const clientId of clientIds) this.#exchange.remove(clientId, now);
    for (const socket of this.#sockets.values()) this.#keep(socket);
    this.#do(this.#exchange.take());
  }

  async wake(): Promise<void> {}

  async goodbye(): Promise<void> {
    this.#exchange.close("stopping");
    this.#do(this.#exchange.take());
  }

  /** The networks of each open socket, `except` this one. */
  protected *networks(except?: WebSocket): Iterable<readonly Network[]> {
    for (const webSocket of this.ctx.getWebSockets())
      if (webSocket !== except) yield this.#sockets.get(webSocket)?.networks ?? [];
  }

  /** A text of a member. */
  async #read(socket: RelaySocket, text: string, now: number): Promise<void> {
    const tickets = isTooLarge(text) ? null : readRelayBind(text);
    if (tickets === null) {
      this.#exchange.malformed(socket, now);
      return;
    }
    if (!this.#exchange.mayBind(socket, now)) {
      this.#exchange.warn("frame_rate", 0, now, socket);
      return;
    }
    const verified = await Promise.all(tickets.map((one) => this.#verify(one)));
    for (const [i, ticket] of verified.entries()) {
      if (ticket) this.#exchange.bind(socket, ticket, Date.now());
      // The link, as far as there is one: the ticket is anybody's text.
      else this.#exchange.refuseTicket(socket, parseTicket(tickets[i]?.ticket ?? "")?.link ?? "");
    }
    this.#keep(socket);
  }

  /** The ticket, if it is genuine and for this relay. */
  async #verify({ ticket: text, key }: KeyedTicket): Promise<Ticket | null> {
    const ticket = parseTicket(text);
    if (!ticket || !this.#isOurs(ticket)) return null;
    return (await isKeyOfTicket(this.env, text, key)) ? ticket : null;
  }

  #isOurs(ticket: Ticket): boolean {
    const relay = relayOf(ticket);
    return relay !== null && relayName(ticket.lobbyTag, relay.number) === this.#name;
  }

  /** Charges the member's network, and the deployment, for a frame. Both are told before they are cut off. */
  #charge(socket: RelaySocket, now: number): void {
    this.#claims.spend(now);
    this.#keepClaim(socket, now);
    const emptyInMs = this.#claims.emptyInMs(now);
    if (emptyInMs !== null) this.#exchange.warn("relay_full", emptyInMs, now);
    if (this.#claims.isSpent) this.#exchange.close("relay_full");
    const { spenders, purse } = socket;
    if (spenders.length === 0 || !hasBudgets(this.env)) return;
    const wanted = purse.spend(prices.relayFrame, now);
    if (wanted > 0) void this.#fill(socket, wanted);
    if (!purse.isEmpty) return;
    const { purseOverdraft } = holderLimits;
    if (purse.owesMoreThan(purseOverdraft)) this.#exchange.close("over_budget", socket);
    else {
      // At 60 frames a second.
      const inMs = Math.floor(((purseOverdraft + purse.kept.left) * 1000) / (60 * prices.relayFrame));
      this.#exchange.warn("over_budget", Math.max(0, inMs), now, socket);
    }
  }

  async #fill({ spenders, purse }: RelaySocket, wanted: number): Promise<void> {
    const drawn = await drawBudgets(this.env, spenders, wanted);
    purse.answered(wanted, drawn?.seconds ?? null, Date.now());
    if (drawn?.refuser)
      logRefusal("network_over_budget", { from: spenderText(drawn.refuser), seconds: drawn.seconds });
  }

  #revive(webSocket: WebSocket, now: number): void {
    if (webSocket.readyState !== WebSocket.OPEN) return;
    const revived = RelaySocket.revive(webSocket);
    if (revived) {
      this.#sockets.set(webSocket, revived.socket);
      if (revived.claim) this.#claims.revive(revived.claim);
      this.#exchange.revive(revived.socket, revived.member, now);
      return;
    }
    logFault("kept_session_unreadable");
    const [code, reason] = closures.stopping;
    webSocket.close(code, reason);
  }

  #keepClaim(socket: RelaySocket, now: number): void {
    const kept = this.#claims.toKeep(now);
    if (kept) socket.keepClaim(kept);
  }

  #keep(socket: RelaySocket): void {
    socket.keep(this.#exchange.kept(socket));
  }

  #gone(webSocket: WebSocket): void {
    const socket = this.#sockets.get(webSocket);
    if (!socket) return;
    this.#sockets.delete(webSocket);
    this.#exchange.gone(socket);
    this.#do(this.#exchange.take());
    this.#tellLife();
  }

  #do(outcomes: readonly Outcome<RelaySocket>[]): void {
    for (const out of outcomes) {
      const { to } = out;
      if (out.kind === "frame") to.send(out.frame);
      else if (out.kind === "close") this.#close(to, out.why);
      else if (!tellsWhatWaits || to.webSocket.bufferedAmount <= objectLimits.relayTextBytes)
        to.send(relayText(out.message));
      else this.#exchange.close("unanswered", to);
    }
    // To close one has the others told.
    const more = this.#exchange.take();
    if (more.length > 0) this.#do(more);
  }

  #close(socket: RelaySocket, why: keyof typeof closures): void {
    this.#sockets.delete(socket.webSocket);
    logRefusal("client_thrown_out", { code: why, relay: this.#name });
    const [code, reason] = closures[why];
    socket.webSocket.close(code, reason);
    this.#tellLife();
  }

  /** When the last member has gone, says what was carried since the object woke. */
  #tellLife(): void {
    if (this.#exchange.members > 0 || !logsLobbies(this.env)) return;
    const { lost, ...carried } = this.#exchange.carried;
    logRelay({ event: "relay_over", relay: this.#name, ...carried, lost });
  }
}

/** The answer to a client that is not let in. A browser reads a text, and the code of the close, but no HTTP status. */
function turnAway(link: string, code: "relay_full" | "removed"): Response {
  const { 0: theirs, 1: ours } = new WebSocketPair();
  ours.accept();
  ours.send(relayText({ method: "relay_refused", link, code }));
  const [number, reason] = closures[code];
  ours.close(number, reason);
  return new Response(null, { status: 101, webSocket: theirs });
}
