/** What tells comets apart: a colour that also colour-blind people know from the others, and a mark. */

/** By slot. Light enough for the dark of space. */
export const colours = [
  "#5cc4ff",
  "#ffb02e",
  "#3fe0a5",
  "#ff7fc0",
  "#f6ee5b",
  "#ff6d4d",
  "#b59bff",
  "#eef3ff",
] as const;

/** By slot: the outline of a mark in a square from -1 to 1, as SVG writes it. */
export const marks = [
  "M0-.8A.8.8 0 1 1 0 .8A.8.8 0 1 1 0-.8Z",
  "M0-1L.95.7H-.95Z",
  "M-.75-.75H.75V.75H-.75Z",
  "M0-1L.8 0L0 1L-.8 0Z",
  "M-.3-1H.3V-.3H1V.3H.3V1H-.3V.3H-1V-.3H-.3Z",
  "M0-1L.3-.35L1-.3L.45.2L.6.9L0 .5L-.6.9L-.45.2L-1-.3L-.3-.35Z",
  "M-.85-.85L0-.3L.85-.85V.15L0 .85L-.85 .15Z",
  "M-.35-1H.35L1-.35V.35L.35 1H-.35L-1 .35V-.35Z",
] as const;

export function colourOf(slot: number): string {
  return colours[slot] ?? colours[0];
}

export function markOf(slot: number): string {
  return marks[slot] ?? marks[0];
}
