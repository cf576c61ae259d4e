/** Orion's names are ASCII. Those that people have are shown, and Orion's are derived from them. */
import { readName } from "../core/names.ts";
import { wireLimits } from "../core/wire/limits.ts";

/** `orion`: the name as Orion has it. `display`: the one to show, if that is another. */
export type Named = { orion: string; display?: string };

/**
 * A name in any script as the server takes it. One that can be no name is passed on, so that the server refuses it. `word`: what
 * Orion's name begins with if nothing of it is left. `salt`: for another name of the same look.
 */
export function named(name: string, word: string, salt = ""): Named {
  if (isOrions(name) && salt === "") return { orion: name };
  const display = readName(name);
  if (display === null) return { orion: name };
  const ascii = display
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\w ]+/g, "")
    .replace(/ +/g, " ")
    .trim();
  // A name that has lost most of its letters could be anybody's.
  const isLegible = ascii.length * 2 >= [...display.normalize("NFC")].length && /^\w/.test(ascii);
  if (isLegible && salt === "") return { orion: ascii.slice(0, wireLimits.nameLength), display };
  const tail = ` ${tagOf(display + salt)}`;
  const head = (isLegible ? ascii : word).slice(0, wireLimits.nameLength - tail.length).trim();
  return { orion: head + tail, display };
}

function isOrions(name: string): boolean {
  return /^\w[\w ]*$/.test(name) && name.length <= wireLimits.nameLength;
}

/** Four letters and digits that stand for a text (FNV-1a). */
function tagOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(36).slice(-4).padStart(4, "0").toUpperCase();
}
