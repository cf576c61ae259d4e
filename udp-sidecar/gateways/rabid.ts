/** The gateway of Rabid Hole Punch: sockets and sessions for the machine that decides (core/dialects/rabid/step.ts). */
import { nameIn } from "../../core/dialects/names.ts";
import type { RabidEffect, RabidEvent } from "../../core/dialects/rabid/event.ts";
import { rabidLimits } from "../../core/dialects/rabid/limits.ts";
import { newRabid, type RabidSession } from "../../core/dialects/rabid/state.ts";
import { step, wakeAt } from "../../core/dialects/rabid/step.ts";
import { SessionError } from "../../session/error.ts";
import type { SessionEvent } from "../../session/event.ts";
import type { Session } from "../../session/session.ts";
import { kick, start } from "../../session/wishes.ts";
import { sidecarLimits } from "../limits.ts";
import { addressesWith, type Outlet, UdpPort } from "../socket.ts";
import { observationOf } from "./edge-sessions.ts";
import type { Gateway, GatewayContext } from "./gateway.ts";

/** `port`: UDP; 0 for any free one. The plugin's is 57775. */
export type RabidOptions = { port: number };

/** A player's connection to the edge, or the attempt. */
type Connected = { session: Session | null; readonly ending: AbortController };

/** Listens on IPv4: Rabid's start has no room for other addresses. Rejects if the port cannot be bound. */
export async function startRabidGateway(
  { port }: RabidOptions,
  { bind, publicHost, admission, elapsed, observe, sessions: sessionsOf }: GatewayContext,
): Promise<Gateway> {
  if (bind?.includes(":") && bind !== "::")
    throw new Error(`Rabid is IPv4 alone, and cannot be spoken on ${bind}`);
  const sessions = sessionsOf("rabid");
  const state = newRabid(elapsed(), admission);
  const players = new Map<number, Connected>();
  /** The machine knows them by their numbers. */
  const outlets: Outlet[] = [];
  const numbers = new Map<Outlet, number>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let isStopped = false;
  let stopped: Promise<void> | null = null;

  const happens = (event: RabidEvent) => {
    if (isStopped) return;
    for (const effect of step(state, event, elapsed())) doIt(effect);
    wake();
  };

  const wake = () => {
    const at = wakeAt(state);
    if (at === timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(
      () => {
        timerAt = Number.POSITIVE_INFINITY;
        happens({ kind: "deadline-passed" });
      },
      Math.max(0, Math.ceil(at - elapsed())),
    );
  };

  const doIt = (effect: RabidEffect) => {
    if (effect.kind === "send") {
      const { to, text } = effect;
      outlets[to.via]?.send(text, to.port, to.ip);
      return;
    }
    if (effect.kind === "open") {
      void open(effect);
      return;
    }
    const { player } = effect;
    const connected = players.get(player);
    const session = connected?.session;
    switch (effect.kind) {
      case "leave":
        players.delete(player);
        connected?.ending.abort();
        void session?.leave();
        break;
      case "start":
        if (session)
          start(session, rabidLimits.rabidStartForMs).catch((error) =>
            happens({ kind: "start-refused", player, code: codeOf(error) }),
          );
        break;
      case "kick":
        // If the edge cannot be reached, the player is still in the list that the host sees.
        if (session) kick(session, effect.clientId, { ban: true }).catch(codeOf);
        break;
      case "observe":
        if (session) observe(observationOf(session, effect.from));
        break;
      case "report":
        session?.say("ptpMediation_peersConnection_success", { mediation: effect.mediation });
    }
  };

  const open = async ({ player, name, from, password, maxMembers, session: room }: OpenEffect) => {
    const connected: Connected = { session: null, ending: new AbortController() };
    players.set(player, connected);
    const code = nameIn("rabid", room) ?? "";
    const patience = { forMs: rabidLimits.rabidOpenForMs, signal: connected.ending.signal };
    try {
      const session = await (maxMembers === null
        ? sessions.join(from.ip, code, { name, password }, patience)
        : sessions.host(from.ip, code, { ...lobby, name, password, maxMembers }, patience));
      if (players.get(player) !== connected) {
        void session.leave();
        return;
      }
      connected.session = session;
      session.listen((event) => hear(player, session, event));
      happens({ kind: "opened", player, ...sessionOf(session) });
    } catch (error) {
      const code = codeOf(error);
      if (players.get(player) !== connected) return;
      players.delete(player);
      happens({ kind: "refused", player, code });
    }
  };

  const hear = (player: number, session: Session, event: SessionEvent) => {
    if (event.kind === "ended") {
      players.delete(player);
      happens({ kind: "ended", player, isKicked: event.reason === "kicked" });
      return;
    }
    const news = newsOf(player, session, event);
    if (news) happens(news);
  };

  const udp = await UdpPort.open(port, {
    bind: bind === "::" ? "0.0.0.0" : (bind ?? "0.0.0.0"),
    addresses: addressesWith(publicHost),
    elapsed,
    receive: (bytes, { address: ip, port }, outlet) => {
      // Port 0 is nobody's: such a source is made up.
      if (port === 0) return;
      let via = numbers.get(outlet);
      if (via === undefined) {
        via = outlets.push(outlet) - 1;
        numbers.set(outlet, via);
      }
      happens({ kind: "datagram-received", from: { ip, port, via }, bytes });
    },
  });

  // The machine's addresses may change.
  const refresh = setInterval(() => void udp.refresh(), sidecarLimits.localAddressesMs);
  refresh.unref();

  const stop = async () => {
    happens({ kind: "stopping" });
    clearTimeout(timer);
    clearInterval(refresh);
    isStopped = true;
    await Promise.all([udp.close(), sessions.stop()]);
  };

  return {
    name: "rabid",
    ports: { udp: udp.port },
    counts: {
      messages: state.messages,
      get drops() {
        return { ...state.drops, ...state.answers.drops };
      },
    },
    players: () => state.admission.open,
    relays: () => 0,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

type OpenEffect = Extract<RabidEffect, { kind: "open" }>;

/** What a session of Rabid's is at the edge. Its players connect in a mesh, and it is over when they do. */
const lobby = {
  isPublic: false,
  topology: "mesh",
  lifetime: "mediation",
  onLoss: "continue",
  onHostLoss: "migrate",
  graceMs: rabidLimits.rabidGraceMs,
} as const;

/** What the session's event is to the machine; null if it is nothing. */
function newsOf(player: number, session: Session, event: SessionEvent): RabidEvent | null {
  switch (event.kind) {
    case "joined":
    case "left":
    case "host-changed":
      return { kind: "session-changed", player, ...sessionOf(session) };
    case "mediation":
      switch (event.message.method) {
        case "ptpMediation_send":
          return { kind: "endpoint-wanted", player, mediation: event.message.payload.mediation };
        case "ptpMediation_peersConnection_start":
          return { kind: "introduced", player, peers: namedPeers(event.message.payload.peers) };
        case "ptpMediation_aborted":
          return { kind: "aborted", player };
        default:
          return null;
      }
    default:
      return null;
  }
}

function sessionOf({ members, isHost }: Session): RabidSession {
  const hostFirst = members.toSorted((a, b) => Number(b.isHost) - Number(a.isHost));
  return { members: hostFirst.map(({ name, clientId }) => ({ name, clientId })), isHost };
}

type ToldPeer = {
  name?: string | undefined;
  ip?: string | undefined;
  port?: number | undefined;
};

/** Those whose names are told, as they are to each member of a mesh. */
function namedPeers(peers: readonly ToldPeer[]) {
  return peers.flatMap(({ name, ip, port }) => (name && ip && port ? [{ name, ip, port }] : []));
}

/** The error's code; our own bugs go on. */
function codeOf(error: unknown): string {
  if (error instanceof SessionError) return error.code;
  throw error;
}
