/** One way that is known to cause work at Cloudflare. */
import type { Books } from "./books.ts";

/** The attacker's address. */
export const attacker = { "cf-connecting-ip": "203.0.113.66" };

export type Scene = { server: URL; books: Books };
export type Means = {
  name: string;
  /** Whether each client of the plain path has a lounge of its own, which costs most. */
  apart?: boolean;
  /** Prepares with the books closed, then opens them, and does so many acts. */
  run(scene: Scene): Promise<number>;
};

export async function times(count: number, act: (index: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < count; i++) await act(i);
  return count;
}
