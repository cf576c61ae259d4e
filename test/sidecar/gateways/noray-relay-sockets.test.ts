/** How many ports the players of one network may have for relays. */

import { afterEach, expect, test } from "vitest";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import { nowhere, type Own } from "../../../core/dialects/noray/own.ts";
import { readNoraySettings } from "../../../core/dialects/noray/settings.ts";
import { freeUdpPorts } from "../../../measure/kit/free-ports.ts";

import { newNorayCounts } from "../../../udp-sidecar/gateways/noray/counts.ts";
import { RelaySockets } from "../../../udp-sidecar/gateways/noray/relay-sockets.ts";

const { norayAddressRelays, norayWideRelays } = norayLimits;
const open: RelaySockets[] = [];
afterEach(() => {
  for (const sockets of open.splice(0)) sockets.close();
});

async function socketsWith(ports: number, own: Own = nowhere) {
  const { bounds, cleanupMs } = readNoraySettings({}).settings;
  const sockets = new RelaySockets({
    ...{ host: "127.0.0.1", ports: await freeUdpPorts(ports), bounds, cleanupMs },
    counts: newNorayCounts(),
    elapsed: () => 0,
    own,
  });
  open.push(sockets);
  return sockets;
}

/** Relays for so many players of one address, asked for in one moment. */
async function openAll(sockets: RelaySockets, ip: string, count: number) {
  const asked = Array.from({ length: count }, (_, i) => sockets.open({ ip, port: 1_000 + i }, ip));
  return (await Promise.all(asked)).filter((relay) => relay !== null);
}

test("one address has so many relays, whoever else has none, and may have one again when one is freed", async () => {
  const sockets = await socketsWith(norayAddressRelays + 10);
  const relays = await openAll(sockets, "192.0.2.1", norayAddressRelays + 5);
  expect([relays.length, sockets.size]).toEqual([norayAddressRelays, norayAddressRelays]);
  expect(await openAll(sockets, "198.51.100.2", 1)).toHaveLength(1);
  const [first] = relays;
  if (!first) throw new Error("no relay");
  // It counts where it was opened, wherever its player has moved.
  sockets.relays.moveOwner(first, { ip: "192.0.2.77", port: 1 }, 0);
  sockets.discard(first);
  sockets.discard(first);
  expect(await openAll(sockets, "192.0.2.1", 2)).toHaveLength(1);
});

test("relays count for the address of their player's TCP connection, whoever's name its datagrams come in", async () => {
  const sockets = await socketsWith(norayAddressRelays + 10);
  const [liar, neighbour] = ["192.0.2.7", "192.0.2.9"];
  let made = 0;
  for (let i = 0; i < norayAddressRelays + 5; i++) {
    const madeUp = { ip: i % 2 === 0 ? neighbour : `192.0.2.${100 + i}`, port: 1_000 + i };
    if (await sockets.open(madeUp, liar)) made += 1;
  }
  expect(made).toBe(norayAddressRelays);
  expect(await openAll(sockets, neighbour, 5)).toHaveLength(5);
});

test("a relay that could not be made counts for nobody", async () => {
  const sockets = await socketsWith(1);
  const [relay] = await openAll(sockets, "192.0.2.1", 1);
  if (!relay) throw new Error("no relay");
  for (let times = 0; times < 2 * norayAddressRelays; times++) {
    expect(await sockets.open({ ip: "198.51.100.2", port: 1 }, "198.51.100.2")).toBeNull();
  }
  sockets.discard(relay);
  expect(await openAll(sockets, "198.51.100.2", 1)).toHaveLength(1);
});

test("a /24 has so many relays, and other networks and this machine have theirs", async () => {
  const sockets = await socketsWith(norayWideRelays + 70);
  let made = 0;
  for (let i = 1; i <= 5; i++) made += (await openAll(sockets, `192.0.2.${i}`, norayAddressRelays)).length;
  expect(made).toBe(norayWideRelays);
  expect(await openAll(sockets, "198.51.100.2", 1)).toHaveLength(1);
  expect(await openAll(sockets, "127.0.0.1", norayAddressRelays + 1)).toHaveLength(norayAddressRelays + 1);
});

const here: Own = { isAddress: (ip) => ip === "127.0.0.1", isEndpoint: ({ port }) => port === 8_809 };

test("nobody has a relay from where the gateway itself listens", async () => {
  const sockets = await socketsWith(2, here);
  const [relay] = await openAll(sockets, "198.51.100.2", 1);
  if (!relay) throw new Error("no relay");
  const open = (ip: string, port: number) => sockets.open({ ip, port }, ip);
  expect([await open("127.0.0.1", relay.port), await open("127.0.0.1", 8_809)]).toEqual([null, null]);
  expect(await open("192.0.2.1", relay.port)).not.toBeNull();
  sockets.discard(relay);
  expect(sockets.own.isEndpoint({ ip: "127.0.0.1", port: relay.port })).toBe(false);
});

test("a port where a player of this machine was becomes no relay's", async () => {
  const sockets = await socketsWith(3, here);
  const [first] = await openAll(sockets, "198.51.100.2", 1);
  if (!first) throw new Error("no relay");
  sockets.discard(first);
  // It is taken again when the other two are.
  const player = { ip: "127.0.0.1", port: first.port };
  expect(await sockets.open(player, player.ip)).not.toBeNull();
  expect(await openAll(sockets, "198.51.100.2", 3)).toHaveLength(1);
});
