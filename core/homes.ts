/** Which homes there are, where in the world each of them is, and how one with room is found without asking anybody. */
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
/** Homes are dealt out to the regions in turn, and one share is for players of whom no place is known. */
const shares = names.length + 1;

/** Homes of the smallest deployment: one for each region. */
export const fewestHomes = shares;

/** The region whose middle is nearest, or null for an unknown place. */
export function regionAt(place: Place | undefined): Region | null {
  if (!place) return null;
  const km = (region: Region) => distanceKm(place, regions[region]);
  return names.reduce((nearest, region) => (km(region) < km(nearest) ? region : nearest));
}

/** The region a home belongs to. An object is put where it is first asked for, so whoever asks for one says this. */
export function regionOfHome(home: number): Region | null {
  return names[(home % shares) - 1] ?? null;
}

/**
 * Where one isolate sends the clients of one region: to one home until that is full, then to one among as many
 * others as it has tried, and so to twice as many every time. So few players meet in the same homes, whichever isolate
 * they come through, and many spread over as many homes as they need.
 */
export type Filling = {
  readonly home: number;
  /** The first so many homes of the region have been drawn from. */
  readonly width: number;
  /** Clients this isolate has sent there. */
  readonly sent: number;
};

export function firstHome(region: Region | null): Filling {
  const share = region === null ? 0 : names.indexOf(region) + 1;
  return { home: share, width: 1, sent: 0 };
}

/** The next home to try, when one is full. `homes`: of the deployment; `random` is from 0 up to 1. */
export function nextHome({ home, width }: Filling, homes: number, random: number): Filling {
  const share = home % shares;
  const all = Math.floor((homes - 1 - share) / shares) + 1;
  const wider = Math.min(2 * width, all);
  const drawn = wider > width ? width : 0;
  return { home: (drawn + Math.floor(random * (wider - drawn))) * shares + share, width: wider, sent: 0 };
}
