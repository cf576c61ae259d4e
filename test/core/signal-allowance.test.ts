/** How many signals pass in a lobby, whatever its members do. */
import { expect, test } from "vitest";
import type { LobbyState } from "../../core/lobby/state.ts";
import { lobbyOf } from "./a-lobby.ts";

/** The Worker's half as it is used here. It is imported by address because its types are those of Workers. */
type Signal = { from: string; to: string; data: unknown };
type Allowance = { allows(lobby: LobbyState, signal: Signal, now: number): boolean };
const { SignalAllowance }: { SignalAllowance: new () => Allowance } = await import(
  new URL("../../worker/objects/signal-allowance.ts", import.meta.url).href
);

const names = ["Ann", ...Array.from({ length: 15 }, (_, i) => `Guest ${i}`)] as [string, ...string[]];
const { state } = lobbyOf(names);
if (!state) throw new Error("there is no lobby");
const lobby = state;

/** How many signals Ann gets in a second, when all others send her ten. `before`: what each says before each of them. */
function heardBy(allowance: Allowance, seconds: number, before: (from: string, at: number) => void): number {
  let heard = 0;
  for (let at = 0; at < seconds * 1_000; at += 100) {
    for (const from of names.slice(1)) {
      before(from, at);
      if (allowance.allows(lobby, { from, to: "Ann", data: 1 }, at)) heard += 1;
    }
  }
  return heard;
}

test("a member hears no more when the others also signal to members that there are not", () => {
  const seconds = 60;
  const honest = heardBy(new SignalAllowance(), seconds, () => {});
  const hostile = new SignalAllowance();
  let made = 0;
  const heard = heardBy(hostile, seconds, (from, at) => {
    hostile.allows(lobby, { from, to: `nobody ${made++}`, data: 1 }, at);
  });
  expect(honest).toBeLessThan(names.length * (32 + 2 * seconds) + names.length);
  expect(heard).toBeLessThanOrEqual(honest);
});
