/** Hosts of noray who are made known at the edge: how often, and who waits. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { AdmissionLimits } from "../../../core/dialects/limits.ts";
import { IntroductionBudget } from "../../../core/dialects/noray/introduction-budget.ts";
import { Registrations } from "../../../core/dialects/noray/registrations.ts";
import type { EdgeSessions } from "../../../udp-sidecar/gateways/edge-sessions.ts";
import { Announcements } from "../../../udp-sidecar/gateways/noray/announcements.ts";
import type { Bridges } from "../../../udp-sidecar/gateways/noray/bridges.ts";
import type { Connection } from "../../../udp-sidecar/gateways/noray/connections.ts";
import { newNorayCounts } from "../../../udp-sidecar/gateways/noray/counts.ts";
import type { Player } from "../../../udp-sidecar/gateways/noray/introductions.ts";

const many = { addressSessions: 2, wideSessions: 20, sessions: 2_000, addressDatagramsPerSecond: 5 };

/** Announcements at an edge where every attempt goes on until the player leaves. */
function announcementsAt(admission: AdmissionLimits = many, elapsed = () => performance.now()) {
  /** Addresses for which a session was asked for. */
  const asked: string[] = [];
  /** Reads of a player's address. */
  const reads = { count: 0 };
  const registrations = new Registrations<Connection>();
  const host: EdgeSessions["host"] = (address, _code, _wish, patience) => {
    asked.push(address);
    return new Promise((_, reject) => patience?.signal?.addEventListener("abort", reject));
  };
  const counts = newNorayCounts();
  const sessions = { host } as EdgeSessions;
  const own = { bridges: {} as Bridges, budget: new IntroductionBudget() };
  const announcements = new Announcements({ sessions, ...own, admission, counts, elapsed });
  onTestFinished(() => announcements.stop());
  const player = (address: string): Player => {
    const owner = {
      get address() {
        reads.count += 1;
        return address;
      },
    } as Connection;
    const id = `${registrations.size}`.padStart(21, "0");
    const made = registrations.register(owner, () => ({ oid: id, pid: id }), 0);
    if (!made) throw new Error("the id is taken");
    return made;
  };
  return { announcements, asked, counts, player, reads };
}

test("an address is announced four times at once, and then once in two seconds", async () => {
  // Time stands still at first: a busy machine may take two seconds for these.
  let goesOnAt = Number.POSITIVE_INFINITY;
  const elapsed = () => Math.max(0, performance.now() - goesOnAt);
  const { announcements, asked, player } = announcementsAt(many, elapsed);
  for (let i = 0; i < 50; i++) {
    const one = player("203.0.113.7");
    announcements.announce(one);
    await new Promise(setImmediate);
    announcements.withdraw(one);
  }
  announcements.announce(player("198.51.100.9"));
  await new Promise(setImmediate);
  expect(asked).toEqual([...Array(4).fill("203.0.113.7"), "198.51.100.9"]);
  goesOnAt = performance.now();
  // Those who left before their turn have not used it: else 46 turns would be waited for.
  announcements.announce(player("203.0.113.7"));
  await vi.waitFor(() => expect(asked).toHaveLength(6));
});

const ann = "203.0.113.7";
const [neighbour, other, stranger] = ["203.0.113.8", "203.0.113.9", "198.51.100.9"];

test("who leaves makes room for one who waits for it: of its address, its network or the gateway", async () => {
  const { announcements, asked, counts, player } = announcementsAt({
    ...many,
    ...{ wideSessions: 3, sessions: 5 },
  });
  // Two of Ann's and one of her neighbour's fill the network, and two strangers the gateway.
  const first = [ann, ann, neighbour, stranger, "192.0.2.1"].map(player);
  const waiting = [ann, other, "192.0.2.2"].map(player);
  for (const one of [...first, ...waiting]) announcements.announce(one);
  await new Promise(setImmediate);
  expect(asked).toEqual([ann, ann, neighbour, stranger, "192.0.2.1"]);
  expect(counts.drops).toMatchObject({ edge_address_full: 1, edge_network_full: 1, edge_gateway_full: 1 });
  const entered = async (leaves: Player | undefined) => {
    const before = asked.length;
    if (leaves) announcements.withdraw(leaves);
    await new Promise(setImmediate);
    return asked.slice(before);
  };
  expect(await entered(first[0])).toEqual([ann]);
  expect(await entered(first[1])).toEqual([other]);
  expect(await entered(first[3])).toEqual(["192.0.2.2"]);
  expect(await entered(first[4])).toEqual([]);
});

test("one who waited for its network, whose address is full by then, waits for that", async () => {
  const { announcements, asked, player } = announcementsAt({ ...many, addressSessions: 1, wideSessions: 2 });
  const [first, second, third, fourth] = [ann, neighbour, other, other].map(player) as [
    Player,
    Player,
    Player,
    Player,
  ];
  for (const one of [first, second, third, fourth]) announcements.announce(one);
  announcements.withdraw(first);
  announcements.withdraw(second);
  await new Promise(setImmediate);
  expect(asked).toEqual([other]);
  announcements.withdraw(third);
  await new Promise(setImmediate);
  expect(asked).toEqual([other, other]);
});

test("who leaves looks at nobody who waits for others", () => {
  const { announcements, player, reads } = announcementsAt();
  const crowd = Array.from({ length: 1_000 }, () => player(ann));
  const lone = player(stranger);
  for (const one of [...crowd, lone]) announcements.announce(one);
  reads.count = 0;
  announcements.withdraw(lone);
  expect(reads.count).toBeLessThan(10);
  announcements.withdraw(crowd[0] as Player);
  expect(reads.count).toBeLessThan(20);
});
