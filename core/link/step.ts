import { isSameEndpoint } from "../endpoint.ts";
import { socketRelayCodes } from "../relay/socket/codes.ts";
import { candidatesOf, kindOf, mayMeet, newCandidate } from "./candidates.ts";
import { reopenWhenSilent, takeClosed, takeOpened } from "./channels.ts";
import {
  checkAgain,
  checkAt,
  deadAt,
  isStandby,
  sendCheck,
  silentPath,
  takeAnswer,
  takeBack,
  trigger,
} from "./checks.ts";
import type { LinkConfig } from "./config.ts";
import { roll } from "./dice.ts";
import {
  candidateInUse,
  type Draft,
  draftOf,
  isOver,
  type LinkStep,
  mayAnswer,
  note,
  placeOf,
  stepOf,
} from "./draft.ts";
import type { Arrival, LinkEvent } from "./event.ts";
import {
  buryTheDead,
  choose,
  closeSocketsWhenDue,
  conclude,
  concludeAt,
  end,
  isBothDependent,
} from "./ladder.ts";
import { linkLimits } from "./limits.ts";
import { takeNumber } from "./numbers.ts";
import { isChannel } from "./path.ts";
import {
  endProbing,
  isOpen,
  isProbing,
  probeWhenDue,
  probingAt,
  probingOf,
  takeProbeAnswer,
  takeSockets,
  takeTurn,
} from "./probing.ts";
import { bindAgain, bindWhenDue, newRelay, takeBound, takeRefusal, takeTicket } from "./relay.ts";
import { emptyWindow, receive } from "./replay.ts";
import { type Candidate, type LinkState, pathOf } from "./state.ts";
import { unprovenAt } from "./unproven.ts";

/** Farewells, and the milliseconds between them: one of three comes through, and the player does not wait for it. */
const [farewells, farewellMs] = [3, 50];

/** One end of a link as it begins, and the first things to do. `now` is in milliseconds, of a clock that does not go back. */
export function openLink(config: LinkConfig, now: number): LinkStep {
  const candidates = candidatesOf(config, now);
  const { value, dice } = roll(config.seed);
  const draft = draftOf(
    {
      config,
      phase: { kind: "connecting", giveUpAt: now + linkLimits.directMs },
      candidates,
      nextId: candidates.length,
      relay: config.relay ? newRelay(now) : null,
      openChannels: [],
      channelRefused: false,
      probing: probingOf(config, now),
      portOffset: Math.floor(value * 2 ** 16),
      volleys: [],
      sockets: { opened: 0, kept: null },
      directUntil: now + directMsOf(config),
      recheckAt: Number.POSITIVE_INFINITY,
      settled: false,
      heardDirectly: false,
      number: 0,
      received: emptyWindow,
      answers: { left: linkLimits.answersPerSecond, at: now },
      notesLeft: linkLimits.linkNotes,
      dice,
    },
    now,
  );
  advance(draft);
  return stepOf(draft);
}

/** Milliseconds for which something better than a relay is looked for. */
function directMsOf(config: LinkConfig): number {
  const mayRtc = config.channels.includes("rtc");
  const mayUdp = !config.relayOnly && config.noUdp === null && config.peer.endpoint !== null;
  if (!mayRtc && !mayUdp) return 0;
  return isBothDependent(config) && !mayRtc ? linkLimits.bothDependentMs : linkLimits.directMs;
}

/**
 * The link state machine: the state after an event, and what the shell has to do.
 *
 * Pure. A state that is not changed is returned as the same object. Packets must have been proved to be the peer's, and to be
 * of its side: our own, sent back to us, are no events. After `end` nothing has any effect.
 */
export function step(state: LinkState, event: LinkEvent, now: number): LinkStep {
  const draft = draftOf(state, now);
  if (state.phase.kind === "ended" || !take(draft, event)) return { state, effects: [] };
  advance(draft);
  return stepOf(draft);
}

/** When the link next has something to do by itself; infinity for never. */
export function wakeAt(state: LinkState): number {
  const { phase, relay, probing, candidates, recheckAt } = state;
  switch (phase.kind) {
    case "ended":
      return Number.POSITIVE_INFINITY;
    case "closing":
      return phase.nextAt;
    case "connecting":
    case "linked":
    case "seeking":
      return Math.min(
        concludeAt(state),
        relay?.bindAt ?? Number.POSITIVE_INFINITY,
        probingAt(probing),
        recheckAt,
        ...candidates.map((candidate) => Math.min(checkAt(state, candidate), deadAt(state, candidate))),
      );
  }
}

/** Takes the event in; false if it changes nothing. */
function take(draft: Draft, event: LinkEvent): boolean {
  if (isOver(draft.phase)) return event.kind === "deadline-passed" && draft.now >= wakeAt(draft);
  switch (event.kind) {
    case "check-received":
      return takeCheck(draft, event);
    case "answer-received": {
      const candidate = find(draft, event);
      if (candidate && takeAnswer(draft, candidate, event.number)) return true;
      return isProbing(draft.probing) && !candidate && takeProbeAnswer(draft, event.number, event) !== null;
    }
    case "data-received": {
      const candidate = find(draft, event);
      // It is not signed: it may say that a path lives, which checks have proved, and nothing else.
      if (!candidate?.confirmed) return false;
      candidate.heardAt = draft.now;
      candidate.calledAt = draft.now;
      return true;
    }
    case "farewell-received":
      if (!isKnown(draft, event) || !takeReceived(draft, event.number)) return false;
      note(draft, "farewell received");
      end(draft, "peer-left");
      return true;
    case "relay-bound":
      takeBound(draft, event.peer);
      return draft.relay !== null;
    case "relay-refused":
      takeRefusal(draft, event.code);
      giveRelayUp(draft);
      return draft.relay !== null;
    case "ticket-renewed":
      takeTicket(draft);
      return draft.relay !== null;
    case "channel-opened":
      takeOpened(draft, event.local, event.path);
      return true;
    case "channel-closed":
      if (event.code !== null) {
        if (!draft.channelRefused) note(draft, `${event.local} refused: ${socketRelayCodes[event.code]}`);
        draft.channelRefused = true;
      }
      return takeClosed(draft, event.local) || event.code !== null;
    case "check-withheld":
      return takeBack(draft, event.number);
    case "sockets-opened":
      takeSockets(draft, event.count);
      return true;
    case "turn-given":
      takeTurn(draft);
      return true;
    case "turn-over":
      endProbing(draft);
      return true;
    case "close-requested":
      close(draft);
      return true;
    case "deadline-passed":
      return draft.now >= wakeAt(draft);
  }
}

/** Does all that is due. */
function advance(draft: Draft): void {
  if (draft.phase.kind === "closing") sayFarewell(draft);
  if (isOver(draft.phase)) return;
  buryTheDead(draft);
  choose(draft);
  closeSocketsWhenDue(draft);
  // What was in use may have been silent for longer than a standby may be.
  buryTheDead(draft);
  if (draft.now >= draft.recheckAt) {
    checkAgain(draft, 1);
    draft.recheckAt = draft.now + linkLimits.recheckMs;
  }
  for (const candidate of draft.candidates) {
    if (draft.now < checkAt(draft, candidate)) continue;
    const silent = silentPath(draft);
    sendCheck(draft, candidate);
    // The relay may have been restarted, and have forgotten us, or our address may be another now.
    if (candidate.confirmed && candidate.kind === "relay" && candidate.unanswered === (silent ? 1 : 2))
      bindAgain(draft);
    reopenWhenSilent(draft, candidate);
  }
  bindWhenDue(draft);
  probeWhenDue(draft);
  conclude(draft);
}

/** A check is answered to where it came from, and shows that the peer can be heard there: whether it hears us is checked. */
function takeCheck(draft: Draft, { number, local, remote }: { number: number } & Arrival): boolean {
  if (!isKnown(draft, { local, remote }) || !takeReceived(draft, number)) return false;
  const known = find(draft, { local, remote });
  if (mayAnswer(draft)) {
    const to = known ?? { kind: kindOf(draft.config, remote.ip), remote, roundTripMs: null };
    // Its sender may be forged: the answer goes to a third party then.
    const unproven = unprovenAt(draft.config, to, "rest");
    draft.effects.push({
      kind: "send",
      packet: "answer",
      number,
      local,
      remote,
      ...(unproven && { unproven }),
    });
  }
  const candidate = known ?? meet(draft, { local, remote });
  if (!candidate) return true;
  if (candidate.heardAt === Number.NEGATIVE_INFINITY) {
    note(draft, `first check received: ${placeOf(candidate)}`);
    // One that nobody told may be one of thousands that a liar makes up.
    if (candidate.origin !== "met") candidate.worth = "heard";
  }
  candidate.heardAt = draft.now;
  candidate.calledAt = draft.now;
  if (!isStandby(candidate)) draft.heardDirectly = true;
  trigger(draft, candidate, isStandby(candidate) ? linkLimits.relayChecks : linkLimits.triggeredChecks);
  return true;
}

/** Whether a packet came in where the peer's may: on a socket that is open, from an address that it may have. */
function isKnown(draft: Draft, arrival: Arrival): boolean {
  if (!isOpen(draft, arrival.local)) return false;
  return find(draft, arrival) !== undefined || mayMeet(draft.config, arrival.remote);
}

function takeReceived(draft: Draft, number: number): boolean {
  const received = receive(draft.received, number);
  if (received) draft.received = received;
  return received !== null;
}

function find({ candidates, openChannels }: Draft, { local, remote }: Arrival): Candidate | undefined {
  if (isChannel(local) && !openChannels.includes(local)) return undefined;
  return candidates.find(
    (candidate) => candidate.local === local && isSameEndpoint(candidate.remote, remote),
  );
}

/** An address that nobody told: the peer's NAT gave it to this very path. One that is not heard any more makes room. */
function meet(draft: Draft, { local, remote }: Arrival): Candidate | null {
  const inUse = candidateInUse(draft);
  const met = draft.candidates.filter(({ origin }) => origin === "met");
  if (met.length >= linkLimits.metCandidates) {
    const oldest = met
      .filter((candidate) => candidate !== inUse)
      .reduce<Candidate | null>((a, b) => (a && a.heardAt <= b.heardAt ? a : b), null);
    // Where 256 sockets of the peer's are heard at once, the first of them have the time to answer.
    if (!oldest || oldest.heardAt > draft.now - 2 * linkLimits.silenceMs) return null;
    draft.candidates = draft.candidates.filter((candidate) => candidate !== oldest);
  }
  const place = { kind: kindOf(draft.config, remote.ip), remote, origin: "met", left: 0 } as const;
  const candidate = newCandidate(place, local, draft.nextId++, draft.now);
  draft.candidates.push(candidate);
  return candidate;
}

/** What a relay has refused it does not carry. */
function giveRelayUp(draft: Draft): void {
  for (const candidate of draft.candidates) {
    if (candidate.kind !== "relay") continue;
    candidate.left = 0;
    // Dead at once, by way of `buryTheDead`, which does what follows.
    if (candidate.confirmed) candidate.unanswered = linkLimits.oneWayChecks;
    candidate.checkedAt = Math.min(candidate.checkedAt, draft.now - linkLimits.silenceMs);
  }
}

function close(draft: Draft): void {
  const inUse = candidateInUse(draft);
  if (inUse) draft.phase = { kind: "closing", path: pathOf(inUse), left: farewells, nextAt: draft.now };
  else end(draft, null);
}

function sayFarewell(draft: Draft): void {
  const { phase, now } = draft;
  if (phase.kind !== "closing" || now < phase.nextAt) return;
  const { local, remote } = phase.path;
  draft.effects.push({ kind: "send", packet: "farewell", number: takeNumber(draft), local, remote });
  const left = phase.left - 1;
  if (left === 0) end(draft, null);
  else draft.phase = { ...phase, left, nextAt: now + farewellMs };
}
