/**
 * What people see of a name: which two look the same. By NFKC and the confusables skeleton (UTS 39, section 4), whatever
 * the case. Names that differ only by the direction of their parts count as different.
 */
import { confusables } from "./confusables.ts";
import { wireLimits } from "./wire/limits.ts";

let looksLike: ReadonlyMap<string, string> | null = null;

/** Read when it is first needed: most objects never compare names. */
function readConfusables(): ReadonlyMap<string, string> {
  let from = 0;
  const entries = confusables
    .trim()
    .split(/\s/)
    .map((entry): [string, string] => {
      const [distance = "", to = ""] = entry.split(":");
      from += Number.parseInt(distance, 36);
      const letters = to.split(".").map((point) => Number.parseInt(point, 36));
      return [String.fromCodePoint(from), String.fromCodePoint(...letters)];
    });
  return new Map(entries);
}

/**
 * The looks of a name. Two names look the same if they share one. Each name has several: as it is written, by NFKC, in small letters,
 * in capitals, and with capitals where words begin. For `Alice` and `ALlCE` are one name if case does not count, and `Kai` and `Kal`
 * are two, though in capitals an `I` looks like an `l`.
 */
export function looksOf(name: string): string[] {
  // Some single characters are whole sentences in NFKC.
  const plain = name.normalize("NFKC").slice(0, 2 * wireLimits.displayNameLength);
  const small = plain.toLowerCase();
  const versions = [name, plain, small, plain.toUpperCase(), capitalized(small)];
  return [...new Set([...new Set(versions)].map(skeletonOf))];
}

function capitalized(small: string): string {
  return small.replace(/(?:^|[^\p{L}\p{M}])\p{Ll}/gu, (letters) => letters.toUpperCase());
}

function skeletonOf(name: string): string {
  looksLike ??= readConfusables();
  let skeleton = "";
  for (const letter of name.normalize("NFD").replace(/\p{Default_Ignorable_Code_Point}/gu, "")) {
    skeleton += looksLike.get(letter) ?? letter;
  }
  return skeleton.normalize("NFD").replace(/\s+/gu, " ").trim();
}
