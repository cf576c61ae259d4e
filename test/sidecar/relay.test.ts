/** The relay, over real UDP: who is carried, who is not, and what strangers get, which is nothing. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { limits } from "../../core/limits.ts";
import { type Sidecar, type SidecarOptions, startSidecar } from "../../udp-sidecar/sidecar.ts";
import { type StandIn, startStandIn } from "../support/edge.ts";
import { type Holder, holderOf, openUdpClient, type UdpClient, unsealed } from "../support/relay.ts";
import { dataOf, sealedOf, secret, ticketOf, tokenOf } from "../support/secret.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
let edge: StandIn;
beforeEach(async () => {
  edge = await startStandIn();
  cleanUps.push(edge.stop);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function relay(options: Partial<SidecarOptions> = {}): Promise<Sidecar> {
  const sidecar = await startSidecar({ edge: edge.url, secret, port: 0, name: "test", ...options }, () => {});
  cleanUps.push(sidecar.stop);
  return sidecar;
}

async function client(address?: string): Promise<UdpClient> {
  const opened = await openUdpClient(address);
  cleanUps.push(() => opened.close());
  return opened;
}

async function holder(
  sidecar: Sidecar,
  ticket: { ticket: string; key: string },
  socket?: UdpClient,
): Promise<Holder> {
  return holderOf(socket ?? (await client()), ticket, () => sidecar.port);
}

/** Two whose ends are bound, and who have heard so. */
async function linked(sidecar: Sidecar, about: Parameters<typeof ticketOf>[1] = {}) {
  const [ada, bob] = [
    await holder(sidecar, ticketOf("a", about)),
    await holder(sidecar, ticketOf("b", about)),
  ];
  await ada.bind();
  await bob.bind();
  await ada.word();
  return { ada, bob };
}

const soon = { timeout: 5_000, interval: 1 };
const dropped = (sidecar: Sidecar, cause: keyof Sidecar["relayed"]["drops"], count = 1) =>
  vi.waitFor(() => expect(sidecar.relayed.drops[cause]).toBe(count), soon);

describe("two players on the relay", () => {
  test("bind by returning a cookie, hear of one another, and get each other's packets as they were sent", async () => {
    const sidecar = await relay();
    const [ada, bob] = [await holder(sidecar, ticketOf("a")), await holder(sidecar, ticketOf("b"))];
    expect(await ada.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: false } });
    expect(await bob.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
    expect(await ada.word()).toEqual({
      method: "ptpRelay_bound",
      payload: { nonce: `nonce-2-${ada.port}`, peer: true },
    });
    await ada.say("to Bob");
    expect(await bob.next()).toEqual(dataOf(ada.link, "to Bob"));
    await bob.say("to Ada");
    expect(await ada.next()).toEqual(dataOf(ada.link, "to Ada"));
    expect(sidecar.relayed).toMatchObject({ packets: 2, bytes: 2 * (7 + 6) });
  });
});

describe("a player who binds", () => {
  test("gets nothing but a cookie before it has shown that it is where it says", async () => {
    const sidecar = await relay();
    const ada = await holder(sidecar, ticketOf("a"));
    await ada.ask();
    expect(await ada.word()).toMatchObject({
      method: "ptpRelay_challenge",
      payload: { nonce: expect.any(String) },
    });
    await ada.say("already?");
    await dropped(sidecar, "unknown_link");
  });

  test("is challenged again with a cookie of two epochs ago, and not with one of the last", async () => {
    let now = Date.now();
    const sidecar = await relay({ clock: () => now });
    const ada = await holder(sidecar, ticketOf("a"));
    await ada.ask();
    const cookie = String((await ada.word()).payload.cookie);
    now += 2 * limits.cookieEpochMs;
    await ada.ask({ cookie });
    const challenge = await ada.word();
    expect(challenge.method).toBe("ptpRelay_challenge");
    expect(challenge.payload.cookie).not.toBe(cookie);
    now += limits.cookieEpochMs;
    await ada.ask({ cookie: String(challenge.payload.cookie) });
    expect((await ada.word()).method).toBe("ptpRelay_bound");
  });

  test("cannot use a cookie that was sent to another address", async () => {
    const sidecar = await relay();
    const [here, there] = [await client(), await client()];
    const ada = await holder(sidecar, ticketOf("a"), here);
    await ada.ask();
    const cookie = String((await ada.word()).payload.cookie);
    const elsewhere = await holder(sidecar, ticketOf("a"), there);
    await elsewhere.ask({ cookie });
    expect((await elsewhere.word()).method).toBe("ptpRelay_challenge");
    expect(sidecar.relayed.bound).toBe(0);
  });

  test("may use a cookie that another sidecar of the deployment gave", async () => {
    const [one, two] = [await relay(), await relay({ name: "two" })];
    const socket = await client();
    const ada = await holder(one, ticketOf("a"), socket);
    await ada.ask();
    const cookie = String((await ada.word()).payload.cookie);
    const { ticket, key } = ticketOf("a");
    await socket.send(sealedOf(key, "ptpRelay_bind", { ticket, nonce: "nonce-of-Ada", cookie }), two.port);
    expect((await ada.word()).method).toBe("ptpRelay_bound");
  });

  test("need not be challenged with the cookie that came with the answer to its probe", async () => {
    const sidecar = await relay();
    const ada = await holder(sidecar, ticketOf("a"));
    const token = tokenOf("Ada");
    const [home, clientId] = token.split(".");
    const probe = { home, clientId, nonce: "nonce-of-Ada", candidates: [], pad: ".".repeat(40) };
    await ada.send(sealedOf(token, "ptpMediation_probe", probe), sidecar.port);
    await ada.ask({ cookie: String(unsealed(token, await ada.next()).payload.cookie) });
    expect((await ada.word()).method).toBe("ptpRelay_bound");
  });

  test("is told that its ticket has expired", async () => {
    const sidecar = await relay();
    const ada = await holder(sidecar, ticketOf("a", { lifeMs: -1_000 }));
    await ada.ask();
    expect(await ada.word()).toMatchObject({
      method: "ptpRelay_refused",
      payload: { code: "ticket_expired" },
    });
    expect(sidecar.relayed.refusals.ticket_expired).toBe(1);
  });

  test("is told that the relay is full, and those on it stay", async () => {
    const sidecar = await relay({ relay: { links: 1 } });
    const { ada, bob } = await linked(sidecar);
    const late = await holder(sidecar, ticketOf("a", { link: "ffffffffffff" }));
    expect(await late.bind()).toMatchObject({ method: "ptpRelay_refused", payload: { code: "relay_full" } });
    await ada.say("still here");
    expect(await bob.next()).toEqual(dataOf(ada.link, "still here"));
  });

  for (const [what, about] of Object.entries({
    "another lobby": { lobby: "ZZZZZ" },
    "another client": { b: "Eve" },
    "another peer": { a: "Eve" },
  })) {
    test(`is refused if its ticket has ${what} than that of the link's other end`, async () => {
      const sidecar = await relay();
      const ada = await holder(sidecar, ticketOf("a"));
      await ada.bind();
      const eve = await holder(sidecar, ticketOf("b", about));
      expect(await eve.bind()).toMatchObject({
        method: "ptpRelay_refused",
        payload: { code: "ticket_mismatch" },
      });
      await ada.say("anyone?");
      await dropped(sidecar, "unbound");
    });
  }

  test("may move to another port: its peer hears of it, and packets follow", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    const moved = await holder(sidecar, ticketOf("a"));
    expect(await moved.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
    expect(await bob.word()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
    await bob.say("where are you?");
    expect(await moved.next()).toEqual(dataOf(bob.link, "where are you?"));
    await ada.say("from the old port");
    await dropped(sidecar, "foreign_sender");
    expect(ada.heard).toHaveLength(3);
  });

  test("is not unseated by its own bind that a stranger repeats from elsewhere", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    const { ticket, key } = ticketOf("a");
    const bind = { ticket, nonce: "recorded-nonce" };
    await ada.ask();
    const cookie = String((await ada.word()).payload.cookie);
    const recorded = sealedOf(key, "ptpRelay_bind", { ...bind, cookie });
    await ada.send(recorded, sidecar.port);
    expect((await ada.word()).method).toBe("ptpRelay_bound");
    const stranger = await client();
    await stranger.send(recorded, sidecar.port);
    const answer = await stranger.next();
    expect(answer.length).toBeLessThanOrEqual(recorded.length);
    expect(answer.toString()).toMatch(/^ptpRelay_challenge:/);
    await bob.say("to Ada alone");
    expect(await ada.next()).toEqual(dataOf(bob.link, "to Ada alone"));
    expect(stranger.heard).toHaveLength(1);
  });

  test("may reach the relay by IPv6 while its peer has only IPv4", async () => {
    const sidecar = await relay();
    const ada = await holder(sidecar, ticketOf("a"), await client("::1"));
    const bob = await holder(sidecar, ticketOf("b"), await client("127.0.0.1"));
    await ada.bind();
    await bob.bind();
    await ada.word();
    await ada.say("six to four");
    expect(await bob.next()).toEqual(dataOf(ada.link, "six to four"));
    await bob.say("four to six");
    expect(await ada.next()).toEqual(dataOf(ada.link, "four to six"));
  });
});

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
    await ada.say(Buffer.alloc(limits.gamePacketBytes + 1));
    await dropped(sidecar, "too_long");
    await ada.say(Buffer.alloc(limits.gamePacketBytes, 7));
    expect(await bob.next()).toEqual(dataOf(ada.link, Buffer.alloc(limits.gamePacketBytes, 7)));
  });

  test("at the second port, which relays nothing and binds nobody", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    await ada.send(dataOf(ada.link, "wrong door"), sidecar.secondPort);
    const { ticket, key } = ticketOf("a");
    await ada.send(sealedOf(key, "ptpRelay_bind", { ticket, nonce: "nonce-nonce" }), sidecar.secondPort);
    await vi.waitFor(() => expect(sidecar.counts.junk).toBe(2), soon);
    expect([ada.heard.length, bob.heard.length]).toEqual([3, 2]);
  });
});

describe("both ends are told", () => {
  test("that they send too much, before anything is cut", async () => {
    const now = Date.now();
    const sidecar = await relay({ relay: { linkRate: 1_000 }, clock: () => now });
    const { ada, bob } = await linked(sidecar);
    const packet = Buffer.alloc(193);
    for (let sent = 0; sent < 6; sent++) await ada.say(packet);
    for (let came = 0; came < 6; came++) expect(await bob.next()).toEqual(dataOf(ada.link, packet));
    for (const end of [ada, bob]) {
      expect(await end.word()).toEqual({
        method: "ptpRelay_notice",
        payload: { link: ada.link, code: "rate", inMs: 0 },
      });
    }
    expect(sidecar.relayed.drops.rate).toBe(0);
    for (let sent = 0; sent < 6; sent++) await bob.say(packet);
    await dropped(sidecar, "rate", 2);
    expect(sidecar.relayed.packets).toBe(10);
  });

  test("that their ticket is about to expire; and who says nothing for long is forgotten", async () => {
    const start = Date.now();
    let now = start;
    const sidecar = await relay({ clock: () => now });
    const { ada, bob } = await linked(sidecar, { lifeMs: 120_000 });
    now = start + 20_000;
    await ada.say("still here");
    await bob.next();
    now = start + 45_000;
    await bob.say("and I");
    await ada.next();
    now = start + 70_000;
    for (const end of [ada, bob]) {
      const { method, payload } = await end.word();
      expect(method).toBe("ptpRelay_notice");
      expect(payload).toMatchObject({ link: ada.link, code: "lifetime" });
      expect(payload.inMs).toBeGreaterThan(49_000);
      expect(payload.inMs).toBeLessThan(51_001);
    }
    now = start + 80_000;
    const stranger = await client();
    await vi.waitFor(async () => {
      // A stranger's packet keeps nothing alive, and tells whether the link is there.
      await stranger.send(dataOf(ada.link, "anyone?"), sidecar.port);
      expect(sidecar.relayed.drops.unknown_link).toBeGreaterThan(0);
    }, soon);
  });

  test("that the relay stops, while it still carries what they say", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    const stopping = sidecar.stop();
    for (const end of [ada, bob]) {
      expect(await end.word()).toEqual({
        method: "ptpRelay_notice",
        payload: { link: ada.link, code: "leaving", inMs: limits.relayGoodbyeMs },
      });
    }
    await ada.say("see you on another way");
    expect(await bob.next()).toEqual(dataOf(ada.link, "see you on another way"));
    await ada.ask();
    expect(await ada.word()).toMatchObject({ method: "ptpRelay_refused", payload: { code: "leaving" } });
    await stopping;
    expect(edge.beats.at(-1)).toMatchObject({ leaving: true });
  });
});

test("a relay that starts anew in the middle of a game carries on with the same tickets", async () => {
  const before = await relay();
  const { ada, bob } = await linked(before);
  await before.stop();
  const { port, secondPort } = before;
  const after = await relay({ port, secondPort });
  for (const end of [ada, bob]) expect((await end.word()).payload.code).toBe("leaving");
  await ada.say("into the void");
  await dropped(after, "unknown_link");
  expect(await ada.bind()).toMatchObject({ payload: { peer: false } });
  expect(await bob.bind()).toMatchObject({ payload: { peer: true } });
  expect(await ada.word()).toMatchObject({ payload: { peer: true } });
  await ada.say("here again");
  expect(await bob.next()).toEqual(dataOf(ada.link, "here again"));
});

describe("whoever does not know a ticket's key", () => {
  const { ticket, key } = ticketOf("a");
  const bind = (sealedWith: string, about: object = {}) =>
    sealedOf(sealedWith, "ptpRelay_bind", { ticket, nonce: "nonce-nonce", ...about });
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
    const token = tokenOf("Ada");
    const [home, clientId] = token.split(".");
    const probe = sealedOf(token, "ptpMediation_probe", {
      home,
      clientId,
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
        const request = sealedOf(key, "ptpRelay_bind", { ticket, nonce: "n".repeat(length), cookie });
        const before = from.heard.length;
        await from.send(request, sidecar.port);
        await vi.waitFor(() => expect(from.heard.length).toBeGreaterThan(before), soon);
        sent += request.length;
        const answers = from.heard.slice(before);
        for (const answer of answers) expect(answer.length).toBeLessThanOrEqual(request.length);
        const challenge = answers.find((answer) => answer.toString().startsWith("ptpRelay_challenge"));
        cookie = challenge && unsealed(key, challenge).payload.cookie;
      }
    }
  }
  expect(sidecar.relayed.bound).toBeGreaterThan(4);
  const heard = [...ada.heard, ...bob.heard].reduce((sum, { length }) => sum + length, 0);
  expect(heard).toBeLessThanOrEqual(sent);
});
