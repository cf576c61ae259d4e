/** What the players of a soak tell each other outside the service, and what is counted of them. */

import type { Link } from "../../client/index.ts";
import type { GroovejetPlayer } from "../kit/groovejet-promises.ts";
import type { LinkedEnd } from "../kit/link-promises.ts";
import type { NorayAddress } from "../kit/noray-client.ts";
import type { NorayPlayer } from "../kit/noray-promises.ts";
import type { Player } from "../kit/player.ts";
import type { Violation } from "../kit/promises.ts";
import type { RabidPlugin } from "../kit/rabid-plugin.ts";

export type Parting = { player: Player; how: "closed" | "cut" | "fell silent" | "object ended"; at: number };

/** Where players of other protocols find the gateways of one sidecar. */
export type Gateways = {
  readonly rabid: { address: string; port: number };
  readonly noray: NorayAddress;
};

/** An end of a link that a person talks over. */
export type PlayedEnd = LinkedEnd<Link> & { isSending: boolean; isClosed: boolean };

export type Board = {
  /** Codes that friends know, the newest last. Some are of lobbies that are over. */
  codes: string[];
  /** The same of lobbies in which people stay. Passwords may have changed. */
  staying: { code: string; password: string | undefined }[];
  /** Of every lobby that was opened. */
  readonly everyCode: Set<string>;
  /** What a person was told that cannot be right, in sentences. */
  readonly complaints: Violation[];
  /** Everybody who is connected, or was a moment ago. */
  readonly present: Set<Player>;
  /** By what was done. */
  readonly operations: Map<string, number>;
  readonly partings: Parting[];
  players: number;
  /** Those that run now. */
  gateways: Gateways[];
  /** Names of other protocols' lobbies, the newest last. Some are of lobbies that are over. */
  names: string[];
  readonly rabid: { persons: number; plugins: RabidPlugin[] };
  readonly noray: { players: NorayPlayer[] };
  /** `codes`: of rooms, the newest last. */
  readonly groovejet: { players: GroovejetPlayer[]; codes: string[] };
  /** Of players with the SDK. `codes`: of lobbies, the newest last. `ends`: of links that are open. `relays`: names, the newest last. */
  readonly linked: {
    lobbies: Set<{ leave(): Promise<void> }>;
    codes: string[];
    ends: Set<PlayedEnd>;
    relays: string[];
  };
};

export function newBoard(): Board {
  return {
    codes: [],
    staying: [],
    everyCode: new Set(),
    complaints: [],
    present: new Set(),
    operations: new Map(),
    partings: [],
    players: 0,
    gateways: [],
    names: [],
    rabid: { persons: 0, plugins: [] },
    noray: { players: [] },
    groovejet: { players: [], codes: [] },
    linked: { lobbies: new Set(), codes: [], ends: new Set(), relays: [] },
  };
}

/** Codes that are remembered: the lobbies of the last while. */
const codesKept = 60;
const stayingKept = 12;

export function tellCode(board: Board, code: string): void {
  board.codes = [...board.codes.slice(1 - codesKept), code];
  board.everyCode.add(code);
}

export function tellStaying(board: Board, code: string, password?: string): void {
  board.staying = [...board.staying.slice(1 - stayingKept), { code, password }];
  board.everyCode.add(code);
}

export function tellName(board: Board, name: string): void {
  if (!board.names.includes(name)) board.names = [...board.names.slice(1 - codesKept), name];
  board.everyCode.add(name);
}

export function count(board: Board, operation: string): void {
  board.operations.set(operation, (board.operations.get(operation) ?? 0) + 1);
}
