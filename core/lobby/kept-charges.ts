/**
 * What a lobby holds against players (griefing.ts), as it is kept: short texts that V8 stores with a byte a
 * unit. Times are in whole seconds, what is left of an allowance in sixteenths.
 */
import type { CallOff, LobbyState } from "./state.ts";

/** Characters that stand for a network. */
export const networkLength = 3;

type Charges = Pick<LobbyState, "callOffs" | "departures">;
/**
 * `charges`: for each, its member's place among the members, or `byNetwork`; its starts; when; without a member,
 * its network. `departed`: for each, its network, what is left, and when.
 */
export type KeptCharges = {
  readonly charges?: string | undefined;
  readonly departed?: string | undefined;
};

/** In the place of a member. There are 64 of these. */
const byNetwork = 255;
const timeLength = 4;
const perLeft = 16;

/** The time as it can be kept. */
export function keptTime(at: number): number {
  return Math.round(at / 1_000) * 1_000;
}

/** What is left of an allowance, as it can be kept. */
export function keptLeft(left: number): number {
  return Math.round(left * perLeft) / perLeft;
}

export function packCharges({ members, callOffs = [], departures = [] }: LobbyState): KeptCharges {
  const charges = callOffs.map(({ by, starts, at }) => {
    const place = members.findIndex(({ clientId }) => clientId === by);
    const isMember = place >= 0;
    return unit(isMember ? place : byNetwork) + unit(starts) + time(at) + (isMember ? "" : network(by));
  });
  const departed = departures.map((one) => network(one.network) + unit(one.left * perLeft) + time(one.at));
  return {
    ...(charges.length > 0 && { charges: charges.join("") }),
    ...(departed.length > 0 && { departed: departed.join("") }),
  };
}

export function unpackCharges(
  { charges = "", departed = "" }: KeptCharges,
  members: LobbyState["members"],
): Charges {
  const callOffs: CallOff[] = [];
  for (let i = 0; i + 2 + timeLength <= charges.length; ) {
    const [place, starts] = [charges.charCodeAt(i), charges.charCodeAt(i + 1)];
    const at = timeIn(charges, i + 2);
    i += 2 + timeLength;
    const by = members[place]?.clientId ?? charges.slice(i, i + networkLength);
    if (place === byNetwork) i += networkLength;
    callOffs.push({ by, starts, at });
  }
  const step = networkLength + 1 + timeLength;
  const departures = Array.from({ length: Math.floor(departed.length / step) }, (_, i) => {
    const from = i * step;
    const left = departed.charCodeAt(from + networkLength) / perLeft;
    return {
      network: departed.slice(from, from + networkLength),
      left,
      at: timeIn(departed, from + networkLength + 1),
    };
  });
  return { ...(callOffs.length > 0 && { callOffs }), ...(departures.length > 0 && { departures }) };
}

export function network(tag: string): string {
  return tag.slice(0, networkLength).padEnd(networkLength);
}

function unit(value: number): string {
  return String.fromCharCode(Math.min(255, Math.max(0, Math.round(value))));
}

function time(at: number): string {
  const seconds = Math.round(at / 1_000);
  return [24, 16, 8, 0].map((bits) => unit((seconds >>> bits) & 255)).join("");
}

function timeIn(text: string, from: number): number {
  let seconds = 0;
  for (let i = from; i < from + timeLength; i++) seconds = seconds * 256 + (text.charCodeAt(i) & 255);
  return seconds * 1_000;
}
