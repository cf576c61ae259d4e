/** The panel of players: who is there, and how this page is connected to each of them, and why so. */
import type { Link, Lobby } from "/sdk.js";
import { find, listIn, make, type Row, setText, show } from "./element.ts";
import { countLoss } from "./loss.ts";
import { paths, sentenceFor } from "./sentences.ts";

type Member = Lobby["members"][number];
/** What a row shows. */
type Player = {
  member: Member;
  link: Link | null;
  lost: number | null;
  failure: string | null;
  mayRemove: boolean;
};

export type PlayersPanel = {
  open: (lobby: Lobby) => void;
  /** Shows what is the case now. */
  render: () => void;
  close: () => void;
};

/** Milliseconds between two looks at the links. */
const lookMs = 1_000;
/** Paths that lead through nobody. */
const straight: ReadonlySet<string> = new Set(["lan", "direct"]);

export function setUpPlayersPanel(remove: (member: Member) => void): PlayersPanel {
  let lobby: Lobby | null = null;
  let timer: ReturnType<typeof setInterval> | undefined;
  let counts = new Map<Link, ReturnType<typeof countLoss>>();
  let failures = new Map<string, string>();
  let forget: (() => void)[] = [];
  const renderList = listIn<Player>(
    find("players", HTMLElement),
    ({ member }) => member.clientId,
    (player) => newRow(player, remove),
  );

  const count = (link: Link) => {
    if (counts.has(link)) return;
    const counter = countLoss(link);
    counts.set(link, counter);
    link.on("closed", () => {
      counter.stop();
      counts.delete(link);
      render();
    });
    for (const event of ["path", "settled"] as const) link.on(event, () => render());
  };
  const render = () => {
    if (!lobby) return;
    const { members, links, isHost } = lobby;
    // After another start there may be two: the newer one counts.
    const byPeer = new Map(links.map((link) => [link.peer.clientId, link]));
    setText(find("players-title", HTMLElement), `Players (${members.length} of ${lobby.maxMembers ?? "?"})`);
    renderList(
      members.map((member) => {
        const link = byPeer.get(member.clientId) ?? null;
        const lost = link && (counts.get(link)?.lost() ?? null);
        const failure = failures.get(member.clientId) ?? null;
        return { member, link, lost, failure, mayRemove: isHost && !member.isSelf };
      }),
    );
  };

  return {
    open: (opened) => {
      lobby = opened;
      for (const link of opened.links) count(link);
      forget = [
        opened.on("link", (link) => {
          failures.delete(link.peer.clientId);
          count(link);
          render();
        }),
        opened.on("report", ({ clientId, cause }) => {
          if (cause !== null) failures.set(clientId, cause);
          render();
        }),
      ];
      timer = setInterval(() => {
        if (!document.hidden) render();
      }, lookMs);
      render();
    },
    render,
    close: () => {
      clearInterval(timer);
      for (const one of forget) one();
      for (const { stop } of counts.values()) stop();
      counts = new Map();
      failures = new Map();
      lobby = null;
      renderList([]);
    },
  };
}

function newRow(first: Player, remove: (member: Member) => void): Row<Player> {
  const name = make("bdi", { class: "player-text", dir: "auto" });
  const badges = make("span", { class: "badges" });
  const button = make("button", { type: "button", class: "quiet" }, "Remove");
  let { member } = first;
  button.addEventListener("click", () => remove(member));
  const values = { path: make("dd"), roundTrip: make("dd"), loss: make("dd"), encryption: make("dd") };
  const list = make(
    "dl",
    { class: "connection" },
    make("div", { class: "wide" }, make("dt", {}, "Path"), values.path),
    make("div", {}, make("dt", {}, "Round trip"), values.roundTrip),
    make("div", {}, make("dt", {}, "Loss"), values.loss),
    make("div", { class: "wide" }, make("dt", {}, "Encryption"), values.encryption),
  );
  const cause = make("p", { class: "cause" });
  const head = make("div", { class: "player-head" }, make("b", {}, name), badges, button);
  return {
    element: make("li", { class: "player" }, head, list, cause),
    update: (player) => {
      ({ member } = player);
      const { link, lost, mayRemove } = player;
      setText(name, member.displayName);
      setText(badges, badgesOf(member));
      button.setAttribute("aria-label", `Remove ${member.displayName}`);
      show(button, mayRemove);
      show(list, link !== null);
      if (link) {
        setText(values.path, paths[link.path] ?? link.path);
        values.path.className = straight.has(link.path) ? "good" : "warn";
        setText(
          values.roundTrip,
          link.rttMs === null ? "not known yet" : `${Math.max(1, Math.round(link.rttMs))} ms`,
        );
        setText(values.loss, lost === null ? "not known yet" : `${Math.round(100 * lost)} %`);
        setText(values.encryption, encryptionOf(link));
        values.encryption.className = link.encrypted ? "good" : "warn";
      }
      const why = causeOf(player);
      setText(cause, why);
      show(cause, why !== "");
    },
  };
}

function badgesOf({ isSelf, isHost, presence, ready, hidden }: Member): string {
  const words = [
    isSelf && "you",
    isHost && "host",
    presence === "away" ? "away" : ready && "ready",
    hidden && presence === "connected" && "looks elsewhere",
  ];
  return words.filter((word) => word !== false).join(" · ");
}

function encryptionOf({ encrypted, safetyCode }: Link): string {
  if (!encrypted) return "none";
  return safetyCode === null ? "from player to player" : `from player to player · code ${spaced(safetyCode)}`;
}

/** Like `1234 5678`. */
function spaced(safetyCode: string): string {
  return safetyCode.replace(/(\d{4})(?=\d)/g, "$1 ");
}

/** A sentence for the player, or nothing where all is well. */
function causeOf({ member, link, failure }: Player): string {
  if (member.isSelf) return "";
  if (member.presence === "away") return "The connection is lost. The place is kept for a moment.";
  if (!link) return failure === null ? "Is being connected…" : sentenceFor(failure);
  if (straight.has(link.path)) return "";
  const { cause } = link.report;
  return cause === null ? "A straight way is being looked for…" : sentenceFor(cause);
}
