/**
 * What the two ends of a WebRTC connection tell each other to become connected: JSON, by the link itself or by the lobby
 * (lobby-signal.ts).
 */
import {
  either,
  fields,
  listOf,
  nullable,
  oneOf,
  optional,
  otherwise,
  readAs,
  type Shaped,
  text,
  whole,
} from "../shape.ts";

/** Characters of a description, without its candidates: one data channel takes under 1 000. */
export const sdpLength = 4_000;
/** Characters of a candidate: with a name of mDNS and an address that it stands for, some 200. */
export const candidateLength = 400;
/** Candidates of one end that are told, and taken, for one connection. */
export const mostCandidates = 20;
/** Signals of one end for one connection: an offer, its candidates one by one, and some restarts. */
export const mostSignals = 200;
/** Connections that one link ever numbers. */
const mostConnections = 2 ** 31 - 1;

const candidate = fields({
  candidate: text(candidateLength),
  sdpMid: otherwise(nullable(text(32)), null),
  sdpMLineIndex: otherwise(nullable(whole(0, 255)), null),
  usernameFragment: optional(nullable(text(256))),
});
export type CandidateInit = Shaped<typeof candidate>;

const number = whole(0, mostSignals - 1);
const sdp = text(sdpLength);
/** `connection`: which of the connections that a link tries one after another, from 0. `number`: from 0 for each end and connection. */
const about = {
  link: text(12, 12, /^[\da-f]*$/),
  connection: whole(0, mostConnections),
  number,
};

const offer = fields({ ...about, kind: oneOf(["offer"]), sdp });
/** `to`: the number of the offer that it answers. */
const answer = fields({ ...about, kind: oneOf(["answer"]), sdp, to: number });
const candidates = fields({
  ...about,
  kind: oneOf(["candidates"]),
  candidates: listOf(candidate, mostCandidates, 1),
});
/** The polite end would have this connection, and the other one is to make an offer. */
const wish = fields({ ...about, kind: oneOf(["wish"]) });
const signal = either(either(offer, answer), either(candidates, wish));
export type WebRtcSignal = Shaped<typeof signal>;
/** A signal without what its sender counts. */
export type SignalBody = Unnumbered<WebRtcSignal>;
type Unnumbered<Signal> = Signal extends WebRtcSignal ? Omit<Signal, keyof typeof about> : never;

/** Null for what is no signal. */
export function readWebRtcSignal(told: unknown): WebRtcSignal | null {
  return readAs(signal, told);
}
