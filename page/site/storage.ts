/** What the browser keeps for the page. People switch storage off: then nothing is kept, and nothing breaks. */

/** `local`: for all tabs, for good. `session`: for this tab, and for what it is duplicated to. */
export type Kind = "local" | "session";

export function recall(kind: Kind, key: string): string | null {
  try {
    return storageOf(kind).getItem(key);
  } catch {
    return null;
  }
}

/** Null forgets it. */
export function keep(kind: Kind, key: string, value: string | null): void {
  try {
    if (value === null) storageOf(kind).removeItem(key);
    else storageOf(kind).setItem(key, value);
  } catch {
    // Switched off, or full.
  }
}

/** Throws where storage is switched off: reading the property does. */
function storageOf(kind: Kind): Storage {
  return kind === "local" ? localStorage : sessionStorage;
}
