/** Strangers at the relay, over real UDP: what is no packet of the link's own ends goes nowhere, and what is not proved gets nothing. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { wireLimits } from "../../core/wire/limits.ts";
import { relayStage, verified } from "../../measure/kit/relay.ts";
import { dataOf, passOf, signedOf, ticketOf } from "../../measure/kit/secret.ts";

const { relay, client, holder, linked, dropped } = relayStage();
const soon = { interval: 1 };

describe("a packet is dropped and counted, and nobody hears of it,", () => {
  test("from an address that is not the link's", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    const stranger = await client();
    await stranger.send(dataOf(ada.link, "let me in"), sidecar.port);
    await dropped(sidecar, "foreign_sender");
    expect([ada.heard.length, bob.heard.length, stranger.heard.length]).toEqual([3, 2, 0]);
  });

  test("of a link that is not known", async () => {
    const sidecar = await relay();
    const { ada } = await linked(sidecar);
    await ada.send(dataOf("ba9876543210", "hello?"), sidecar.port);
    await dropped(sidecar, "unknown_link");
  });

  test("while the other end is not bound", async () => {
    const sidecar = await relay();
    const ada = await holder(sidecar, ticketOf("a"));
    await ada.bind();
    await ada.say("Bob?");
    await dropped(sidecar, "unbound");
  });

  test("that is longer than a game's may be; one as long as it may be passes", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    await ada.say(Buffer.alloc(wireLimits.gamePacketBytes + 1));
    await dropped(sidecar, "too_long");
    await ada.say(Buffer.alloc(wireLimits.gamePacketBytes, 7));
    expect(await bob.next()).toEqual(dataOf(ada.link, Buffer.alloc(wireLimits.gamePacketBytes, 7)));
  });

  test("at the second port, which relays nothing and binds nobody", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    await ada.send(dataOf(ada.link, "wrong door"), sidecar.secondPort);
    const { ticket, key } = ticketOf("a");
    await ada.send(signedOf(key, "ptpRelay_bind", { ticket, nonce: "nonce-nonce" }), sidecar.secondPort);
    await vi.waitFor(() => expect(sidecar.counts.junk).toBe(2), soon);
    expect([ada.heard.length, bob.heard.length]).toEqual([3, 2]);
  });
});

describe("whoever does not know a ticket's key", () => {
  const { ticket, key } = ticketOf("a");
  const bind = (signedWith: string, about: object = {}) =>
    signedOf(signedWith, "ptpRelay_bind", { ticket, nonce: "nonce-nonce", ...about });
  const forged: Record<string, string> = {
    "signs with the key of another secret": bind(ticketOf("a", {}, { under: "another secret, as long" }).key),
    "signs with the key of another link": bind(ticketOf("a", { link: "000000000001" }).key),
    "signs with the key of the other end": bind(ticketOf("b").key),
    "signs with a ticket that lives longer": bind(ticketOf("a", { lifeMs: 9e6 }).key),
    "signs with nothing": bind(""),
    "changes what was signed": bind(key).replace(/:(.)/, (_, first) => `:${first === "e" ? "f" : "e"}`),
    "changes the mac": bind(key).replace(/.$/, (last) => (last === "A" ? "Q" : "A")),
  };
  for (const [what, datagram] of Object.entries(forged)) {
    test(`and ${what} hears nothing`, async () => {
      const sidecar = await relay();
      const eve = await client();
      await eve.send(datagram, sidecar.port);
      const counted = () => sidecar.counts.forged + sidecar.counts.junk;
      await vi.waitFor(() => expect(counted()).toBe(1), soon);
      const ada = await holder(sidecar, ticketOf("a"));
      expect((await ada.bind()).method).toBe("ptpRelay_bound");
      expect(eve.heard).toEqual([]);
    });
  }

  test("gets not one byte for 10 000 datagrams, whatever they are", { timeout: 60_000 }, async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    const heardBefore = [ada.heard.length, bob.heard.length];
    const eve = await client();
    const { pass, key: passKey } = passOf("Ada");
    const probe = signedOf(passKey, "ptpMediation_probe", {
      pass,
      nonce: "nonce-nonce",
      candidates: [],
    });
    const genuine = [Buffer.from(bind(key)), Buffer.from(probe), dataOf(ada.link, "x".repeat(30))];
    const mutated = fc
      .tuple(fc.constantFrom(...genuine), fc.nat(), fc.integer({ min: 1, max: 255 }))
      .map(([bytes, at, by]) => {
        const changed = Buffer.from(bytes);
        const place = at % bytes.length;
        changed[place] = (changed[place] ?? 0) ^ by;
        return changed;
      })
      // A changed payload of a packet is still a packet; its sender is a stranger all the same.
      .filter((bytes) => !genuine.some((one) => one.equals(bytes)));
    const cut = fc
      .tuple(fc.constantFrom(...genuine.slice(0, 2)), fc.nat())
      .map(([bytes, at]) => bytes.subarray(0, at % bytes.length));
    const junk = fc.uint8Array({ maxLength: 1_400 });
    const packet = fc
      .tuple(fc.constantFrom(0xe8, 0xe9, 0xea, 0xeb), junk)
      .map(([kind, rest]) => Buffer.from([kind, ...rest]));
    const text = fc
      .tuple(fc.constantFrom("ptpRelay_bind", "ptpMediation_probe", "ptpRelay_bound"), fc.json())
      .map(([method, json]) =>
        Buffer.from(`${method}:${Buffer.from(json).toString("base64")}.${"A".repeat(22)}`),
      );
    const all = fc.sample(
      fc.oneof(mutated, mutated, cut, junk, packet, text, fc.constantFrom(...Object.values(forged))),
      {
        numRuns: 10_000,
        seed: 7,
      },
    );
    const taken = () =>
      sidecar.counts.junk +
      sidecar.counts.forged +
      Object.values(sidecar.relayed.drops).reduce((sum, count) => sum + count, 0);
    for (let sent = 0; sent < all.length; sent += 100) {
      const some = all.slice(sent, sent + 100);
      await Promise.all(some.map((bytes) => eve.send(bytes, sidecar.port)));
      await vi.waitFor(() => expect(taken()).toBe(Math.min(all.length, sent + 100)), soon);
    }
    expect(eve.heard).toEqual([]);
    expect([ada.heard.length, bob.heard.length]).toEqual(heardBefore);
    expect(sidecar.counts).toMatchObject({ observed: 0, dropped: 0 });
  });
});

test("no answer is longer than what it answers, and both ends together never hear more than was said", async () => {
  const sidecar = await relay({ relay: { links: 1 } });
  const [ada, bob] = [await client(), await client()];
  const tickets = [
    ticketOf("a"),
    ticketOf("b"),
    ticketOf("a", { lifeMs: -1 }),
    ticketOf("a", { link: "00000000000f" }),
    ticketOf("a", { a: "Eve" }),
  ];
  let sent = 0;
  for (const length of [8, 32, 8, 20]) {
    for (const [index, { ticket, key }] of tickets.entries()) {
      // In turns, so that ends move and the other one hears of it.
      const from = (index + length) % 3 === 0 ? ada : bob;
      let cookie: unknown;
      for (let turn = 0; turn < 2; turn++) {
        const request = signedOf(key, "ptpRelay_bind", { ticket, nonce: "n".repeat(length), cookie });
        const before = from.heard.length;
        await from.send(request, sidecar.port);
        await vi.waitFor(() => expect(from.heard.length).toBeGreaterThan(before), soon);
        sent += request.length;
        const answers = from.heard.slice(before);
        for (const answer of answers) expect(answer.length).toBeLessThanOrEqual(request.length);
        const challenge = answers.find((answer) => answer.toString().startsWith("ptpRelay_challenge"));
        cookie = challenge && verified(key, challenge).payload.cookie;
      }
    }
  }
  expect(sidecar.relayed.bound).toBeGreaterThan(4);
  const heard = [...ada.heard, ...bob.heard].reduce((sum, { length }) => sum + length, 0);
  expect(heard).toBeLessThanOrEqual(sent);
});
