import { expect, test } from "vitest";
import { mayChat, newChatAllowance, weightOf } from "../../core/chat-allowance.ts";
import { sharedLimits } from "../../core/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";

const { chatBurst, chatDeliveriesPerSecond, chatDeliveryBurst, framesPerSecond } = sharedLimits;
const { seats } = wireLimits;
const noon = Date.UTC(2030, 0, 1, 12);

/** Deliveries in so many seconds, by sender, where each says so many messages a second, evenly. */
function talk(members: number, rates: readonly number[], seconds: number): number[] {
  const allowance = newChatAllowance(noon);
  const delivered = rates.map(() => 0);
  for (let ms = 0; ms < seconds * 1000; ms += 10) {
    rates.forEach((rate, sender) => {
      const due = Math.floor(((ms + 10) * rate) / 1000) - Math.floor((ms * rate) / 1000);
      for (let i = 0; i < due; i++) {
        if (mayChat(allowance, `${sender}`, members, noon + ms))
          delivered[sender] = (delivered[sender] ?? 0) + members;
      }
    });
  }
  return delivered;
}
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

test("in a small lobby all may talk as fast as their sockets may", () => {
  for (const members of [2, 3]) {
    const rates = Array<number>(members).fill(framesPerSecond);
    expect(talk(members, rates, 60)).toEqual(rates.map((rate) => rate * 60 * members));
  }
});

test("everybody in a full lobby may say a line in five seconds, for as long as they like", () => {
  const rates = Array<number>(seats).fill(0.2);
  expect(talk(seats, rates, 300)).toEqual(rates.map((rate) => rate * 300 * seats));
});

test("a host may say one thing to each other member of a full lobby at once", () => {
  const allowance = newChatAllowance(noon);
  const said = Array.from({ length: seats - 1 }, () => mayChat(allowance, "host", seats, noon));
  expect(said).not.toContain(false);
});

test("however many flood, a lobby delivers no more than its rate", () => {
  for (const flooding of [1, 16, 64]) {
    const rates = Array<number>(flooding).fill(framesPerSecond);
    const most = chatDeliveryBurst + 60 * chatDeliveriesPerSecond;
    expect(sum(talk(seats, rates, 60))).toBeLessThanOrEqual(most);
  }
});

test("one that floods has its burst and its share, and no more", () => {
  const [delivered = 0] = talk(seats, [framesPerSecond], 60);
  expect(delivered / seats).toBeLessThan(chatBurst + (60 * chatDeliveriesPerSecond) / seats ** 2 + 1);
});

test("those who flood do not silence the others", () => {
  const modest = Array<number>(8).fill(0.2);
  const flooding = Array<number>(16).fill(framesPerSecond);
  const delivered = talk(seats, [...flooding, ...modest], 300);
  expect(delivered.slice(16)).toEqual(modest.map((rate) => rate * 300 * seats));
});

test("those who begin to flood all at once leave room for a word of everybody else", () => {
  const allowance = newChatAllowance(noon);
  for (let message = 0; message < 2 * chatBurst; message++) {
    for (let flooder = 0; flooder < 16; flooder++) mayChat(allowance, `flooder ${flooder}`, seats, noon);
  }
  const heard = Array.from({ length: 20 }, (_, i) => mayChat(allowance, `other ${i}`, seats, noon));
  expect(heard).not.toContain(false);
});

test("a message that is long as it is sent counts as often as it is longer than one of plain letters", () => {
  const weights = ["hi", "x".repeat(250), "😀".repeat(100), "\u0001".repeat(250)].map(weightOf);
  expect(weights).toEqual([1, 1, 1.6, 6]);
  const heavy = newChatAllowance(noon);
  let said = 0;
  while (mayChat(heavy, "Ada", 4, noon, { weight: 6 })) said += 1;
  const light = newChatAllowance(noon);
  while (mayChat(light, "Ada", 4, noon)) said -= 1 / 6;
  expect(Math.abs(said)).toBeLessThan(1);
});

test("what is remembered of senders is bounded, whoever comes and goes", () => {
  const allowance = newChatAllowance(noon);
  for (let i = 0; i < 10_000; i++) mayChat(allowance, `client ${i}`, 2, noon + i * 100);
  expect(allowance.bySender.size).toBeLessThanOrEqual(2 * seats);
});
