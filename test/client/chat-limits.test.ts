/** Chat beyond what the server takes: the player is told at once, and stays connected. */
import { setImmediate as immediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { handmadeServer } from "./handmade-server.ts";
import { next, record } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

/**
 * Says all these at once. What became of each: `said`, or the code of the error. `late`: how many were still unknown when a later one
 * had come back.
 */
async function sayAll(lobby: Lobby, texts: readonly string[]) {
  const known = new Set<number>();
  const late = new Set<number>();
  const outcomes = await Promise.all(
    texts.map(async (text, index) => {
      const outcome = await lobby.chat(text).then(
        () => "said",
        (error: { code: string }) => error.code,
      );
      known.add(index);
      if (outcome === "said") {
        await immediate();
        for (let before = 0; before < index; before++) if (!known.has(before)) late.add(before);
      }
      return outcome;
    }),
  );
  return { outcomes, late: late.size };
}

function count(outcomes: readonly string[], outcome: string): number {
  return outcomes.filter((other) => other === outcome).length;
}

const texts = (count: number) => Array.from({ length: count }, (_, i) => `message ${i}`);

test("a player who chats too fast is told so at once, and all the rest is said", async () => {
  await using ada = await orion.host({ name: "Ada", maxMembers: 20 });
  const others = await Promise.all(
    Array.from({ length: 19 }, async (_, i) => {
      return await (await connect(server.url)).join(ada.code, { name: `Guest ${i}` });
    }),
  );
  const [bo] = others;
  if (!bo) throw new Error("no guest");
  await vi.waitFor(() => expect(ada.members).toHaveLength(20));
  const heard = record(bo, "chat");
  const { outcomes, late } = await sayAll(ada, texts(200));
  const said = count(outcomes, "said");
  expect(said).toBeGreaterThanOrEqual(64);
  expect(said + count(outcomes, "too_many_messages")).toBe(200);
  expect(outcomes.slice(0, 64)).toEqual(Array(64).fill("said"));
  expect(late).toBe(0);
  // Another member is not silenced.
  await bo.chat("end");
  expect(heard.map(([, { from }]) => from)).toEqual([...Array(said).fill("Ada"), "Guest 0"]);
  await Promise.all(others.map((other) => other.leave()));
});

test("a player alone who floods the chat is not thrown out by the server", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const closed = record(ada, "closed");
  const said: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { outcomes } = await sayAll(ada, texts(1_000));
    said.push(count(outcomes, "said"));
    expect(count(outcomes, "said") + count(outcomes, "too_many_messages")).toBe(1_000);
  }
  expect(said[0]).toBeGreaterThanOrEqual(100);
  expect(closed).toEqual([]);
  // What the SDK itself has to say still gets through: the lobby can be left and joined as before.
  await using bo = await orion.join(ada.code, { name: "Bo" });
  const heard = next(ada, "chat");
  await bo.chat("Hello");
  expect(await heard).toMatchObject({ from: "Bo", text: "Hello" });
});

test("a message that the server has dropped is known as lost as soon as a later one comes back", async () => {
  const { url, said, send } = await handmadeServer();
  await using bo = await (await connect(url)).join("AAAAA", { name: "Bo" });
  const all = sayAll(bo, ["one", "two"]);
  await vi.waitFor(() => expect(said).toHaveLength(2));
  const message = { timestamp: 1, senderName: "Bo", message: "two" };
  send("lobby_messaging_received", { lobbyId: "AAAAA", message });
  expect(await all).toEqual({ outcomes: ["too_many_messages", "said"], late: 0 });
});

test("half an emoji, as a text field that cuts after so many units leaves it, is said without it", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const heard = next(ada, "chat");
  await ada.chat(`${"a".repeat(249)}\ud83c`);
  expect(await heard).toMatchObject({ text: `${"a".repeat(249)}\ufffd` });
  const whole = next(ada, "chat");
  await ada.chat("dice 🎲");
  expect(await whole).toMatchObject({ text: "dice 🎲" });
});
