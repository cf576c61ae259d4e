/** The list of open lobbies, as it is now: asked for every few seconds, while somebody looks at it. */
import { tellBanner } from "./banner.ts";
import { find, listIn, make, type Row, setText, show } from "./element.ts";
import { game, type Orion, pause } from "./enter.ts";
import { codeOf } from "./sentences.ts";

type Listed = Awaited<ReturnType<Orion["list"]>>["lobbies"][number];

/** Milliseconds between two questions, and after one that failed. The server takes 3000 a minute from an address. */
const everyMs = 3_000;
const afterFailureMs = 5_000;
/** The rest is said to be there. */
const most = 50;
/** Only what a server does that is away. Every other failure is told by what the player tries. */
const losses: ReadonlySet<string> = new Set(["unreachable", "unanswered"]);

export type LobbyList = { start: () => void; stop: () => void };

export function setUpLobbyList(orion: Promise<Orion>, join: (code: string) => void): LobbyList {
  const note = find("lobbies-note", HTMLElement);
  const list = find("lobbies", HTMLElement);
  const render = listIn<Listed>(
    list,
    ({ code }) => code,
    (lobby) => newRow(lobby, join),
  );
  let watching: AbortController | null = null;

  const look = async (signal: AbortSignal) => {
    try {
      const { lobbies, cursor } = await (await orion).list({ game, limit: most, signal });
      if (signal.aborted) return everyMs;
      render(lobbies);
      show(list, lobbies.length > 0);
      setText(note, noteFor(lobbies.length, cursor !== undefined));
      tellBanner("server", null);
      return everyMs;
    } catch (error) {
      if (!signal.aborted && losses.has(codeOf(error))) tellBanner("server", "server_away");
      return afterFailureMs;
    }
  };
  const watch = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      const ms = document.hidden ? everyMs : await look(signal);
      await pause(ms, signal).catch(() => {});
    }
  };
  const stop = () => {
    watching?.abort();
    watching = null;
  };
  const start = () => {
    stop();
    watching = new AbortController();
    void watch(watching.signal);
  };
  document.addEventListener("visibilitychange", () => {
    if (watching && !document.hidden) start();
  });
  return {
    start,
    stop: () => {
      stop();
      tellBanner("server", null);
    },
  };
}

function noteFor(count: number, hasMore: boolean): string {
  if (count === 0) return "No lobby is open at the moment. “Play now” opens one.";
  return hasMore ? `The first ${count} of them.` : "";
}

function newRow({ code }: Listed, join: (code: string) => void): Row<Listed> {
  const title = make("bdi", { class: "player-text", dir: "auto" });
  const about = make("span", { class: "muted" });
  const button = make("button", { type: "button" }, "Join");
  button.addEventListener("click", () => join(code));
  return {
    element: make("li", { class: "lobby" }, make("div", {}, make("b", {}, title), about), button),
    update: (lobby) => {
      setText(title, lobby.title);
      setText(about, aboutOf(lobby));
      button.setAttribute("aria-label", `Join ${lobby.title}`);
      button.disabled = lobby.full || lobby.locked;
    },
  };
}

function aboutOf({ members, maxMembers, locked, hasPassword, full, data }: Listed): string {
  const words = [
    `${members} of ${maxMembers} players`,
    data.playing === true && "playing",
    hasPassword && "password",
    locked ? "locked" : full && "full",
  ];
  return words.filter((word) => word !== false).join(" · ");
}
