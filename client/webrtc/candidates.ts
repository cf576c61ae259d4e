/**
 * Which ICE candidates are told and taken, and descriptions without any. A candidate makes a browser send packets to an address, so a peer could
 * look round in a player's home by them:
 *
 * | candidate | taken |
 * | --- | --- |
 * | TCP, a machine's own loopback, a name that is not of mDNS, text that is no candidate | never |
 * | private, or a name of mDNS | only if the two are near each other, by the lobby's word |
 * | not of a TURN server | not where the lobby, or one of the two, is relay-only |
 *
 * Candidates in a description are taken out of it, and go the same way as all others.
 */
import { plainAddress, scopeOf } from "../../core/endpoint.ts";
import { candidateLength, sdpLength } from "../../core/wire/webrtc-signal.ts";

/** What the lobby says of the two. */
export type Nearness = { near: boolean; relayOnly: boolean };
export type CandidateKind = "host" | "srflx" | "prflx" | "relay";

/** `candidate:<foundation> <component> udp <priority> <address> <port> typ <kind> …` (RFC 8839). */
const line =
  /^candidate:[\w+/-]{1,32} \d{1,3} (\w+) \d{1,10} ([\w.:%-]{1,80}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: [\x21-\x7e ]*)?$/i;
/** What browsers call a machine instead of by its address. */
const mdnsName = /^[\da-f-]{36}\.local$/i;

/** The kind of the candidate, if it may be told and taken; else null. */
export function admitted(text: string, { near, relayOnly }: Nearness): CandidateKind | null {
  const [, protocol, address = "", port, kind] = (text.length <= candidateLength && line.exec(text)) || [];
  if (protocol?.toLowerCase() !== "udp" || Number(port) < 1 || Number(port) > 65_535) return null;
  const found = kind?.toLowerCase() as CandidateKind;
  if (relayOnly && found !== "relay") return null;
  if (mdnsName.test(address)) return near ? found : null;
  const scope = scopeOf(plainAddress(address));
  return scope === "public" || (scope === "private" && near) ? found : null;
}

/** A description without candidates, and those that it had. */
export type Stripped = { sdp: string; candidates: string[] };

/**
 * Null for what is no description of data channels alone: another would have a browser make room for sound and pictures. Addresses in
 * it, which nobody needs, are left out.
 */
export function strip(sdp: string): Stripped | null {
  if (sdp.length > sdpLength + 64 * candidateLength || !/^v=0\r?\n[\x20-\x7e\r\n]*$/.test(sdp)) return null;
  const candidates: string[] = [];
  const lines: string[] = [];
  let media = 0;
  for (const text of sdp.split(/\r?\n/)) {
    if (text === "") continue;
    // A line break of its own would be one for some parsers.
    if (text.includes("\r")) return null;
    if (/candidate/i.test(text)) {
      if (text.startsWith("a=candidate:")) candidates.push(text.slice(2));
    } else if (/^m/i.test(text)) {
      const [, rest] = /^m=application \d{1,5} (\S*DTLS\/SCTP webrtc-datachannel)$/.exec(text) ?? [];
      if (rest === undefined) return null;
      media += 1;
      lines.push(`m=application 9 ${rest}`);
    } else if (text.startsWith("c=")) lines.push("c=IN IP4 0.0.0.0");
    else if (!text.startsWith("a=rtcp:")) lines.push(text);
  }
  const stripped = lines.map((text) => `${text}\r\n`).join("");
  return media === 1 && stripped.length <= sdpLength ? { sdp: stripped, candidates } : null;
}
