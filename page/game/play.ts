/**
 * Comets: a game for 2 to 8 players, in an element of a page, over the links of their lobby. Each steers a comet, collects stars for its
 * tail, and cuts the tails of others by flying through them. After 90 s the longest tail wins, and the next round begins by itself.
 */
import { Controls } from "./controls.ts";
import { element } from "./elements.ts";
import { Flight, type FlightStats, type View } from "./flight.ts";
import { idleHelm } from "./helm.ts";
import { Painter } from "./painter.ts";
import type { GameLobby } from "./party.ts";
import { Scores, type Standing, standingsOf, winnerSentence } from "./scores.ts";

/** Milliseconds that a page is out of sight before its player hands the lobby over. */
const hiddenMs = 2_000;
/** Milliseconds between two sentences for screen readers. */
const sentenceMs = 2_500;
const scoresMs = 200;
const bannerMs = 2_600;
const helpMs = 7_000;

/** The end of one round; the next one begins by itself. The longest tail first. */
export type GameResult = { round: number; standings: readonly Standing[] };

export type GameStats = FlightStats & {
  /** Milliseconds from the call of `play` to the first picture of the game, and to the first with a comet of one's own; null before it. */
  firstPictureMs: number | null;
  playingMs: number | null;
  /** Of the last second. */
  framesPerSecond: number;
  comets: readonly { id: string; x: number; y: number; stars: number; isGhost: boolean; isSelf: boolean }[];
  round: number;
};

export type Play = {
  /** Ends the game here and empties the stage. Links stay open. */
  stop(): void;
  readonly stats: () => GameStats;
};

export type PlayOptions = {
  selfId: string;
  /** Whether this player was in the lobby before: a host who was alone finds its world as it has left it. */
  comesBack: boolean;
  /** At the end of each round. */
  onEnd: (result: GameResult) => void;
  /** What happened, for people who hear the page: put it where screen readers read it. */
  announce: (sentence: string) => void;
  settings: { reducedMotion: boolean };
};

/** Fills the stage and plays until `stop`. It can begin before anybody is linked, and alone. */
export function play(lobby: GameLobby, stage: HTMLElement, options: PlayOptions): Play {
  const game = new Game(lobby, stage, options);
  return { stop: () => game.stop(), stats: () => game.stats };
}

class Game {
  readonly #lobby: GameLobby;
  readonly #stage: HTMLElement;
  readonly #options: PlayOptions;
  readonly #flight: Flight;
  readonly #root: HTMLElement = element("div", "comets");
  readonly #canvas: HTMLCanvasElement = element("canvas", "comets-canvas");
  readonly #banner: HTMLElement = element("p", "comets-banner");
  readonly #scores = new Scores();
  readonly #painter: Painter;
  readonly #controls: Controls;
  readonly #sizes: ResizeObserver;
  readonly #ending = new AbortController();
  readonly #begunAt = performance.now();
  readonly #frames: number[] = [];
  /** By client id: those who have left are still named for a moment. */
  readonly #names = new Map<string, string>();
  readonly #cuts = new Map<string, number>();
  #view: View | null = null;
  #frame = 0;
  #firstPictureMs: number | null = null;
  #playingMs: number | null = null;
  #scoredAt = 0;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #bannerUntil = 0;
  #seen: { round: number; phase: string } | null = null;
  #hiding: ReturnType<typeof setTimeout> | undefined;

  constructor(lobby: GameLobby, stage: HTMLElement, options: PlayOptions) {
    this.#lobby = lobby;
    this.#stage = stage;
    this.#options = options;
    this.#flight = new Flight(lobby, options.selfId, { comesBack: options.comesBack });
    const boost = element("button", "comets-boost", "Boost");
    boost.type = "button";
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", "The arena, seen from above");
    this.#root.setAttribute("role", "group");
    this.#root.setAttribute("aria-label", "Comets, a game");
    this.#root.tabIndex = 0;
    this.#banner.setAttribute("aria-hidden", "true");
    const { list, clock, podium } = this.#scores;
    this.#root.append(this.#canvas, clock, list, this.#banner, podium, boost);
    stage.replaceChildren(this.#root);
    this.#painter = new Painter(this.#canvas, options.settings);
    this.#controls = new Controls(this.#canvas, boost, () => {
      const own = this.#view?.comets.find(({ isSelf }) => isSelf);
      return own ? this.#painter.onScreen(own.head) : null;
    });
    this.#sizes = new ResizeObserver(() => this.#resize());
    this.#sizes.observe(this.#canvas);
    const { signal } = this.#ending;
    document.addEventListener("visibilitychange", () => this.#hide(), { signal });
    this.#resize();
    this.#show(helpSentence(), helpMs);
    this.#draw();
  }

  get stats(): GameStats {
    const comets = (this.#flight.view()?.comets ?? []).map(({ id, head, stars, isGhost, isSelf }) => {
      return { id, x: head.x, y: head.y, stars, isGhost, isSelf };
    });
    const since = performance.now() - 1000;
    return {
      ...this.#flight.stats,
      firstPictureMs: this.#firstPictureMs,
      playingMs: this.#playingMs,
      framesPerSecond: this.#frames.filter((at) => at > since).length,
      comets,
      round: this.#view?.round ?? 0,
    };
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#hiding);
    this.#ending.abort();
    this.#sizes.disconnect();
    this.#controls.stop();
    this.#flight.stop();
    this.#stage.replaceChildren();
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#painter.resize(clientWidth, clientHeight, window.devicePixelRatio || 1);
  }

  #draw(): void {
    this.#frame = requestAnimationFrame(() => this.#draw());
    const now = performance.now();
    this.#flight.helm = this.#controls.helm;
    this.#flight.advance();
    const view = this.#flight.view();
    this.#view = view;
    if (now > this.#bannerUntil) this.#banner.classList.remove("comets-shown");
    if (!view) return;
    this.#painter.paint(view, (id) => this.#nameOf(id), now);
    this.#firstPictureMs ??= now - this.#begunAt;
    if (view.comets.some(({ isSelf }) => isSelf)) this.#playingMs ??= now - this.#begunAt;
    this.#frames.push(now);
    if (this.#frames.length > 240) this.#frames.splice(0, 120);
    if (now - this.#scoredAt < scoresMs) return;
    this.#scoredAt = now;
    this.#notice(view);
    this.#scores.show(view, (id) => this.#nameOf(id));
  }

  /** Tells of rounds and cuts. */
  #notice(view: View): void {
    const seen = this.#seen;
    this.#seen = { round: view.round, phase: view.phase };
    if (seen?.phase === "play" && view.phase === "podium") {
      const standings = standingsOf(view, (id) => this.#nameOf(id));
      this.#announce(winnerSentence(standings), true);
      this.#options.onEnd({ round: view.round, standings });
    } else if (seen && seen.round !== view.round) {
      this.#show(`Round ${view.round}`, bannerMs);
      this.#announce(`Round ${view.round} begins. The longest tail after 90 seconds wins.`, true);
    } else if (!seen) {
      this.#announce(
        "The game is on. Left and right steer, space boosts, stars make your tail longer. Fly through a tail to cut it.",
        true,
      );
    }
    // Ids come from other players: what is remembered of them stays little.
    if (this.#cuts.size > 64) this.#cuts.clear();
    for (const comet of view.comets) {
      const before = this.#cuts.get(comet.id);
      this.#cuts.set(comet.id, comet.cuts);
      const cutter = view.comets.find(({ slot }) => slot === comet.cutBy);
      if (before === undefined || before === comet.cuts || !cutter) continue;
      if (comet.isSelf) this.#tell(`${this.#nameOf(cutter.id)} cut your tail.`);
      else if (cutter.isSelf) this.#tell(`You cut the tail of ${this.#nameOf(comet.id)}.`);
      else this.#announce(`${this.#nameOf(cutter.id)} cut the tail of ${this.#nameOf(comet.id)}.`, false);
    }
  }

  #tell(sentence: string): void {
    this.#show(sentence, bannerMs);
    this.#announce(sentence, false);
  }

  #announce(sentence: string, isImportant: boolean): void {
    const now = performance.now();
    if (!isImportant && now - this.#announcedAt < sentenceMs) return;
    this.#announcedAt = now;
    this.#options.announce(sentence);
  }

  #show(sentence: string, forMs: number): void {
    this.#banner.textContent = sentence;
    this.#banner.classList.add("comets-shown");
    this.#bannerUntil = performance.now() + forMs;
  }

  #nameOf(id: string): string {
    const member = this.#lobby.members.find(({ clientId }) => clientId === id);
    if (member) {
      // A lobby that people come and go in names many in a long evening.
      if (this.#names.size > 64) this.#names.clear();
      this.#names.set(id, member.displayName);
    }
    return this.#names.get(id) ?? (id.startsWith("~") ? `Drone ${id.slice(1, 3)}` : "Player");
  }

  /** Browsers slow a page down that nobody sees. Its player should not be the one who moves the world. */
  #hide(): void {
    clearTimeout(this.#hiding);
    if (!document.hidden) return;
    // Nobody holds a key any more: it would turn for ever.
    this.#flight.helm = idleHelm;
    this.#hiding = setTimeout(() => {
      const { heir } = this.#flight;
      // Refused, the packets of the others keep this page going.
      if (document.hidden && this.#lobby.isHost && heir) this.#lobby.makeHost(heir).catch(() => {});
    }, hiddenMs);
  }
}

function helpSentence(): string {
  const isTouch = window.matchMedia("(pointer: coarse)").matches;
  const how = isTouch
    ? "Hold left or right to steer, or drag."
    : "Arrow keys or the mouse steer, space boosts.";
  return `${how} Collect stars, and cut tails by flying through them.`;
}
