import { expect, test } from "vitest";
import { withBooks } from "../../measure/bench/cost/cost.ts";
import { eveningTally } from "../../measure/bench/cost/evening.ts";
import { billFor, dollarsPerMillion } from "../../measure/bench/cost/prices.ts";
import { usageOf } from "../../measure/bench/cost/tally.ts";
import { stayingLobby } from "../../measure/kit/staying.ts";

test("an hour of a lobby in which people stay costs what it did", async () => {
  for (const snapshots of [false, true]) {
    const usage = usageOf(await eveningTally({ snapshots }), 1);
    const dollars = dollarsPerMillion(usage);
    console.log(
      `snapshots: ${snapshots}`,
      JSON.stringify(usage),
      dollars.toFixed(2),
      JSON.stringify(billFor(usage)),
    );
    expect(dollars).toBeLessThan(snapshots ? 400 : 120);
  }
}, 300_000);

test("a chat line writes no row, makes no call and waits for nothing, in a lobby in which people stay", async () => {
  const tally = await withBooks({ apart: false }, async (server, books, holders) => {
    const { lobbyId, all } = await stayingLobby(server, 4);
    holders.add(lobbyId);
    await books.reset();
    for (let line = 0; line < 20; line++) {
      all[line % 4]?.chat(lobbyId, `Line ${line}`);
      await Promise.all(all.map((player) => player.hearsChat(`Line ${line}`)));
    }
    return await books.read();
  });
  const { Lobby } = tally.objects;
  expect({ calls: tally.calls, rows: Lobby?.rowsWritten, messages: Lobby?.messages }).toEqual({
    calls: {},
    rows: 0,
    messages: 20,
  });
  // Nothing is waited for: all four hear each line in the turn in which it came.
  expect(Lobby?.framesAtOnce).toBe(20 * 4);
});
