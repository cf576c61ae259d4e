/**
 * The probe: how a client of the SDK shows its UDP socket to the sidecar, before it meets its peers.
 *
 * Why a question with an answer? Orion's client sends one datagram with its token, and hopes. A probe
 * (core/wire/sidecar-message.ts) gets an answer. So the client knows that the sidecar saw it. If no answer
 * comes, it can tell the server, which may know another sidecar, or tell the player that UDP is blocked.
 * The answer has a cookie, and a probe counts only if it returns that cookie: nobody can make up an
 * endpoint, or repeat a probe from elsewhere. The client probes both ports of the sidecar from one socket,
 * because the two together show how its NAT maps (port-pairing.ts).
 *
 * Each port of the sidecar, at each of its addresses, is in one of three states:
 *
 *   asked ──answer──▶ challenged ──answer to the probe with the cookie──▶ seen
 *
 * - asked: a probe goes out every 150 ms, 24 times, then every 10 s. If the sidecar has addresses of both
 *   families, the second family starts 300 ms later. Otherwise its endpoint would arrive last, and replace
 *   the better one.
 * - challenged: the first answer brought a cookie. The probe with that cookie goes out at once, under a new
 *   nonce. An answer to the old nonce does not show that the cookie arrived.
 * - seen: done. A probe every 10 s keeps the NAT's mapping open and the cookie fresh.
 *
 * The server may ask again. If it names the same sidecar, this is a reminder: every port has to be seen
 * again, with the nonces and cookies there are. If it names another one, everything starts from the
 * beginning.
 *
 * Promises:
 *
 * - An answer counts only if it comes from an address and port that were probed, with the last nonce sent
 *   there. (The shell checks its mac first.) The first of the sidecar's addresses that answers is used from
 *   then on.
 * - `report-unseen` comes at most once for each time the server asks, 2 s later, if no answer came since.
 * - `give-up` comes at most once, and only if no sidecar has ever answered: 5 s after the server named a
 *   new one, at most 12 s after the first. After `give-up` or `stopped`, nothing has any effect.
 * - A server of Orion's own does not answer. It gets Orion's datagram three times, as one may be lost.
 *
 * `now` is in milliseconds and never goes back. Nonces are random, so they come in with the events.
 */
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import {
  never,
  type Port,
  type ProbeEffect,
  type ProbeEvent,
  type ProbeState,
  type Sending,
  type SidecarPorts,
} from "./probe-state.ts";

/** Milliseconds between two tries, and their number: 3.6 s in all. */
const betweenMs = 150;
const mostTries = 24;
/** Tries that go to the first address only. */
const headStart = 2;
/** Milliseconds without an answer until the server is told. */
const unseenMs = 2_000;
/** Milliseconds without an answer until UDP counts as blocked: for one sidecar, and for all of them together. */
const blockedMs = 5_000;
const blockedAfterAllMs = 12_000;
/** Milliseconds between later probes: a NAT forgets us after 30 s, and a cookie is good for 120. */
const refreshMs = 10_000;
/** Orion's datagrams to a server that does not answer. */
const connectTries = 3;

export type ProbeStep = { readonly state: ProbeState; readonly effects: readonly ProbeEffect[] };

/** The number of nonces that `asked` needs. */
export function noncesFor({ ips, ports }: SidecarPorts): number {
  return ips.length * ports.length;
}

/** When the shell must wake the machine; infinity for never. */
export function wakeAt({ sending, unseenAt, blockedAt, isOver }: ProbeState): number {
  if (isOver) return never;
  return Math.min(sending.kind === "nothing" ? never : sending.at, unseenAt, blockedAt);
}

/** The address at which we were seen, or the first that was asked. */
export function sidecarIp({ ports }: ProbeState): string | null {
  return (ports.find(({ isSeen }) => isSeen) ?? ports[0])?.to.ip ?? null;
}

/** Whether an answer with this nonce, from there, may count. The shell asks before it checks the mac. */
export function awaits(state: ProbeState, nonce: unknown, from: Endpoint): boolean {
  return portOf(state, nonce, from) !== undefined;
}

/** The state after an event, and what the shell has to do. Pure. An unchanged state is the same object. */
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

function ask(state: ProbeState, sidecar: SidecarPorts, nonces: readonly string[], now: number): ProbeStep {
  const { host, ips, ports } = sidecar;
  const before = state.sidecar;
  const isSame = before?.host === host && String(before.ports) === String(ports);
  const firstAskedAt = state.firstAskedAt ?? now;
  const asked: ProbeState = {
    ...state,
    sidecar,
    firstAskedAt,
    // An answer to an earlier probe still counts.
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

function portsOf({ ips, ports }: SidecarPorts, nonces: readonly string[]): Port[] {
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

/** Probes the ports that have not seen us. Once all have, or after many tries, probes all, to stay known. */
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
