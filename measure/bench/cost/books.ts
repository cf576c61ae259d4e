/** The counting Worker's end of the line (`counting-worker.ts`). */
import { setTimeout as wait } from "node:timers/promises";
import { apartMs } from "./assumed.ts";
import type { Tally } from "./tally.ts";

export class Books {
  readonly #server: URL;
  readonly #sleep: () => Promise<void>;

  /** `sleep` puts all objects to sleep that hold sockets, as the platform does when nothing happens to them. */
  constructor(server: URL, sleep: () => Promise<void>) {
    this.#server = server;
    this.#sleep = sleep;
  }

  async reset(): Promise<void> {
    await this.#get("/cost/reset");
  }

  /** Lets minutes pass in moments, with every alarm at its time. All objects sleep until something happens to them. */
  async later(minutes: number): Promise<void> {
    for (let leftMs = minutes * 60_000; leftMs > 0; ) {
      // What has just been started ends first.
      await wait(apartMs);
      await this.#sleep();
      leftMs = Number(await this.#get(`/cost/later?ms=${leftMs}`));
    }
  }

  async read(): Promise<Tally> {
    return JSON.parse(await this.#get("/cost/tally"));
  }

  /** What was taken out of networks' budgets, in millionths of a dollar. */
  async charged(): Promise<number> {
    return Number(await this.#get("/cost/charged"));
  }

  async #get(path: string): Promise<string> {
    return await (await fetch(new URL(path, this.#server))).text();
  }
}
