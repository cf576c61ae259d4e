import { expect } from "vitest";
import type { Answer } from "./player.ts";

/** A request was refused in the way players are told of it: the status, each reason's code, and a sentence for each. */
export function expectRefused(answer: Answer, status: number, ...codes: string[]): void {
  expect({ status: answer.status, codes: answer.body?.codes }).toEqual({ status, codes });
  expect(answer.body).toEqual({ codes, errors: codes.map(() => expect.stringMatching(/^\w.+\.$/)) });
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
}
