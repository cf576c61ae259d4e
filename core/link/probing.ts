/**
 * Finding a port by chance where exactly one of the two NATs gives every destination a port of its own (RFC 4787: endpoint-dependent
 * mapping): the side behind it opens 256 sockets and sends from each to the other's endpoint, the other sends to one port
 * after another. A packet to a port that one of the 256 has is let through. Were all ports drawn from 64 512 at random,
 * 2 048 packets would miss all with a probability of about exp(-256 * 2 048 / 64 512) = 0.03 %; half of the searches are over
 * after 175 packets, 0.9 s.
 */
import { type Endpoint, isSameEndpoint } from "../endpoint.ts";
import { mayTrust, newCandidate } from "./candidates.ts";
import { confirm } from "./checks.ts";
import type { LinkConfig } from "./config.ts";
import { candidateInUse, type Draft, note } from "./draft.ts";
import type { Arrival } from "./event.ts";
import { linkLimits } from "./limits.ts";
import { takeNumber } from "./numbers.ts";
import { isChannel, type LocalSocket } from "./path.ts";
import type { Candidate, Probing } from "./state.ts";

/** Ports a NAT gives: those from 1024 on. */
const [firstPort, portCount] = [1024, 64_512];
/** Without a factor in common with `portCount`, and its golden section: the ports tried lie far apart, however few they are. */
const portStride = 39_871;
/** Milliseconds between volleys. */
const volleyMs = 50;
/** Volleys that may still be answered: 3 s. */
const volleysAwaited = 60;

/** How the search begins: not at all unless exactly one of the two has such a NAT. */
export function probingOf(config: LinkConfig, now: number): Probing {
  return roleOf(config)
    ? { kind: "delayed", at: now + linkLimits.birthdayAfterMs, giveUpAt: now + linkLimits.birthdayMs }
    : { kind: "none" };
}

/** The port that is tried as the `index`th: each once. */
export function portAt(offset: number, index: number): number {
  return firstPort + ((offset + index * portStride) % portCount);
}

/** When the search has something to do; infinity for never. */
export function probingAt(probing: Probing): number {
  switch (probing.kind) {
    case "delayed":
    case "lingering":
      return probing.at;
    case "waiting":
    case "opening":
      return probing.giveUpAt;
    case "guessing":
    case "spraying":
      return Math.min(probing.at, probing.giveUpAt);
    case "none":
    case "over":
      return Number.POSITIVE_INFINITY;
  }
}

/** Whether a port may still be found. */
export function isProbing({ kind }: Probing): boolean {
  return kind !== "none" && kind !== "lingering" && kind !== "over";
}

/** Goes on with the search, if it is time. */
export function probeWhenDue(draft: Draft): void {
  const { probing, now } = draft;
  if (now < probingAt(probing)) return;
  switch (probing.kind) {
    case "delayed":
      if (now >= probing.giveUpAt) {
        endProbing(draft);
        return;
      }
      draft.effects.push({ kind: "ask-turn" });
      draft.probing = { kind: "waiting", giveUpAt: probing.giveUpAt };
      return;
    case "spraying":
      spray(draft, probing);
      return;
    case "guessing":
      guess(draft, probing);
      return;
    case "waiting":
    case "opening":
      endProbing(draft);
      return;
    case "lingering":
    case "none":
    case "over":
      return;
  }
}

/** The turn that was asked for: a late one is given back. */
export function takeTurn(draft: Draft): void {
  const { probing } = draft;
  if (probing.kind !== "waiting") {
    draft.effects.push({ kind: "end-turn" });
    return;
  }
  note(draft, "port probing began");
  if (roleOf(draft.config) === "guess") {
    draft.probing = { kind: "guessing", at: draft.now, index: 0, giveUpAt: probing.giveUpAt };
    return;
  }
  draft.sockets = { opened: 0, kept: "all" };
  draft.effects.push({ kind: "open-sockets", count: linkLimits.birthdaySockets });
  draft.probing = { kind: "opening", giveUpAt: probing.giveUpAt };
}

/** The sockets that were asked for, or as many as there are; without any the search is over. */
export function takeSockets(draft: Draft, count: number): void {
  const { probing, now } = draft;
  if (probing.kind !== "opening") return;
  draft.sockets = { opened: Math.min(count, linkLimits.birthdaySockets), kept: "all" };
  const { giveUpAt } = probing;
  if (count < 1) endProbing(draft);
  else {
    draft.probing = {
      kind: "spraying",
      at: now,
      index: 0,
      againAt: now + linkLimits.birthdayAgainMs,
      giveUpAt,
    };
  }
}

/** A port was found, or is not looked for any longer. */
export function endProbing(draft: Draft): void {
  const { probing } = draft;
  if (!isProbing(probing)) return;
  draft.probing = { kind: "over" };
  if (probing.kind === "delayed") return;
  if (probing.kind !== "waiting") note(draft, "port probing ended");
  const local = candidateInUse(draft)?.local ?? null;
  if (typeof local === "number")
    draft.probing = { kind: "lingering", at: draft.now + linkLimits.birthdayLingerMs };
  else if (draft.sockets.kept === "all") keepSocket(draft, null);
  draft.effects.push({ kind: "end-turn" });
}

/** Closes the sockets but for one, with all that is known of the others. */
export function keepSocket(draft: Draft, local: LocalSocket | null): void {
  const keep = typeof local === "number" ? local : null;
  draft.sockets = { ...draft.sockets, kept: keep };
  draft.candidates = draft.candidates.filter(({ local }) => typeof local !== "number" || local === keep);
  draft.effects.push({ kind: "close-sockets", keep });
}

/** Whether a socket is ours to send from. */
export function isOpen(
  { config, sockets, openChannels }: Pick<Draft, "config" | "sockets" | "openChannels">,
  local: LocalSocket,
): boolean {
  if (isChannel(local)) return openChannels.includes(local);
  if (config.noUdp !== null) return false;
  if (local === "v4") return true;
  if (local === "v6") return config.hasV6;
  return sockets.kept === "all" ? local >= 0 && local < sockets.opened : local === sockets.kept;
}

/** Takes an answer to a probe: the path it proves is a candidate from then on. Null if it answers none. */
export function takeProbeAnswer(draft: Draft, number: number, { local, remote }: Arrival): Candidate | null {
  const target = draft.config.peer.endpoint;
  const volley = draft.volleys.find(
    (volley) => number >= volley.number && number < volley.number + volley.count,
  );
  if (!volley || !target) return null;
  const index = volley.index + number - volley.number;
  const matches =
    roleOf(draft.config) === "guess"
      ? local === "v4" && remote.ip === target.ip && remote.port === portAt(draft.portOffset, index)
      : local === index && isSameEndpoint(remote, target);
  if (!matches) return null;
  const id = draft.nextId++;
  const candidate = newCandidate({ kind: "direct", remote, origin: "met", left: 0 }, local, id, draft.now);
  // When exactly it was sent is not kept: the next check tells the round trip.
  candidate.checkedAt = Number.NEGATIVE_INFINITY;
  draft.candidates.push(candidate);
  confirm(draft, candidate, 0);
  candidate.roundTripMs = null;
  return candidate;
}

/** Which part is ours: none if it is neither or both of us, or where there are no ports to guess. */
function roleOf(config: LinkConfig): "spray" | "guess" | null {
  const { you, peer } = config;
  const target = peer.endpoint;
  if (
    config.noUdp !== null ||
    !target ||
    !peer.proven ||
    target.ip.includes(":") ||
    !mayTrust(config, target)
  )
    return null;
  const ours = you?.mapping === "endpoint-dependent";
  const theirs = peer.mapping === "endpoint-dependent";
  if (ours === theirs) return null;
  return ours ? "spray" : "guess";
}

function spray(draft: Draft, probing: Extract<Probing, { kind: "spraying" }>): void {
  const { now, config } = draft;
  const target = config.peer.endpoint;
  if (now >= probing.giveUpAt || !target) {
    endProbing(draft);
    return;
  }
  const { opened } = draft.sockets;
  const count = Math.min(Math.ceil((opened * volleyMs) / 1_000), opened - probing.index);
  fire(draft, probing.index, count, (index) => ({ local: index, remote: target }));
  const index = probing.index + count;
  const nextRoundAt = Math.max(probing.againAt, now + volleyMs);
  draft.probing =
    index < opened
      ? { ...probing, index, at: now + volleyMs }
      : { ...probing, index: 0, at: nextRoundAt, againAt: nextRoundAt + linkLimits.birthdayAgainMs };
}

function guess(draft: Draft, probing: Extract<Probing, { kind: "guessing" }>): void {
  const { now, config, portOffset } = draft;
  const ip = config.peer.endpoint?.ip;
  if (now >= probing.giveUpAt || probing.index >= linkLimits.birthdayProbes || !ip) {
    endProbing(draft);
    return;
  }
  const count = Math.min(
    (linkLimits.birthdayRate * volleyMs) / 1_000,
    linkLimits.birthdayProbes - probing.index,
  );
  fire(draft, probing.index, count, (index) => ({
    local: "v4",
    remote: { ip, port: portAt(portOffset, index) },
  }));
  const index = probing.index + count;
  // The last ones have a second to be answered.
  const wait = index < linkLimits.birthdayProbes ? volleyMs : 1_000;
  draft.probing = { ...probing, index, at: now + wait };
}

function fire(draft: Draft, index: number, count: number, at: (index: number) => Arrival): void {
  const number = draft.number + 1;
  for (let i = index; i < index + count; i++) {
    const arrival = at(i);
    const number = takeNumber(draft);
    if (isAllowed(draft, arrival.remote)) {
      draft.effects.push({ kind: "send", packet: "check", number, ...arrival });
    }
  }
  draft.volleys = [...draft.volleys, { number, count, index }].slice(-volleysAwaited);
}

/** The peer may share its address with the sidecar. */
function isAllowed({ config }: Draft, remote: Endpoint): boolean {
  return config.sidecar !== null && !isSameEndpoint(remote, config.sidecar);
}
