import { make } from "../site/element.ts";

type Cell = string | Node;

/** A table. The cells of columns that only have numbers stand at their end. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  { hasHiddenCaption = false, none = "None." } = {},
): HTMLElement {
  const isCount = columns.map((_, at) =>
    rows.every((row) => typeof row[at] === "string" && /^[\d.]+( [kM%s])?$/.test(row[at])),
  );
  const ofColumn = (at: number) => ({ class: isCount[at] && rows.length > 0 ? "count" : false });
  const title = make("caption", { class: hasHiddenCaption ? "visually-hidden" : false }, caption);
  if (rows.length === 0) {
    const cell = make("td", { class: "muted" }, none);
    return make("table", {}, title, make("tbody", {}, make("tr", {}, cell)));
  }
  const head = columns.map((name, at) => make("th", { scope: "col", ...ofColumn(at) }, name));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell, at) => make("td", ofColumn(at), cell))));
  // A wide table is scrolled by keyboard, too.
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, title, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)),
  );
}

/** Counts by their names, the most frequent first. */
export function countRows(counts: Readonly<Record<string, number>>): [name: string, times: number][] {
  return Object.entries(counts).toSorted(
    ([one, times], [other, more]) => more - times || (one < other ? -1 : 1),
  );
}
