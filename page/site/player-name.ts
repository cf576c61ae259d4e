/** The player's name: kept for the next visit, and invented for those who have not said one. */
import { keep, recall } from "./storage.ts";

/** Characters of a name, as the server counts them: code points. */
export const nameLength = 50;

const key = "orion-name";
/** Bright stars. Each letter is ASCII, so Orion's plain clients show the same name. */
const stars = [
  "Rigel",
  "Vega",
  "Altair",
  "Mizar",
  "Deneb",
  "Sirius",
  "Spica",
  "Bellatrix",
  "Mintaka",
  "Capella",
];

export function recalledName(): string | null {
  const name = recall("local", key);
  return name !== null && nameProblem(name) === null ? name : null;
}

export function keepName(name: string): void {
  keep("local", key, name);
}

/** `random`: from 0 up to 1. */
export function inventedName(random: number): string {
  const drawn = Math.floor(random * stars.length * 90);
  return `${stars[drawn % stars.length]} ${10 + Math.floor(drawn / stars.length)}`;
}

/** Why it can be no name, or null. What else the server refuses, it says itself. */
export function nameProblem(name: string): string | null {
  const length = [...name.trim()].length;
  if (length === 0) return "Please enter a name.";
  return length > nameLength ? `This name is too long: ${length} characters of at most ${nameLength}.` : null;
}

/** The name for the `number`th player who wants it, like `Ann 2`. */
export function numbered(name: string, number: number): string {
  if (number < 2) return name.trim();
  const tail = ` ${number}`;
  return (
    [...name.trim()]
      .slice(0, nameLength - tail.length)
      .join("")
      .trim() + tail
  );
}
