/** The matrix as a picture: SVG that needs nothing else, and is right in light and in dark. */
import { html, type Markup, trusted } from "../bench/report/markup.ts";
import { type Access, accesses } from "./access.ts";
import { type ClientKind, hasLinks } from "./clients.ts";
import { timesOf, verdictWords } from "./matrix-text.ts";
import type { Cell, Results } from "./results.ts";
import { type TableLine, trialTables } from "./trial-tables.ts";
import { verdictsOn } from "./verdict.ts";

/** Pixels. The width is that of a README's column; a cell is as large as its three lines need. */
const width = 800;
const margin = 12;
const nameWidth = 88;
const cellWidth = (width - 2 * margin - nameWidth) / accesses.length;
const cellHeight = 58;
const gap = 3;
const headHeight = 86;
const lineHeight = 22;

/** What a cell's colour says. Its first line says the same in words. */
const kinds = ["lan", "direct", "turn", "relay", "websocket", "none", "told"] as const;
type Kind = (typeof kinds)[number];
const pathWords: Record<Kind, string> = {
  lan: "LAN",
  direct: "direct",
  turn: "TURN",
  relay: "relay",
  websocket: "WebSocket",
  none: "no path",
  told: "told why",
};
const legendWords: Record<Kind, string> = {
  lan: "LAN: within one network",
  direct: "direct: through the NATs",
  turn: "TURN: over a TURN server",
  relay: "relay: over the server",
  websocket: "WebSocket: without UDP",
  none: "not connected",
  told: "no UDP there, and told so",
};
/** What there is for each kind of clients. */
const kindsOf: Record<ClientKind, readonly Kind[]> = {
  orion: ["lan", "direct", "relay", "websocket", "none"],
  browsers: ["lan", "direct", "turn", "websocket", "none"],
  mixed: ["lan", "direct", "turn", "relay", "websocket", "none"],
  godot: ["lan", "direct", "relay", "websocket", "none"],
  "godot-mixed": ["lan", "direct", "relay", "websocket", "none"],
  noray: ["direct", "relay", "none", "told"],
  rabid: ["direct", "none", "told"],
};
export const titles: Record<ClientKind, string> = {
  orion: "Who reaches whom, and how fast",
  browsers: "Players in browsers: who reaches whom",
  mixed: "One player in a browser, one in Node with WebRTC",
  godot: "Players in Godot 4: who reaches whom",
  "godot-mixed": "One player in Godot 4, one in Node: who reaches whom",
  noray: "Clients of noray: who reaches whom",
  rabid: "Clients of Rabid Hole Punch: who reaches whom",
};

/** In one line or two. */
const names: Record<Access, [string, string]> = {
  none: ["no NAT", ""],
  "full-cone": ["full", "cone"],
  "port-restricted": ["port-", "restricted"],
  "same-lan": ["same", "LAN"],
  lossy: ["lossy", "2 %"],
  symmetric: ["symmetric", ""],
  cgnat: ["CGNAT", ""],
  "udp-dropped": ["UDP", "dropped"],
};

/** The picture of a run: a cell for each pair, coloured by path, with its times in it; below, the targets. */
export function matrixPicture(results: Results): string {
  const used = accesses.filter((access) => results.cells.some(({ a, b }) => a === access || b === access));
  const verdicts = verdictsOn(results);
  const title = titles[results.clients];
  const matrixBottom = headHeight + used.length * cellHeight;
  const tables = trialTables(results);
  const tablesTop = matrixBottom + 58;
  const verdictsTop = tablesTop + tables.length * lineHeight;
  const height = verdictsTop + verdicts.length * lineHeight + 14;
  const x = (column: number) => margin + nameWidth + column * cellWidth;
  const y = (row: number) => headHeight + row * cellHeight;
  const cells = results.cells.map((cell) =>
    cellMarkup(cell, cellWords(cell, results.clients), {
      x: x(used.indexOf(cell.a)),
      y: y(used.indexOf(cell.b)),
      width: cellWidth - gap,
      height: cellHeight - gap,
    }),
  );
  const rows = used.map((access, row) =>
    nameMarkup(access, { x: margin + nameWidth - 10, y: y(row) + cellHeight / 2, anchor: "end" }),
  );
  // A column's name stands above its first cell, on the diagonal, where there is room.
  const heads = used.map((access, column) =>
    nameMarkup(access, { x: x(column) + (cellWidth - gap) / 2, y: y(column) - 17, anchor: "middle" }),
  );
  const measured = `${results.runs} runs of each pair, ${results.delayMs} ms round trip to the server`;
  // Clients of other servers do not change to a better path.
  const changes = hasLinks(results.clients);
  const about = `${measured}. In a cell: the path; after how many milliseconds 95 of 100 players could use one${changes ? ", and had one without a relay" : ""}; how many runs connected.`;
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${`${title}. ${about}`}">
<style>${style}</style>
<rect class="paper" width="${width}" height="${height}" rx="10"/>
<text class="title" x="${margin + 4}" y="32">${title}</text>
<text class="muted" x="${margin + 4}" y="52">${measured}</text>
${legend(results.clients, width - margin - 236, 30)}
${rows}
${heads}
${cells}
<text class="muted" x="${margin + 4}" y="${matrixBottom + 22}">In a cell: the path; p95 of the milliseconds until a path was usable${changes ? " / until one without a relay was" : ""}; runs that connected.</text>
${tables.map((line, row) => lineMarkup(line, tablesTop - 8 + row * lineHeight))}
<text class="head" x="${margin + 4}" y="${verdictsTop - 8}">Targets</text>
${verdicts.map((verdict, row) => verdictMarkup(verdictWords(verdict), verdict.reached, verdictsTop + 12 + row * lineHeight))}
</svg>
`.markup;
}

type Box = { x: number; y: number; width: number; height: number };

/** Stripes as wide as each path's share, and three lines about it. */
function cellMarkup(cell: Cell, { path, lines }: Words, { x, y, width, height }: Box): Markup {
  const shares = sharesOf(cell);
  let left = x;
  const stripes = shares.map(({ kind, share }) => {
    const stripe = html`<rect class="${kind}" x="${at(left)}" y="${y}" width="${at(width * share)}" height="${height}"/>`;
    left += width * share;
    return stripe;
  });
  const middle = at(x + width / 2);
  return html`<g>${stripes}
<text class="path" x="${middle}" y="${y + (lines.length > 0 ? 18 : 33)}">${path}</text>
${lines.map((line, index) => html`<text class="cell" x="${middle}" y="${y + 34 + index * 14}">${line}</text>`)}</g>
`;
}

type Words = { path: string; lines: string[] };

/** What most of its runs were, and below it the times and how many connected. */
function cellWords(cell: Cell, clients: ClientKind): Words {
  const [most] = sharesOf(cell).toSorted((one, other) => other.share - one.share);
  if (cell.connected === 0 && !hasLinks(clients))
    return { path: pathWords.none, lines: most?.kind === "told" ? [pathWords.told] : [] };
  const name = most ? pathWords[most.kind] : "";
  const path = most && most.share < 1 ? `${Math.floor(most.share * 100)} % ${name}` : name;
  const times = hasLinks(clients) ? timesOf(cell) : `${cell.usableMs?.p95.toFixed(0)} ms`;
  return { path, lines: cell.connected === 0 ? [] : [times, `${cell.connected}/${cell.runs}`] };
}

/** The kinds that a pair's runs were of, with the share of each, from 0 to 1. */
function sharesOf({ runs, paths, explained }: Cell): { kind: Kind; share: number }[] {
  const counts = { ...paths, told: explained, none: paths.none - explained };
  return kinds.flatMap((kind) => (counts[kind] > 0 ? [{ kind, share: counts[kind] / runs }] : []));
}

function nameMarkup(access: Access, place: { x: number; y: number; anchor: "end" | "middle" }): Markup {
  const [first, second] = names[access];
  const up = second === "" ? 4 : -3;
  return html`<text class="name" text-anchor="${place.anchor}" x="${at(place.x)}" y="${at(place.y + up)}">${first}${
    second === "" ? null : html`<tspan x="${at(place.x)}" dy="14">${second}</tspan>`
  }</text>
`;
}

function legend(clients: ClientKind, x: number, y: number): Markup[] {
  const words = clients === "rabid" ? { ...legendWords, told: "not connected, and told why" } : legendWords;
  return kindsOf[clients].map(
    (
      kind,
      index,
    ) => html`<rect class="${kind}" x="${x}" y="${y + index * 22 - 11}" width="26" height="15" rx="3"/>
<text class="name" x="${x + 36}" y="${y + index * 22 + 1}">${words[kind]}</text>
`,
  );
}

function lineMarkup({ kind, cells }: TableLine, y: number): Markup[] {
  return cells.map(({ text, at }, column) => {
    const type = kind === "head" ? (column === 0 ? "head" : "muted") : "name";
    return html`<text class="${type}" x="${margin + at}" y="${y}">${text}</text>
`;
  });
}

function verdictMarkup(
  { what, of, measured, target }: ReturnType<typeof verdictWords>,
  reached: boolean,
  y: number,
) {
  return html`<text class="${reached ? "good" : "bad"}" x="${margin + 4}" y="${y}">${reached ? "✓" : "✗"}</text>
<text class="name" x="${margin + 24}" y="${y}">${what}</text>
<text class="value" x="${margin + 340}" y="${y}">${measured}</text>
<text class="muted" x="${margin + 356}" y="${y}">${target}</text>
<text class="muted" x="${margin + 436}" y="${y}">${of}</text>
`;
}

/** Pixels to a tenth. */
function at(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

/** Ink on each colour is read easily, on both papers; the colours differ for people who see red and green alike. */
const style = trusted(`
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
svg { --paper: #ffffff; --ink: #1b2330; --muted: #5d6878; --lan: #a5e3d5; --direct: #bcd7fb; --turn: #d9ccf7; --relay: #ffd9a3; --websocket: #f3e29b; --none: #f7b3ad; --told: #e1e5eb; --good: #0b7a4b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #1a202a; --ink: #eef2f7; --muted: #a0acbc; --lan: #0f6557; --direct: #1f4f95; --turn: #5a3f96; --relay: #85500f; --websocket: #6d6410; --none: #8c2a24; --told: #3a4350; --good: #4fcf94; --bad: #ff8a80; }
}
.paper { fill: var(--paper); }
.lan { fill: var(--lan); } .direct { fill: var(--direct); } .turn { fill: var(--turn); } .relay { fill: var(--relay); } .websocket { fill: var(--websocket); } .none { fill: var(--none); } .told { fill: var(--told); }
.title { font-size: 19px; font-weight: 650; } .head { font-size: 14px; font-weight: 650; }
.muted { fill: var(--muted); }
.name { font-size: 13px; }
.path, .cell { text-anchor: middle; } .path { font-weight: 650; } .cell { font-variant-numeric: tabular-nums; }
.value { text-anchor: end; font-weight: 650; font-variant-numeric: tabular-nums; }
.good { fill: var(--good); font-weight: 700; font-size: 14px; } .bad { fill: var(--bad); font-weight: 700; font-size: 14px; }
`);
