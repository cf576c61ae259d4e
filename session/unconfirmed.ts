/** Chat that has been said, and has not come back yet. */
import type { SessionProblem } from "./error.ts";
import { type SessionError, sessionError } from "./error.ts";

/** Milliseconds until a chat message that has not come back counts as lost. */
const chatMs = 10_000;

type Line = { text: string; resolve: () => void; reject: (error: SessionError) => void };

export class Unconfirmed {
  #lines: Line[] = [];

  /** Done when the text has come back. Throws `unanswered`, or why it was given up. */
  async add(text: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const back = new Promise<void>((resolve, reject) => {
      const line = { text, resolve, reject };
      this.#lines.push(line);
      timer = setTimeout(() => {
        this.#lines = this.#lines.filter((other) => other !== line);
        reject(sessionError("unanswered"));
      }, chatMs);
    });
    await back.finally(() => clearTimeout(timer));
  }

  /** The server keeps the order of a sender's messages. If a later one came back, it dropped those before. */
  confirm(text: string): void {
    const index = this.#lines.findIndex((line) => line.text === text);
    if (index < 0) return;
    for (const { reject } of this.#lines.splice(0, index)) reject(sessionError("too_many_messages"));
    this.#lines.shift()?.resolve();
  }

  /** None of them will come back. */
  giveUp(problem: SessionProblem): void {
    for (const { reject } of this.#lines.splice(0)) reject(sessionError(problem));
  }
}
