/** Sentences for screen readers alone. */
import { find } from "./element.ts";

/** Milliseconds between two: what is replaced too soon is not read. */
const pauseMs = 1_000;
/** Sentences that wait. Older ones are old news. */
const mostWaiting = 3;

let waiting: string[] = [];
let timer: ReturnType<typeof setInterval> | undefined;

export function announce(sentence: string): void {
  waiting = [...waiting, sentence].slice(-mostWaiting);
  if (timer !== undefined) return;
  say();
  timer = setInterval(say, pauseMs);
}

function say(): void {
  const sentence = waiting.shift();
  if (sentence === undefined) {
    clearInterval(timer);
    timer = undefined;
    return;
  }
  find("announcer", HTMLElement).textContent = sentence;
}
