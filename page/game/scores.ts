/** What of the game is text: scores, the clock, and who has won. A real list, for those who do not see the canvas. */
import { element, markElement, nameElement } from "./elements.ts";
import type { Sight, View } from "./flight.ts";
import { colourOf, markOf } from "./palette.ts";

export type Standing = {
  id: string;
  name: string;
  /** How many stars its tail has. */
  stars: number;
  place: number;
  isSelf: boolean;
  isDrone: boolean;
};

/** Everybody, the longest tail first. Equal tails share a place. */
export function standingsOf(
  { comets }: View,
  nameOf: (id: string) => string,
): (Standing & { slot: number })[] {
  const sorted = [...comets].sort(
    (one, other) =>
      other.stars - one.stars || Number(one.isDrone) - Number(other.isDrone) || one.slot - other.slot,
  );
  return sorted.map(({ id, slot, stars, isSelf, isDrone }) => {
    const place = sorted.findIndex((comet) => comet.stars === stars) + 1;
    return { id, slot, name: nameOf(id), stars, place, isSelf, isDrone };
  });
}

export class Scores {
  readonly list: HTMLOListElement = element("ol", "comets-scores");
  readonly clock: HTMLElement = element("p", "comets-clock");
  readonly podium: HTMLElement = element("section", "comets-podium");
  #shown = "";
  #shownPodium = "";
  #shownSeconds = -1;

  constructor() {
    this.list.setAttribute("aria-label", "Stars in each tail");
    this.clock.setAttribute("role", "timer");
    this.clock.setAttribute("aria-label", "Time left in this round");
    this.podium.setAttribute("aria-label", "Result of the round");
    this.podium.hidden = true;
  }

  show(view: View, nameOf: (id: string) => string): void {
    const standings = standingsOf(view, nameOf);
    const seconds = Math.ceil(view.leftMs / 1000);
    if (seconds !== this.#shownSeconds) {
      this.#shownSeconds = seconds;
      const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      this.clock.textContent = view.phase === "play" ? text : "";
      this.clock.classList.toggle("comets-hurry", view.phase === "play" && seconds <= 10);
      this.#countDown(seconds);
    }
    const shown = JSON.stringify([standings, view.comets.map(({ isGhost }) => isGhost)]);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.list.replaceChildren(...standings.map((standing) => this.#row(standing, view.comets)));
    }
    this.#showPodium(view, standings);
  }

  #row(standing: Standing & { slot: number }, comets: readonly Sight[]): HTMLLIElement {
    const row = element("li", standing.isSelf ? "comets-self" : "");
    const isAway = comets.find(({ id }) => id === standing.id)?.isGhost ?? false;
    row.append(markElement(markOf(standing.slot), colourOf(standing.slot)), nameElement(standing.name));
    if (isAway) row.append(element("span", "comets-away", "away"));
    const stars = element("span", "comets-stars", String(standing.stars));
    row.append(stars);
    return row;
  }

  #showPodium({ phase, round }: View, standings: readonly (Standing & { slot: number })[]): void {
    this.podium.hidden = phase !== "podium";
    const shown = phase === "podium" ? JSON.stringify([round, standings]) : "";
    if (shown === this.#shownPodium) return;
    this.#shownPodium = shown;
    if (shown === "") {
      this.podium.replaceChildren();
      return;
    }
    const steps = element("ol", "comets-steps");
    for (const standing of standings.slice(0, 3)) {
      const step = element("li", `comets-step comets-step-${standing.place}`);
      step.append(markElement(markOf(standing.slot), colourOf(standing.slot)));
      step.append(nameElement(standing.name), element("span", "comets-stars", String(standing.stars)));
      steps.append(step);
    }
    const next = element("p", "comets-next");
    this.podium.replaceChildren(element("h3", "", winnerSentence(standings)), steps, next);
    this.#countDown(this.#shownSeconds);
  }

  #countDown(seconds: number): void {
    const next = this.podium.querySelector(".comets-next");
    if (next) next.textContent = `Next round in ${seconds} s`;
  }
}

/** Who has won, in one sentence. */
export function winnerSentence(standings: readonly Standing[]): string {
  const winners = standings.filter(({ place, stars }) => place === 1 && stars > 0);
  const [winner, second] = winners;
  if (!winner) return "Nobody has a tail this time.";
  if (second) return `A draw: ${winners.length} tails of ${winner.stars} stars.`;
  return winner.isSelf ? "You win this round!" : `${winner.name} wins this round!`;
}
