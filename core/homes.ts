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
 * Where one isolate sends the clients of one region: to one home until that is full, then to another. It looks among the
 * first few of the region, and among twice as many whenever one turns out to be full. So few players meet in the same
 * homes, whichever isolate they come through, and many find all there are.
 */
export type Filling = {
  readonly home: number;
  /** It was drawn from the first so many homes of its region. */
  readonly width: number;
  /** Clients this isolate has sent there. */
  readonly sent: number;
};

export function firstHome(region: Region | null): Filling {
  const share = region === null ? 0 : names.indexOf(region) + 1;
  return { home: share, width: 1, sent: 0 };
}

/** The home to try when this one had no room. `homes`: of the deployment; `random` is from 0 up to 1. */
export function homeAfterFull({ home, width }: Filling, homes: number, random: number): Filling {
  const wider = Math.min(2 * width, homesOfShare(home, homes));
  return draw(home, wider > width ? width : 0, wider, random);
}

/** The home to try when this isolate has filled this one, which tells nothing of the others. */
export function homeAfterFilled(filling: Filling, homes: number, random: number): Filling {
  const { home, width } = filling;
  if (width === 1) return homeAfterFull(filling, homes, random);
  const next = draw(home, 0, width - 1, random);
  // Any but this one.
  return { ...next, home: next.home >= home ? next.home + shares : next.home, width };
}

/** One of the homes of a share, from the place `first` on. */
function draw(home: number, first: number, width: number, random: number): Filling {
  const place = first + Math.floor(random * (width - first));
  return { home: place * shares + (home % shares), width, sent: 0 };
}

function homesOfShare(home: number, homes: number): number {
  return Math.floor((homes - 1 - (home % shares)) / shares) + 1;
}
