/** The page at `/operator`: how the deployment is, for the person who runs it. It asks while somebody looks at it, and not else. */
import { causes } from "../../core/link/cause.ts";
import { abortReasons } from "../../core/problem.ts";
import type { Slot } from "../../core/stats/slots.ts";
import type { OperatorCharts, OperatorLobbies, OperatorNow } from "../../core/wire/operator.ts";
import { find, make, setText, show } from "../site/element.ts";
import { keep, recall } from "../site/storage.ts";
import { ageText, clockText } from "./ages.ts";
import { OperatorApi, Refused } from "./api.ts";
import { type Chart, figure, numberText } from "./chart.ts";
import { type Confirm, LobbyPanel } from "./lobby-panel.ts";
import { countRows, table } from "./table.ts";

/** Milliseconds between two looks (docs/costs.md counts what they cost). */
const everyMs = { now: 5_000, lobbies: 10_000, charts: 60_000 } as const;
/** Where this tab keeps the key. */
const keptKey = "operator-key";
const minuteMs = 60_000;

const problem = find("problem", HTMLParagraphElement);
const enter = find("enter", HTMLFormElement);
const keyField = find("key", HTMLInputElement);
const view = find("view", HTMLDivElement);

let leave: (() => void) | null = null;

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  const key = keyField.value.trim();
  keyField.value = "";
  void open(key);
});

const known = recall("session", keptKey);
if (known) void open(known);
else show(enter, true);

/** Shows the view, if the key is right. */
async function open(key: string): Promise<void> {
  leave?.();
  setText(problem, "");
  const api = new OperatorApi(key);
  try {
    const now = await api.now();
    keep("session", keptKey, key);
    leave = run(api, now);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    lock(sentenceOf(error));
    // What does not answer now may know the key a moment later.
    if (error.status === 401) keep("session", keptKey, null);
  }
}

/** Back to the question for the key. */
function lock(why = ""): void {
  leave?.();
  leave = null;
  view.replaceChildren();
  show(view, false);
  show(enter, true);
  setText(problem, why);
  keyField.focus();
}

function sentenceOf({ code, message, retryAfterS }: Refused): string {
  return code === "too_many_requests" && retryAfterS > 0
    ? `Too many wrong keys came from your network. Try again in ${retryAfterS} s.`
    : message;
}

/** Keeps the view up to date until it is left. Returns what leaves it. */
function run(api: OperatorApi, first: OperatorNow): () => void {
  const panel = new LobbyPanel(api, confirmed);
  const figures = make("dl", { class: "figures panel" });
  const charts = make("div", { class: "grid" });
  const tables = make("div", { class: "grid" });
  const asOf = make("p", { class: "muted" });
  const spans = (["hour", "day"] as const).map((span) => {
    const button = make("button", { type: "button" }, span === "hour" ? "Last hour" : "Last day");
    button.addEventListener("click", () => choose(span));
    return { span, button };
  });
  const forget = make("button", { type: "button", class: "quiet" }, "Forget the key");
  forget.addEventListener("click", () => {
    keep("session", keptKey, null);
    lock();
  });
  const bar = make(
    "div",
    { class: "bar" },
    asOf,
    make("div", { class: "actions" }, ...spans.map(({ button }) => button), forget),
  );
  view.replaceChildren(figures, bar, charts, tables, panel.element);
  show(enter, false);
  show(view, true);

  let span: "hour" | "day" = "hour";
  let now = first;
  let told: OperatorCharts | null = null;
  let lobbies: OperatorLobbies = { lobbies: [], silent: [] };
  const draw = () => {
    figures.replaceChildren(...figuresOf(now));
    setText(
      asOf,
      `As of ${clockText(now.at)}${now.silent.length > 0 ? `. Not in the numbers, because they do not answer: ${now.silent.join(", ")}` : ""}`,
    );
    if (!tables.contains(document.activeElement)) tables.replaceChildren(...tablesOf(now));
  };
  const drawCharts = () => {
    for (const one of spans) one.button.setAttribute("aria-pressed", String(one.span === span));
    if (!told || charts.contains(document.activeElement)) return;
    const open = new Set(
      [...charts.querySelectorAll("details[open]")].map((one) => one.getAttribute("data-chart")),
    );
    charts.replaceChildren(...chartsOf(told, span).map((chart) => figure(chart, open.has(chart.title))));
  };
  const choose = (chosen: typeof span) => {
    span = chosen;
    drawCharts();
  };
  const looks = {
    now: async () => {
      now = await api.now();
      draw();
    },
    lobbies: async () => {
      lobbies = await api.lobbies();
      panel.show(lobbies.lobbies, now.at, now.mayAct);
      await panel.refresh();
    },
    charts: async () => {
      told = await api.charts();
      drawCharts();
    },
  } as const;
  draw();
  drawCharts();

  let isLeft = false;
  const lastAt = { now: Date.now(), lobbies: 0, charts: 0 };
  /** One look after another, and none while nobody sees the page. */
  const step = async () => {
    for (const what of ["now", "lobbies", "charts"] as const) {
      if (isLeft || document.hidden || Math.abs(Date.now() - lastAt[what]) < everyMs[what]) continue;
      lastAt[what] = Date.now();
      try {
        await looks[what]();
        if (!isLeft) setText(problem, "");
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (isLeft) return;
        if (error.status === 401 || error.status === 404) {
          lock(error.message);
          return;
        }
        setText(problem, `${sentenceOf(error)} The page tries again by itself.`);
      }
    }
  };
  let timer: ReturnType<typeof setTimeout>;
  const again = async () => {
    await step();
    if (!isLeft) timer = setTimeout(again, 500);
  };
  void again();
  return () => {
    isLeft = true;
    clearTimeout(timer);
  };
}

function figuresOf({ open, listed, unlisted, lastHour, sidecars }: OperatorNow): HTMLElement[] {
  const { direct = 0, relayed = 0, unsaid = 0, failed = 0 } = lastHour.outcomes;
  const mediations = direct + relayed + unsaid + failed;
  const share = (part: number) => `${Math.round((100 * part) / Math.max(1, mediations))} %`;
  const refused = Object.values(lastHour.refused).reduce((sum, times) => sum + times, 0);
  const about: [name: string, number: number, more: string][] = [
    ["Lobbies", open.lobbies, `${listed.lobbies} public, ${unlisted.lobbies} private`],
    ["Players", open.players, `${listed.players} in public lobbies, ${unlisted.players} in private ones`],
    [
      "Mediations, last hour",
      mediations,
      mediations === 0
        ? "none ended"
        : `${share(direct + unsaid)} without a relay, ${share(relayed)} relayed, ${share(failed)} failed`,
    ],
    ["Refusals, last hour", refused, "of requests and messages"],
    ["Sidecars", sidecars.length, sidecars.length === 0 ? "players without links cannot connect" : "alive"],
  ];
  return about.map(([name, number, more]) =>
    make(
      "div",
      {},
      make("dt", {}, name),
      make("dd", { class: "number" }, numberText(number)),
      make("dd", { class: "muted" }, more),
    ),
  );
}

const sentences: Readonly<Record<string, string>> = { ...causes, ...abortReasons };

function tablesOf({ lastHour, sidecars }: OperatorNow): HTMLElement[] {
  const causeRows = (counts: Readonly<Record<string, number>>) =>
    countRows(counts).map(([cause, times]) => [
      make(
        "div",
        {},
        make("code", {}, cause),
        make("br"),
        make("span", { class: "muted" }, sentences[cause] ?? ""),
      ),
      numberText(times),
    ]);
  const columns = ["Cause", "Mediations"];
  const panels = [
    table("Why mediations failed, last hour", columns, causeRows(lastHour.failed)),
    table("Why mediations needed a relay, last hour", columns, causeRows(lastHour.relayed)),
    table(
      "Sidecars",
      ["Name", "Datagrams a second", "Relay", "Last heartbeat"],
      sidecars.map(({ name, load, relays, ageMs }) => [
        name,
        numberText(load),
        relays ? "yes" : "no",
        `${ageText(ageMs)} ago`,
      ]),
      { none: "No sidecar is alive." },
    ),
    table(
      "Refusals, last hour",
      ["Code", "Times"],
      countRows(lastHour.refused).map(([code, times]) => [make("code", {}, code), numberText(times)]),
    ),
  ];
  return panels.map((panel) => make("section", { class: "panel" }, panel));
}

function chartsOf({ minutes, hours }: OperatorCharts, span: "hour" | "day"): Chart[] {
  const slots = span === "hour" ? minutes : hours;
  const slotMs = span === "hour" ? minuteMs : 60 * minuteMs;
  const times = slots.map(({ at }) => clockText(at * slotMs));
  const series = (name: string, of: (slot: Slot) => number) => ({ name, values: slots.map(of) });
  const refused = ({ refused: counts }: Slot) => Object.values(counts).reduce((sum, some) => sum + some, 0);
  return [
    {
      title: "Players and lobbies",
      kind: "lines",
      times,
      series: [series("players", ({ peak }) => peak.players), series("lobbies", ({ peak }) => peak.lobbies)],
    },
    {
      title: "How mediations ended",
      kind: "bars",
      times,
      series: [
        series("relayed", ({ outcomes }) => outcomes.relayed ?? 0),
        series("direct", ({ outcomes }) => outcomes.direct ?? 0),
        series("connected, not said how", ({ outcomes }) => outcomes.unsaid ?? 0),
        series("failed", ({ outcomes }) => outcomes.failed ?? 0),
      ],
    },
    { title: "Refusals", kind: "bars", times, series: [series("refused", refused)] },
    {
      title: "Datagrams a second, all sidecars",
      kind: "lines",
      times,
      series: [series("datagrams a second", ({ fleet }) => fleet?.load ?? 0)],
    },
  ];
}

const confirmed: Confirm = async (question, deed, hasReason) => {
  const dialog = find("confirm", HTMLDialogElement);
  const reason = find("reason", HTMLInputElement);
  setText(find("confirm-title", HTMLHeadingElement), question);
  setText(find("confirm-yes", HTMLButtonElement), deed);
  show(find("confirm-reason", HTMLDivElement), hasReason);
  reason.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes" ? reason.value.trim() : null;
};
