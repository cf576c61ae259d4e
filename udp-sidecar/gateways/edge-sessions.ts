/** The sessions of a gateway's players at the edge: each is a WebSocket, and proves the sidecar's key for its player's address. */
import { setTimeout as wait } from "node:timers/promises";
import { gatewayLimits } from "../../core/dialects/limits.ts";
import type { GatewayDialect } from "../../core/dialects/names.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { networkOf } from "../../core/network.ts";
import { problems } from "../../core/problem.ts";
import type { SidecarKey } from "../../core/sidecar-key.ts";
import { gatewayHeader, gatewayPath } from "../../core/wire/gateway.ts";
import type { Observation } from "../../core/wire/sidecar-post.ts";
import { SessionError, sessionError, sessionProblems } from "../../session/error.ts";
import { type Entrance, type HostWish, hostLobby, type JoinWish, joinLobby } from "../../session/opening.ts";
import type { Session } from "../../session/session.ts";
import type { Transport } from "../../session/transport.ts";
import { deriveKey, signGateway } from "../keys.ts";
import { inTurn } from "./in-turn.ts";
import { isLeftover, isTrouble, passes } from "./trouble.ts";
import type { Rank, Turns } from "./turns.ts";

/** What became of a gateway's sessions at the edge. */
export type SessionCounts = {
  /** In their lobby now. */
  open: number;
  /** On their way now, or waiting for their turn. */
  opening: number;
  /** Attempts that came to nothing, by the error's code: of the edge's, or of a session's own. */
  failed: Record<string, number>;
};

/** How long to try: `forMs` milliseconds, which may be Infinity, or until the signal is aborted. */
export type Patience = { forMs?: number | undefined; signal?: AbortSignal | undefined };

/**
 * Opens sessions in turn, at most so many a second for the whole sidecar. While the edge is unreachable, or asks for less, it waits
 * longer and longer. What the edge refuses for good is thrown at once, as a SessionError with the edge's code.
 */
export type EdgeSessions = {
  readonly counts: Readonly<SessionCounts>;
  /** Opens the lobby of this name (`rabid:NiceRoom`) for a player at `address`, who is its host. Throws as `hostLobby`. */
  host(address: string, code: string, wish: HostWish, patience?: Patience): Promise<Session>;
  /** Joins the lobby of this name. Throws as `joinLobby`. */
  join(address: string, code: string, wish: JoinWish, patience?: Patience): Promise<Session>;
  /** Leaves all lobbies, and opens no more. */
  stop(): Promise<void>;
};

/** `told`: is told what the edge does not serve, and null when it serves again. */
export type EdgeSessionsOptions = {
  edge: URL;
  key: SidecarKey;
  dialect: GatewayDialect;
  turns: Turns;
  /** Milliseconds since 1970, by the edge's clock. */
  clock: () => number;
  /** Milliseconds since any moment, never set back. */
  elapsed: () => number;
  told?: ((trouble: SessionError | null) => void) | undefined;
  /** For tests. */
  pingMs?: number | undefined;
};

type Enter = (entrance: Entrance, signal: AbortSignal) => Promise<Session>;

/** Milliseconds before another attempt where the edge serves, but an attempt before stands in the way. Doubled each time, and give or take half. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** What a gateway saw of its player: the player's datagram came from there. */
export function observationOf(session: Session, { ip, port }: Endpoint): Observation {
  const text = session.token();
  // The token's own, which is not the member's if that came back by another connection.
  const [, clientId = ""] = text.split(".");
  return { clientId, proof: { kind: "token", text }, ip, port };
}

/** A code that nobody knows may be anything, and come in any number. */
function countFailure({ failed }: SessionCounts, code: string): void {
  const known = code in problems || code in sessionProblems ? code : "other";
  failed[known] = (failed[known] ?? 0) + 1;
}

/** Rabid's players speak over UDP alone, and each may be made up, but for those of this machine itself. Those of noray have a TCP connection. */
function rankOf(dialect: GatewayDialect, address: string, forMs: number): Rank {
  if (dialect === "rabid" && networkOf(address) !== null) return "unproven";
  return forMs === Infinity ? "patient" : "hurried";
}

export function edgeSessionsOf(options: EdgeSessionsOptions): EdgeSessions {
  const { edge, key, dialect, turns, clock, elapsed, told = () => {} } = options;
  const { pingMs = gatewayLimits.gatewayPingMs } = options;
  const signing = deriveKey(key, "gateway");
  const counts: SessionCounts = { open: 0, opening: 0, failed: {} };
  const sessions = new Set<Session>();
  const stopping = new AbortController();

  /** How the sessions of a player reach the edge. */
  const wayOf = (address: string) => {
    const headers = (method: string, url: URL) => {
      const claim = { sidecar: key.name, dialect, address, at: clock() };
      return { [gatewayHeader]: signGateway(signing, claim, { method, path: gatewayPath(url) }) };
    };
    const connect = <T>(work: () => Promise<T>, signal: AbortSignal, rank: Rank) =>
      inTurn(work, { edge, turns, headers, rank, told }, signal);
    const transport: Transport = {
      // Node's takes headers. The type of a page's does not, and where pages are tested that is the one.
      socket: (url): WebSocket => Reflect.construct(WebSocket, [url, { headers: headers("GET", url) }]),
      headers,
      pingMs,
      // A session that comes back waits its turn as well, and knows only one kind of trouble.
      paced: (attempt, signal) =>
        connect(attempt, signal, "hurried").catch((error: unknown) => {
          throw error instanceof SessionError && isTrouble(error)
            ? sessionError("unreachable", error)
            : error;
        }),
    };
    return { transport, connect };
  };

  /** Tries until it is in, or it is refused for good, or the signal is aborted. */
  const attempts = async (
    address: string,
    enter: Enter,
    signal: AbortSignal,
    { rank, giveUpAt }: { rank: Rank; giveUpAt: number },
  ): Promise<Session> => {
    const { transport, connect } = wayOf(address);
    /** When an attempt was lost that may have been inside. */
    let lostAt = Number.NEGATIVE_INFINITY;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        return await connect(() => enter({ transport, once: true }, signal), signal, rank);
      } catch (error) {
        if (!(error instanceof SessionError) || signal.aborted) throw error;
        const { code, retryAfterS } = error;
        countFailure(counts, code);
        const askedMs = 1_000 * (retryAfterS ?? 0) || pauseMs * (0.5 + Math.random());
        // In trouble all wait anyway.
        const waitMs = isTrouble(error) ? 0 : askedMs;
        const mayTryAgain = passes(error) || isLeftover(error, elapsed() - lostAt);
        if (!mayTryAgain || elapsed() + waitMs > giveUpAt) throw error;
        if (code === "disconnected" || code === "unanswered") lostAt = elapsed();
        await wait(waitMs, undefined, { signal }).catch(() => {
          throw signal.reason;
        });
      }
    }
  };

  const open = async (
    address: string,
    { forMs = gatewayLimits.openingMs, signal }: Patience,
    enter: Enter,
  ): Promise<Session> => {
    const ending = new AbortController();
    const callOff = () => ending.abort(sessionError("aborted", signal?.reason));
    const late =
      forMs < Infinity ? setTimeout(() => ending.abort(sessionError("unanswered")), forMs) : undefined;
    for (const one of [signal, stopping.signal]) {
      if (one?.aborted) callOff();
      one?.addEventListener("abort", callOff);
    }
    counts.opening += 1;
    try {
      const session = await attempts(address, enter, ending.signal, {
        rank: rankOf(dialect, address, forMs),
        giveUpAt: elapsed() + forMs,
      });
      sessions.add(session);
      counts.open += 1;
      void session.closed.then(() => {
        sessions.delete(session);
        counts.open -= 1;
      });
      return session;
    } finally {
      counts.opening -= 1;
      clearTimeout(late);
      for (const one of [signal, stopping.signal]) one?.removeEventListener("abort", callOff);
    }
  };

  return {
    counts,
    host: (address, code, wish, patience = {}) =>
      open(address, patience, (entrance, signal) => hostLobby(edge, { ...wish, code }, signal, [], entrance)),
    join: (address, code, wish, patience = {}) =>
      open(address, patience, (entrance, signal) => joinLobby(edge, code, wish, signal, [], entrance)),
    stop: async () => {
      stopping.abort();
      await Promise.all([...sessions].map((session) => session.leave()));
    },
  };
}
