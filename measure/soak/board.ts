/** What the players of a soak tell each other outside the service, and what is counted of them. */
import type { Player } from "../kit/player.ts";

export type Parting = { player: Player; how: "closed" | "cut" | "fell silent" | "object ended"; at: number };

export type Board = {
  /** Codes that friends know, the newest last. Some are of lobbies that are over. */
  codes: string[];
  /** The same of lobbies in which people stay. Passwords may have changed. */
  staying: { code: string; password: string | undefined }[];
  /** Of every lobby that was opened. */
  readonly everyCode: Set<string>;
  /** What a person was told that cannot be right, in sentences. */
  readonly complaints: { sentence: string; player: Player }[];
  /** Everybody who is connected, or was a moment ago. */
  readonly present: Set<Player>;
  /** By what was done. */
  readonly operations: Map<string, number>;
  readonly partings: Parting[];
  players: number;
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

export function count(board: Board, operation: string): void {
  board.operations.set(operation, (board.operations.get(operation) ?? 0) + 1);
}
