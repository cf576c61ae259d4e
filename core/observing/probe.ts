/**
 * The probe: how a client of the SDK has the sidecar see its UDP socket, before it is introduced to its peers.
 *
 * Why it asks and is answered. Orion's client sends one datagram with its token, and hopes. A probe (core/wire/sidecar-message.ts) is
 * answered: so the client knows that it was seen, can tell the server early that a sidecar does not answer, and can tell the
 * player that UDP is blocked. The answer has a cookie, and only a probe that returns it counts: nobody can make an endpoint
 * up, or repeat a probe from elsewhere. The client asks both of the sidecar's ports from one socket: what the two see tells the
 * NAT's mapping (port-pairing.ts).
 *
 * What happens to each port of the sidecar, at each address of it:
 *
 *   asked ──answer──▶ challenged ──answer to the probe that returns the cookie──▶ seen
 *
 * - **asked**: a probe goes out every 150 ms, 24 times. To a second address of the sidecar, of the other family, the first goes
 *   300 ms later: what that one sees would come later, and would count as newer.
 * - **challenged**: its first answer brought a cookie. The probe that returns it goes out at once, under a new nonce: an answer
 *   to an older probe is no proof that the cookie arrived.
 * - **seen**: all is done. Every 10 s another probe keeps the NAT's mapping and the cookie fresh.
 *
 * The server may ask again at any time, by the same sidecar (a reminder) or by another one (the first one does not answer). A
 * reminder has every port seen again, with the cookies and nonces there are. Another sidecar starts from the beginning.
 *
 * What it promises:
 *
 * - An answer counts only from the address and port that were asked, and with the nonce that was sent there last. The shell has
 *   checked its mac before it becomes an event. Of the sidecar's addresses the first that answers is the one from then on.
 * - `report-unseen` once for each asking, 2 s after it, unless something has been answered since.
 * - `give-up` once at most, when no sidecar has ever answered: 5 s after a new one was named, and no later than 12 s after the
 *   first. After it, as after `stopped`, nothing has any effect.
 * - To a server of Orion's own, which does not answer, its datagram goes three times: one may be lost.
 *
 * `now` is in milliseconds, of a clock that never goes back. The nonces are random, and come in with the events.
 */
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import {
  never,
  type Port,
  type ProbeEffect,
  type ProbeEvent,
  type ProbeState,
  type Sending,
  type Sidecar,
} from "./probe-state.ts";

/** Milliseconds between two tries, and how many there are: 3.6 s, then it is asked less often. */
const betweenMs = 150;
const mostTries = 24;
/** Tries in which only the first address is asked. */
const headStart = 2;
/** Milliseconds without any answer until the server is told, which may name another sidecar. */
const unseenMs = 2_000;
/** Milliseconds without any answer of one sidecar until UDP counts as blocked, and of all of them together. */
const blockedMs = 5_000;
const blockedAfterAllMs = 12_000;
/** Milliseconds between two probes once all have answered: the NAT forgets us after 30 s, the cookie is good for 120. */
const refreshMs = 10_000;
/** How often Orion's datagram goes to a server that does not answer. */
const connectTries = 3;

export type ProbeStep = { readonly state: ProbeState; readonly effects: readonly ProbeEffect[] };

/** How many nonces an asking needs. */
export function noncesFor({ ips, ports }: Sidecar): number {
  return ips.length * ports.length;
}

/** When the probe next has something to do by itself; infinity for never. */
export function wakeAt({ sending, unseenAt, blockedAt, isOver }: ProbeState): number {
  if (isOver) return never;
  return Math.min(sending.kind === "nothing" ? never : sending.at, unseenAt, blockedAt);
}

/** The address at which we were seen, or the first that was asked. */
export function sidecarIp({ ports }: ProbeState): string | null {
  return (ports.find(({ isSeen }) => isSeen) ?? ports[0])?.to.ip ?? null;
}

/** Whether an answer with this nonce, from there, is awaited. It costs less to see than to check its mac. */
export function awaits(state: ProbeState, nonce: unknown, from: Endpoint): boolean {
  return portOf(state, nonce, from) !== undefined;
}

/** The probe after an event, and what the shell has to do. Pure. A state that is not changed is returned as the same object. */
export function step(state: ProbeState, event: ProbeEvent, now: number): ProbeStep {
  if (state.isOver) return { state, effects: [] };
  switch (event.kind) {
    case "asked":
      return ask(state, event.sidecar, event.nonces, now);
    case "asked-plainly": {
      const { to } = event;
      const what = `sends ptpMediation_connect to ${to.ip} at ${to.port}`;
      return after(
        { kind: "note", what },
        sendConnect(state, { kind: "connects", to, left: connectTries, at: now }, now),
      );
    }
    case "answer-received":
      return takeAnswer(state, event);
    case "deadline-passed":
      return advance(state, now);
    case "stopped":
      return { state: { ...state, isOver: true }, effects: [] };
  }
}

function ask(state: ProbeState, sidecar: Sidecar, nonces: readonly string[], now: number): ProbeStep {
  const { host, ips, ports } = sidecar;
  const before = state.sidecar;
  const isSame = before?.host === host && String(before.ports) === String(ports);
  const firstAskedAt = state.firstAskedAt ?? now;
  const asked: ProbeState = {
    ...state,
    sidecar,
    firstAskedAt,
    // An answer to what it was asked before is one still.
    ports:
      isSame && state.ports.length > 0
        ? state.ports.map((port) => ({ ...port, isSeen: false }))
        : portsOf(sidecar, nonces),
    unseenAt: now + unseenMs,
    blockedAt:
      isSame || state.wasAnswered
        ? state.blockedAt
        : Math.min(now + blockedMs, firstAskedAt + blockedAfterAllMs),
  };
  const where = ips.length === 0 ? "no address" : ips.join(" and ");
  return after(
    { kind: "note", what: `probes ${where} at ${ports.join(" and ")}` },
    sendProbes(asked, 0, now),
  );
}

function portsOf({ ips, ports }: Sidecar, nonces: readonly string[]): Port[] {
  const places = ips.flatMap((ip) => ports.map((port) => ({ ip, port })));
  return places.map((to, i) => {
    const nonce = nonces[i];
    if (nonce === undefined) throw new Error("fewer nonces than ports to ask");
    return { to, nonce, cookie: undefined, isSeen: false };
  });
}

function takeAnswer(
  state: ProbeState,
  { from, nonce, seen, cookie, nextNonce }: Extract<ProbeEvent, { kind: "answer-received" }>,
): ProbeStep {
  const port = portOf(state, nonce, from);
  if (!port) return { state, effects: [] };
  const isFirst = port.cookie === undefined;
  const answered: Port = {
    ...port,
    cookie,
    nonce: isFirst ? nextNonce : nonce,
    isSeen: port.isSeen || !isFirst,
  };
  const ports = state.ports
    .filter(({ to }) => to.ip === from.ip)
    .map((each) => (each === port ? answered : each));
  const effects: ProbeEffect[] = isFirst ? [probeOf(answered)] : [];
  if (answered.isSeen && !port.isSeen)
    effects.push({ kind: "note", what: `is seen by ${from.port} at ${seen.ip} ${seen.port}` });
  return {
    state: {
      ...state,
      ports,
      wasAnswered: true,
      unseenAt: never,
      blockedAt: never,
      cookie: ports[0] === answered ? cookie : state.cookie,
    },
    effects,
  };
}

/** Does all that is due. */
function advance(state: ProbeState, now: number): ProbeStep {
  if (now >= state.blockedAt) return { state: { ...state, isOver: true }, effects: [{ kind: "give-up" }] };
  const { sending } = state;
  if (now >= state.unseenAt)
    return after({ kind: "report-unseen" }, advance({ ...state, unseenAt: never }, now));
  if (sending.kind === "nothing" || now < sending.at) return { state, effects: [] };
  return sending.kind === "probes" ? sendProbes(state, sending.tries, now) : sendConnect(state, sending, now);
}

/** Probes to the ports that have not seen us; once all have, or after many tries, to all: to be remembered by the NAT. */
function sendProbes(state: ProbeState, tries: number, now: number): ProbeStep {
  const [first] = state.ports;
  const unseen = state.ports.filter(({ isSeen }) => !isSeen);
  const isDone = unseen.length === 0 || tries >= mostTries;
  const isEarly = tries < headStart;
  const due = (isDone ? state.ports : unseen).filter(({ to }) => !isEarly || to.ip === first?.to.ip);
  const at = now + (isDone ? refreshMs : betweenMs);
  return {
    state: { ...state, sending: { kind: "probes", tries: tries + 1, at } },
    effects: due.map(probeOf),
  };
}

function sendConnect(
  state: ProbeState,
  { to, left }: Extract<Sending, { kind: "connects" }>,
  now: number,
): ProbeStep {
  const sending: Sending =
    left > 1 ? { kind: "connects", to, left: left - 1, at: now + betweenMs } : { kind: "nothing" };
  return { state: { ...state, sending }, effects: [{ kind: "send-connect", to }] };
}

function probeOf({ to, nonce, cookie }: Port): ProbeEffect {
  return { kind: "send-probe", to, nonce, cookie };
}

function portOf({ ports }: ProbeState, nonce: unknown, from: Endpoint): Port | undefined {
  return ports.find((port) => port.nonce === nonce && isSameEndpoint(port.to, from));
}

function after(effect: ProbeEffect, { state, effects }: ProbeStep): ProbeStep {
  return { state, effects: [effect, ...effects] };
}
