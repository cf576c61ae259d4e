/** What players of noray may send by a relay on which others send all they can. */
import { expect, test } from "vitest";
import { NorayTraffic, type NorayTrafficBounds, type Sender } from "../../../core/dialects/noray/traffic.ts";

const totalRate = 1024 * 1024;
const bounds: NorayTrafficBounds = {
  rate: totalRate / 8,
  networkRate: totalRate / 4,
  totalRate,
  lifetimeBytes: 1e12,
  lifetimeMs: 1e12,
};
const honest = "198.51.100.9";

/** Two players of each of these addresses, all of whom send all they may. */
function flood(traffic: NorayTraffic, addresses: readonly string[]): Sender[] {
  return addresses.flatMap((ip) => [traffic.newSender(ip, 0), traffic.newSender(ip, 0)]);
}

/** The part of an honest player's packets that pass, of 60 a second with 300 bytes, while the others flood for ten seconds. */
function passed(traffic: NorayTraffic, player: Sender, others: readonly Sender[]): number {
  let [sent, arrived, packets] = [0, 0, 0];
  for (let now = 0; now < 10_000; now += 4) {
    for (const other of others) {
      // Twice what one player may send.
      for (let bytes = 0; bytes < (bounds.rate * 8) / 1_000; bytes += 600) {
        if (traffic.spend(other, 600, now) === null) packets += 1;
      }
    }
    if (now % 16 !== 0) continue;
    sent += 1;
    if (traffic.spend(player, 300, now) === null) arrived += 1;
  }
  // The relay carries all it may, whoever sends it.
  if (others.length >= 16) expect(packets * 600).toBeGreaterThan(totalRate * 9);
  return arrived / sent;
}

test.each([
  ["four addresses of as many networks", Array.from({ length: 4 }, (_, i) => `203.0.${i}.7`)],
  ["eight addresses of as many networks", Array.from({ length: 8 }, (_, i) => `203.0.${i}.7`)],
  ["a whole /24", Array.from({ length: 128 }, (_, i) => `203.0.113.${i}`)],
  ["its own /24", Array.from({ length: 8 }, (_, i) => `198.51.100.${100 + i}`)],
  ["12 networks with four addresses each", Array.from({ length: 48 }, (_, i) => `203.0.${i >> 2}.${i & 3}`)],
])("an honest player's packets pass while %s send all they can", (_, addresses) => {
  const traffic = new NorayTraffic(bounds, 0);
  expect(passed(traffic, traffic.newSender(honest, 0), flood(traffic, addresses))).toBeGreaterThan(0.99);
});

test("all players of one address together may send a quarter of all", () => {
  const traffic = new NorayTraffic(bounds, 0);
  const [one, two] = [flood(traffic, ["203.0.113.1"]), flood(traffic, ["203.0.113.1"])];
  let bytes = 0;
  for (let now = 0; now < 10_000; now += 4) {
    for (const sender of [...one, ...two]) if (traffic.spend(sender, 600, now) === null) bytes += 600;
  }
  const most = bounds.networkRate * 12;
  expect(bytes).toBeGreaterThan(most * 0.98);
  expect(bytes).toBeLessThanOrEqual(most);
});

test("players of this machine itself are not counted by network", () => {
  const traffic = new NorayTraffic(bounds, 0);
  const others = flood(
    traffic,
    Array.from({ length: 16 }, (_, i) => `203.0.${i}.7`),
  );
  expect(passed(traffic, traffic.newSender("127.0.0.1", 0), others)).toBe(1);
  expect(traffic.networks).toBe(32);
});

test("networks without players are forgotten when they may send all they can again, and the wide ones with them", () => {
  const traffic = new NorayTraffic(bounds, 0);
  const [one, other] = [traffic.newSender("203.0.113.1", 0), traffic.newSender("203.0.113.2", 0)];
  expect(traffic.spend(one, 10_000, 0)).toBeNull();
  expect(traffic.networks).toBe(3);
  traffic.tick([], 1);
  expect(traffic.networks).toBe(2);
  expect(traffic.newSender("203.0.113.1", 1).network).toBe(one.network);
  traffic.tick([], 2_000);
  expect(traffic.networks).toBe(0);
  expect(traffic.newSender("203.0.113.2", 2_000).network).not.toBe(other.network);
  traffic.tick([other], 2_000);
  expect(traffic.networks).toBe(0);
});
