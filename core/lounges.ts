/** Which lounges there are, where in the world each of them is, and how one with room is found without asking anybody. */
import { distanceKm, type Place } from "./fleet.ts";

/** Where Cloudflare can be asked to put an object, and a place in the middle of each. */
const regions = {
  wnam: { latitude: 39, longitude: -119 },
  enam: { latitude: 39, longitude: -79 },
  sam: { latitude: -20, longitude: -52 },
  weur: { latitude: 49, longitude: 4 },
  eeur: { latitude: 50, longitude: 26 },
  me: { latitude: 26, longitude: 50 },
  afr: { latitude: -12, longitude: 26 },
  apac: { latitude: 20, longitude: 112 },
  oc: { latitude: -30, longitude: 148 },
} as const satisfies Record<string, Place>;

export type Region = keyof typeof regions;

const names = Object.keys(regions) as Region[];
/** Lounges are dealt out to the regions in turn. One share is for players whose place is not known. */
const shares = names.length + 1;

/** Lounges in the world: room for 15 million plain clients at 256 each. */
export const loungeCount = 59_000;
/**
 * Lounges for players who come through gateways. No other player is in one of them: a thief of a sidecar's key opens as many sockets as he likes, each
 * from another address, and what they say takes all the time that one object has.
 */
export const gatewayLoungeCount = 40_000;
/** They are numbered from there on, so that each is in the region that its number has without that. */
const firstGatewayLounge = 60_000;

/** The text is the name of a region. */
export function isRegion(text: string): text is Region {
  return Object.hasOwn(regions, text);
}

/** The region whose middle is nearest, or null for an unknown place. */
export function regionAt(place: Place | undefined): Region | null {
  if (!place) return null;
  const km = (region: Region) => distanceKm(place, regions[region]);
  return names.reduce((nearest, region) => (km(region) < km(nearest) ? region : nearest));
}

/** The name of a lounge's object, or of that for gateways with this number. Lower case: a lobby's code never is. */
export function loungeName(lounge: number, isForGateways = false): string {
  return `l${isForGateways ? firstGatewayLounge + lounge : lounge}`;
}

/** The shape of a lounge's name. */
export const loungeShape = /^l(0|[1-9]\d{0,4})$/;

/** The region a lounge belongs to. An object is created where it is first asked for, so each caller passes this on. */
export function regionOfLounge(name: string): Region | null {
  return names[(Number(name.slice(1)) % shares) - 1] ?? null;
}

/**
 * Where one isolate sends the clients of one region: to one lounge until that is full, then to another. It looks among the
 * first few of the region, and among twice as many whenever one turns out to be full. So few players meet in the same
 * lounges, whichever isolate they come through, and many find all there are.
 */
export type Filling = {
  readonly lounge: number;
  /** It was drawn from the first so many lounges of its region. */
  readonly width: number;
  /** Clients this isolate has sent there. */
  readonly sent: number;
};

export function firstLounge(region: Region | null): Filling {
  const share = region === null ? 0 : names.indexOf(region) + 1;
  return { lounge: share, width: 1, sent: 0 };
}

/** One lounge of all those of a region. `place` is from 0 up to 1; `lounges`: of the deployment. */
export function loungeOf(region: Region | null, place: number, lounges = loungeCount): number {
  const { lounge } = firstLounge(region);
  return draw(lounge, 0, loungesOfShare(lounge, lounges), place).lounge;
}

/** The lounge to try when this one had no room. `lounges`: of the deployment; `random` is from 0 up to 1. */
export function loungeAfterFull({ lounge, width }: Filling, lounges: number, random: number): Filling {
  const wider = Math.min(2 * width, loungesOfShare(lounge, lounges));
  return draw(lounge, wider > width ? width : 0, wider, random);
}

/** The lounge to try when this isolate has filled this one, which tells nothing of the others. */
export function loungeAfterFilled(filling: Filling, lounges: number, random: number): Filling {
  const { lounge, width } = filling;
  if (width === 1) return loungeAfterFull(filling, lounges, random);
  const next = draw(lounge, 0, width - 1, random);
  // Any but this one.
  return { ...next, lounge: next.lounge >= lounge ? next.lounge + shares : next.lounge, width };
}

/** One of the lounges of a share, from the place `first` on. */
function draw(lounge: number, first: number, width: number, random: number): Filling {
  const place = first + Math.floor(random * (width - first));
  return { lounge: place * shares + (lounge % shares), width, sent: 0 };
}

function loungesOfShare(lounge: number, lounges: number): number {
  return Math.floor((lounges - 1 - (lounge % shares)) / shares) + 1;
}
