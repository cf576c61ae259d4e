/** Tickets for the relay are renewed over the WebSocket of the session that holds them, and end with it. */
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import { parseTicket } from "../../core/relay/ticket.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { holderOf, openUdpClient } from "../../measure/kit/relay.ts";
import { secret, ticketKeyOf, ticketOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

type Held = { ticket: string; key: string };
let server: Server;
beforeAll(async () => {
  server = await startTestServer({ secret });
});
afterAll(() => server.stop());

/** Two players that were introduced to each other, and what each has for the relay. */
async function introducedPair(path: "direct" | "plain" = "direct", features?: readonly string[]) {
  const direct = path === "direct";
  const { host, guests, lobbyId } = await lobbyOf(2, server.url, { direct, features });
  const [guest = host] = guests;
  for (const player of [host, guest]) player.answersOverUdp = false;
  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of [host, guest]) {
    const { port } = await player.hears("ptpMediation_send");
    const shown = { token: player.token, candidates: [{ ip: "192.168.7.7", port: 7_777 }] };
    player.sendDatagram(Number(port), encode("ptpMediation_connect", shown));
  }
  const held = async (player: Player): Promise<Held & { lifeMs: number }> => {
    const { peers } = await player.hears("ptpMediation_peersConnection_start");
    return (peers as { relay: Held & { lifeMs: number } }[])[0]?.relay ?? { ticket: "", key: "", lifeMs: 0 };
  };
  return { lobbyId, host, guest, hosts: await held(host), guests: await held(guest) };
}

/** A ticket of a client, as the lobby would draw it up. */
function drawnUp(player: Player, about: Parameters<typeof ticketOf>[1] = {}): Held {
  return ticketOf("a", { a: player.clientId, ...about }, { now: Date.now() });
}

async function renewed(player: Player, tickets: Held[]): Promise<Held[]> {
  player.say("ptpRelay_renew", { tickets });
  const { tickets: answer, lifeMs } = await player.hearsNext("ptpRelay_renewed");
  expect(lifeMs).toBe(relayLimits.relayTicketMs);
  return answer as Held[];
}

for (const path of ["direct", "plain"] as const) {
  test(`a player of the ${path} path gets a later ticket for the same link, also when its lobby is over`, async () => {
    const { host, guest, hosts } = await introducedPair(path);
    expect(hosts.lifeMs).toBe(relayLimits.relayTicketMs);
    const before = parseTicket(hosts.ticket);
    const [first = hosts] = await renewed(host, [hosts]);
    expect(parseTicket(first.ticket)).toEqual({ ...before, expiresAt: expect.any(Number) });
    expect(first.key).toBe(ticketKeyOf(first.ticket, { sidecar: "local" }));
    for (const player of [host, guest]) player.reportsSuccess();
    await host.hears("lobby_closed");
    const asked = Date.now();
    const [second = first] = await renewed(host, [first]);
    const { expiresAt = 0 } = parseTicket(second.ticket) ?? {};
    expect(expiresAt).toBeGreaterThanOrEqual(asked + relayLimits.relayTicketMs - 1_000);
    expect(expiresAt).toBeGreaterThanOrEqual(before?.expiresAt ?? 0);
  });
}

test("with its new ticket a player goes on on the relay, and the other end hears nothing of it", async () => {
  const { host, guest, hosts, guests } = await introducedPair();
  const [ada, bob] = [await openUdpClient(), await openUdpClient()];
  onTestFinished(() => [ada, bob].map((client) => client.close()) && undefined);
  const port = () => server.sidecar?.port ?? 0;
  const [mine, theirs] = [holderOf(ada, hosts, port), holderOf(bob, guests, port)];
  await mine.bind();
  await theirs.bind();
  await mine.word();
  const heardBefore = bob.heard.length;
  // A ticket has whole seconds: from the next one on, a new one is another.
  await pass(1_000);
  const [later = hosts] = await renewed(host, [hosts]);
  expect(later.ticket).not.toBe(hosts.ticket);
  expect(await holderOf(ada, later, port).bind()).toMatchObject({ payload: { peer: true } });
  await holderOf(ada, later, port).say("still here");
  expect((await bob.next()).subarray(7).toString()).toBe("still here");
  expect(bob.heard).toHaveLength(heardBefore + 1);
  await guest.leave();
});

test("nobody gets one for another's, a forged, or an old ticket; what is right in the same message is renewed", async () => {
  const { host, guest, hosts, guests } = await introducedPair();
  const over = { lifeMs: -relayLimits.relayRenewGraceMs - 1_000 };
  const wrong = [
    guests,
    { ...hosts, key: guests.key },
    { ...hosts, key: "" },
    { ...hosts, ticket: hosts.ticket.replace(/^./, (digit) => (digit === "a" ? "b" : "a")) },
    ticketOf("a", { a: host.clientId }, { under: "another secret, as long" }),
    drawnUp(host, over),
    drawnUp(host, { begunAt: Date.now() - relayLimits.relayLinkMs }),
    { ticket: "no ticket", key: "" },
  ];
  const late = drawnUp(host, { link: "00000000000c", lifeMs: -relayLimits.relayRenewGraceMs / 2 });
  const renewedOnes = await renewed(host, [...wrong, late, hosts]);
  expect(renewedOnes.map(({ ticket }) => parseTicket(ticket)?.link)).toEqual([
    "00000000000c",
    hosts.ticket.slice(0, 12),
  ]);
  expect(await renewed(guest, [hosts])).toEqual([]);
});

test("a player that was removed gets none for that lobby, until it is let in again", async () => {
  const { lobbyId, host, guest, guests } = await introducedPair("direct", ["links"]);
  expect(await renewed(guest, [guests])).toHaveLength(1);
  await host.post(`/lobbies/${lobbyId}/kick`, { clientId: guest.clientId });
  await guest.hears("lobby_kicked");
  expect(await renewed(guest, [guests])).toEqual([]);
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  expect(await renewed(guest, [guests])).toHaveLength(1);
});

test("a ticket ends with its session: no other connection renews it", async () => {
  const { host, hosts } = await introducedPair();
  await host.leave();
  const again = await Player.connect(server.url);
  onTestFinished(() => again.leave());
  expect(await renewed(again, [hosts])).toEqual([]);
});

test("a host's tickets of a full lobby are renewed in two messages, and more than those in one are not read", async () => {
  const player = await Player.connect(server.url);
  onTestFinished(() => player.leave());
  const tickets = Array.from({ length: wireLimits.seats }, (_, i) =>
    drawnUp(player, { link: i.toString(16).padStart(12, "0"), sidecar: "x".repeat(20) }),
  );
  player.say("ptpRelay_renew", { tickets });
  player.say("ptpRelay_renew", { tickets: [{ ticket: "x".repeat(200), key: "" }] });
  expect(await renewed(player, tickets.slice(0, 32))).toHaveLength(32);
  expect(await renewed(player, tickets.slice(32))).toHaveLength(32);
});

test("a client that asks without end is answered some times, and then now and again", async () => {
  const player = await Player.connect(server.url);
  onTestFinished(() => player.leave());
  const ticket = drawnUp(player);
  for (let i = 0; i < holderLimits.renewBurst + 20; i++) player.say("ptpRelay_renew", { tickets: [ticket] });
  await player.settled();
  await player.settled();
  expect(player.all("ptpRelay_renewed")).toHaveLength(holderLimits.renewBurst);
});
