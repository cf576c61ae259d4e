import { trusted } from "./markup.ts";

/** The report's looks. The colours of series are told apart by people who see red and green alike, on both papers. */
export const style = trusted(`
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b2330; --muted: #5d6878; --grid: #d9dee6;
  --good: #0b7a4b; --bad: #b3261e;
  --c1: #2563c9; --c2: #d9730d; --c3: #0f8a76; --c4: #9a3fb5; --c5: #8a6d00; --c6: #5d6878;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11151c; --card: #1a202a; --ink: #e8ecf2; --muted: #a0acbc; --grid: #39424f;
    --good: #4fcf94; --bad: #ff8a80;
    --c1: #7db1ff; --c2: #ffab5e; --c3: #4fd3bd; --c4: #d99bee; --c5: #e0c24a; --c6: #a0acbc;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; max-width: 46rem; }
small { display: block; color: var(--muted); font-size: .8125rem; font-weight: 400; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem 1.5rem; margin: 0; }
dt { color: var(--muted); font-size: .8125rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.card, figure, .scroll { background: var(--card); border: 1px solid var(--grid); border-radius: 10px; }
.card { padding: 1rem 1.25rem; margin-bottom: 1rem; }
.card ul { margin: .5rem 0 0; padding-left: 1.25rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1rem; align-items: start; }
figure { margin: 0; padding: 1rem; min-width: 0; }
figcaption p { color: var(--muted); font-size: .875rem; margin-bottom: .75rem; }
figure svg { display: block; width: 100%; max-width: 40rem; height: auto; }
.growths { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem 1rem; }
.growth { min-width: 0; }
.growth p { font-size: .875rem; color: var(--muted); margin-bottom: .5rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .75rem; text-align: right; vertical-align: top; white-space: nowrap; border-top: 1px solid var(--grid); }
thead th { border-top: 0; color: var(--muted); font-weight: 600; vertical-align: bottom; white-space: normal; }
tbody th { text-align: left; font-weight: 600; white-space: normal; min-width: 11rem; overflow-wrap: anywhere; }
.growth tbody th { min-width: 0; text-align: right; }
th:first-child { text-align: left; }
.growth th:first-child { text-align: right; }
.text { text-align: left; }
.sum { white-space: normal; min-width: 13rem; }
.verdict { display: block; }
.verdict.good b { color: var(--good); }
.verdict.bad b { color: var(--bad); }
.growth .verdict { display: inline; }
@media (max-width: 30rem) { main { padding: 1rem .5rem 3rem; } figure { padding: .75rem .5rem; } }
@media print { body { background: none; } figure, tr { break-inside: avoid; } }
`);
