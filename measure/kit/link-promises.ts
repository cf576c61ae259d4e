/**
 * What players with the SDK say over links, and what must come of it: a reliable message comes once, whole and in order, and a packet
 * once at most. Each message shows which it is, whose, and the safety code that its sender sees.
 */

/** One end of a link. */
export type LinkedEnd<
  Link = { readonly safetyCode: string | null; readonly peer: { readonly name: string } },
> = {
  readonly link: Link;
  /** The player whose end it is. */
  readonly owner: string;
  /** Names what this end sends. */
  readonly stream: string;
  /** Numbers of the last reliable message and the last packet that were sent. */
  readonly sent: { reliable: number; packet: number };
  /** What the other end sends, and the number of the last reliable message that came. */
  heard: { stream: string; reliable: number } | null;
  /** Numbers of the last packets that came. */
  readonly packets: Set<number>;
};

/** Packets of one link that are remembered: a later one that comes again is old, and dropped as such. */
const packetsKept = 2_000;

export function newEnd<Link>(link: Link, owner: string, stream: string): LinkedEnd<Link> {
  return { link, owner, stream, sent: { reliable: 0, packet: 0 }, heard: null, packets: new Set() };
}

/** A reliable message has come. What is wrong with that, in a sentence; null if nothing is. */
export function takeReliable(end: LinkedEnd, bytes: Uint8Array): string | null {
  const { link, owner, heard } = end;
  const word = readWord(bytes);
  const last = heard?.reliable ?? 0;
  if (word) end.heard = { stream: word.stream, reliable: word.number };
  const isNext = word?.number === last + 1 && (heard === null || heard.stream === word.stream);
  if (isNext && word.safetyCode === link.safetyCode) return null;
  const what = word ? `${word.number} of ${word.stream} under ${word.safetyCode}` : "what nobody has sent";
  const before = `${last} of ${heard?.stream ?? "nothing"} under ${link.safetyCode}`;
  return `${owner} has heard from ${link.peer.name}, reliably, ${what}, after ${before}.`;
}

/** A packet has come. As above. */
export function takePacket({ link, owner, packets }: LinkedEnd, bytes: Uint8Array): string | null {
  const word = readWord(bytes);
  if (!word || word.safetyCode !== link.safetyCode)
    return `${owner} has heard a packet from ${link.peer.name} that nobody has sent.`;
  if (packets.has(word.number))
    return `${owner} has heard packet ${word.number} from ${link.peer.name} twice.`;
  packets.add(word.number);
  const [oldest = 0] = packets;
  if (packets.size > packetsKept) packets.delete(oldest);
  return null;
}

/** `stream`: what its sender calls all that it sends on the link. `size`: bytes of filling. */
export type Word = { stream: string; number: number; safetyCode: string | null; size: number };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function wordOf({ stream, number, safetyCode, size }: Word): Uint8Array {
  return encoder.encode(JSON.stringify([stream, number, safetyCode, filling(number, size)]));
}

/** Null if it is nothing that `wordOf` has made. */
export function readWord(bytes: Uint8Array): Word | null {
  try {
    const [stream, number, safetyCode, filled] = JSON.parse(decoder.decode(bytes));
    const size = String(filled).length;
    return filled === filling(number, size) ? { stream, number, safetyCode, size } : null;
  } catch {
    return null;
  }
}

function filling(number: number, size: number): string {
  return `${number}.`.repeat(Math.ceil(size / 2)).slice(0, size);
}
