/** Attacks on a relay over real UDP, by those who want to keep others off it. */
import { expect, onTestFinished, test, vi } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import { holderOf, relayStage, verified } from "../../measure/kit/relay.ts";
import { dataOf, keyOf, signedOf, ticketOf } from "../../measure/kit/secret.ts";
import { Checks } from "../../udp-sidecar/checks.ts";
import { listen } from "../../udp-sidecar/receiver.ts";
import type { Sidecar } from "../../udp-sidecar/sidecar.ts";

const { relay, client, linked } = relayStage();
const soon = { interval: 1 };
const hex = (link: number) => link.toString(16).padStart(12, "0");

test("a pair binds at once though one socket has bound one end of as many links as the relay carries", async () => {
  // Checks take no time by this clock: that a flood is left out is another matter (checks.test.ts).
  const checks = new Checks({ now: () => 0, idle: () => 0, random: () => 0 });
  const times = { clock: Date.now, elapsed: () => performance.now() };
  const options = { key: keyOf(), ports: { first: 0, second: 0 }, bind: "127.0.0.1", ...times, checks };
  const receiver = await listen(options, () => true);
  onTestFinished(receiver.close);
  const { counts } = receiver.relay;
  const relayPort = receiver.ports.first;
  const evil = await client();
  const theirs = (link: number) => ticketOf("a", { link: hex(link), lobby: "EVIL-", a: `Evil${link}` });
  const first = holderOf(evil, theirs(1), () => relayPort);
  await first.ask();
  const { cookie } = verified(first.key, await evil.next()).payload;
  const { relayLinks: links } = relayLimits;
  for (let link = 1; link <= links; link++) {
    const { ticket, key } = theirs(link);
    await evil.send(signedOf(key, "ptpRelay_bind", { ticket, nonce: "nonce-nonce", cookie }), relayPort);
    if (link % 50 === 0) await vi.waitFor(() => expect(counts.bound).toBe(link), soon);
  }
  expect(receiver.relay.count().links).toBe(links);
  const pair = [];
  for (const side of ["a", "b"] as const) {
    pair.push(holderOf(await client(), ticketOf(side, { link: hex(2 ** 40) }), () => relayPort));
  }
  const [ada, bob] = pair;
  expect(await ada?.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: false } });
  expect(await bob?.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
  await bob?.say("hello");
  await ada?.word();
  expect(await ada?.next()).toEqual(dataOf(hex(2 ** 40), "hello"));
  expect(receiver.relay.count().links).toBe(links);
});

/** Packets that the relay has dealt with. */
function dealtWith({ relayed: { packets, drops } }: Sidecar): number {
  return Object.values(drops).reduce((sum, count) => sum + count, packets);
}

test("a pair loses next to nothing to two lobbies that send six times what the relay carries", async () => {
  let now = 0;
  const bounds = { totalRate: 100_000, linkRate: 1_000_000, lobbyRate: 1_000_000 };
  const sidecar = await relay({ relay: bounds, elapsed: () => now });
  const honest = await linked(sidecar);
  const hostile = [];
  for (const lobby of ["EVIL1", "EVIL2"]) {
    hostile.push(
      await linked(sidecar, { link: hex(hostile.length + 1), lobby, a: `a${lobby}`, b: `b${lobby}` }),
    );
  }
  const heardBefore = honest.bob.heard.length;
  const [packet, flood] = [Buffer.alloc(93), Buffer.alloc(993)];
  const steps = 400;
  for (let step = 0; step < steps; step++) {
    const before = dealtWith(sidecar);
    for (const { ada } of hostile) for (let i = 0; i < 3; i++) await ada.say(flood);
    await honest.ada.say(packet);
    await vi.waitFor(() => expect(dealtWith(sidecar)).toBe(before + 7), soon);
    now += 10;
  }
  // The flood was one: most of it was dropped.
  const { lobby_rate, total_rate } = sidecar.relayed.drops;
  expect(lobby_rate + total_rate).toBeGreaterThan(steps * 6 * 0.7);
  const heard = () => honest.bob.heard.slice(heardBefore).filter((bytes) => bytes[0] === 0xea).length;
  await vi.waitFor(() => expect(heard()).toBeGreaterThanOrEqual(0.99 * steps), soon);
});
