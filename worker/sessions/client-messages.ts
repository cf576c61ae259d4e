/** What clients say on their sockets: to their lobby, or to the object that holds the socket. */
import { prices } from "../../core/bill.ts";
import { readLobbyId } from "../../core/lobby/code.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import { sameText } from "../../core/token.ts";
import { type ClientMessage, type HeldTicket, readClientMessage } from "../../core/wire/client-message.ts";
import { serverMessage } from "../../core/wire/server-message.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import type { Charges } from "./charges.ts";
import type { Connections } from "./connections.ts";
import type { LobbyNews } from "./lobby-news.ts";
import { renewTickets } from "./renewal.ts";
import type { Session } from "./session.ts";

export class ClientMessages {
  readonly #env: Env;
  readonly #connections: Connections;
  readonly #charges: Charges;
  readonly #news: LobbyNews;

  constructor(env: Env, connections: Connections, charges: Charges, news: LobbyNews) {
    this.#env = env;
    this.#connections = connections;
    this.#charges = charges;
    this.#news = news;
  }

  /** Whatever becomes of a message, its sender's socket and its lobby go on. */
  take(session: Session, text: string): void {
    try {
      const message = readClientMessage(text);
      if (message && sameText(message.token, session.token)) this.#obey(session, message);
    } catch (error) {
      const { id: clientId, lobbyId } = session;
      logFault("message_failed", { clientId, lobbyId }, error);
    }
  }

  #obey(session: Session, message: ClientMessage): void {
    const { id: clientId, membership } = session;
    if (message.method === "client_pings") this.#connections.expectPings(session);
    if (message.method === "client_features") session.features = message.features;
    if (message.method === "ptpRelay_renew") void this.#renew(session, message.tickets);
    if (!membership) return;
    switch (message.method) {
      case "lobby_signal": {
        if (session.features === undefined || session.purse.isEmpty) return;
        const { to, data } = message;
        this.#news.tell(membership, { kind: "signal-sent", clientId, to, data });
        return;
      }
      case "client_hidden":
        this.#charges.charge(session, prices.report);
        this.#news.tell(membership, { kind: "visibility-changed", clientId, hidden: message.hidden });
        return;
      case "lobby_messaging_send":
        if (readLobbyId(message.lobbyId) !== membership.lobbyId || session.purse.isEmpty) return;
        this.#news.tell(membership, { kind: "message-sent", clientId, text: message.message });
        return;
      case "ptpMediation_ready": {
        const { mediation, udp, commitment } = message;
        this.#charges.charge(session, prices.report);
        this.#news.tell(membership, { kind: "member-ready", clientId, mediation, udp, commitment });
        return;
      }
      case "ptpMediation_unseen":
        this.#charges.charge(session, prices.report);
        this.#news.tell(membership, { kind: "silence-reported", clientId, mediation: message.mediation });
        return;
      case "ptpMediation_again":
        if (session.features === undefined || session.purse.isEmpty) return;
        this.#charges.charge(session, prices.report);
        this.#news.tell(membership, { kind: "links-lost", clientId, peers: message.peers });
        return;
      case "ptpMediation_peersConnection_success":
      case "ptpMediation_peersConnection_failure": {
        const connected = message.method === "ptpMediation_peersConnection_success";
        const { mediation, report } = message;
        this.#charges.charge(session, prices.report);
        this.#news.tell(membership, { kind: "connection-reported", clientId, connected, mediation, report });
        return;
      }
    }
  }

  /** Gives a session later tickets for the relay: in a lobby, or when its lobby is over and it plays. */
  async #renew(session: Session, held: readonly HeldTicket[]): Promise<void> {
    if (!session.countRenewal()) return;
    const { id: clientId } = session;
    try {
      const tickets = await renewTickets(this.#env, session, held, Date.now());
      if (this.#connections.get(clientId) !== session) return;
      const lifeMs = relayLimits.relayTicketMs;
      this.#connections.send(session, serverMessage("ptpRelay_renewed", { tickets, lifeMs }));
    } catch (error) {
      logFault("message_failed", { clientId, lobbyId: session.lobbyId }, error);
    }
  }
}
