/** The relay, over real UDP: who is carried, and what they are told. */
import { describe, expect, test, vi } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { relayStage, verified } from "../../measure/kit/relay.ts";
import { dataOf, keyOf, passOf, signedOf, ticketOf } from "../../measure/kit/secret.ts";
import { sidecarLimits } from "../../udp-sidecar/limits.ts";

const { edge, relay, client, holder, linked, dropped } = relayStage();
const soon = { interval: 1 };

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
    now += 2 * sidecarLimits.cookieEpochMs;
    await ada.ask({ cookie });
    const challenge = await ada.word();
    expect(challenge.method).toBe("ptpRelay_challenge");
    expect(challenge.payload.cookie).not.toBe(cookie);
    now += sidecarLimits.cookieEpochMs;
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

  test("is challenged again where it returns the cookie of another sidecar", async () => {
    const [one, two] = [await relay(), await relay({ key: keyOf("two") })];
    const socket = await client();
    const ada = await holder(one, ticketOf("a"), socket);
    await ada.ask();
    const cookie = String((await ada.word()).payload.cookie);
    const there = await holder(two, ticketOf("a", { sidecar: "two" }), socket);
    await there.ask({ cookie });
    expect(verified(there.key, await ada.next()).method).toBe("ptpRelay_challenge");
  });

  test("has no key at any other sidecar than the one that its ticket is for", async () => {
    const [one, two] = [await relay(), await relay({ key: keyOf("two") })];
    const socket = await client();
    await (await holder(two, ticketOf("a"), socket)).ask();
    await vi.waitFor(() => expect(two.counts.forged).toBe(1), soon);
    await (await holder(one, ticketOf("a"), socket)).ask();
    expect(await socket.next()).toBeDefined();
    expect(socket.heard).toHaveLength(1);
  });

  test("need not be challenged with the cookie that came with the answer to its probe", async () => {
    const sidecar = await relay();
    const ada = await holder(sidecar, ticketOf("a"));
    const { pass, key } = passOf("Ada");
    const probe = { pass, nonce: "nonce-of-Ada", candidates: [], pad: ".".repeat(40) };
    await ada.send(signedOf(key, "ptpMediation_probe", probe), sidecar.port);
    await ada.ask({ cookie: String(verified(key, await ada.next()).payload.cookie) });
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

  test("is told that a ticket of before is good no more, once it has used a later one", async () => {
    const sidecar = await relay();
    const { ada: before, bob } = await linked(sidecar);
    const later = { link: "ffffffffffff", begunAt: Date.now() + 1_000 };
    const ada = await holder(sidecar, ticketOf("a", later));
    expect(await ada.bind()).toMatchObject({ method: "ptpRelay_bound" });
    expect(await before.bind()).toMatchObject({
      method: "ptpRelay_refused",
      payload: { code: "ticket_superseded" },
    });
    await bob.say("anyone?");
    await dropped(sidecar, "unknown_link");
  });

  test("is looked at some times in two seconds and no more, whoever else binds, and then again", async () => {
    let now = 0;
    const sidecar = await relay({ elapsed: () => now });
    const [here, there] = [await client(), await client("::1")];
    const ada = await holder(sidecar, ticketOf("a"), here);
    const bob = await holder(sidecar, ticketOf("b"));
    const dropsAre = (count: number) => vi.waitFor(() => expect(sidecar.counts.dropped).toBe(count), soon);
    for (let times = 0; times < sidecarLimits.relayBinds; times++) {
      await ada.ask();
      expect((await ada.word()).method).toBe("ptpRelay_challenge");
    }
    await ada.ask();
    await dropsAre(1);
    // Elsewhere, and for others, it is as it was.
    const elsewhere = await holder(sidecar, ticketOf("a"), there);
    await elsewhere.ask();
    expect((await elsewhere.word()).method).toBe("ptpRelay_challenge");
    expect((await bob.bind()).method).toBe("ptpRelay_bound");
    expect(ada.heard).toHaveLength(sidecarLimits.relayBinds);
    now += sidecarLimits.relayBindsMs;
    expect((await ada.bind()).method).toBe("ptpRelay_bound");
    expect(sidecar.counts.dropped).toBe(1);
  });

  test("is looked at though a stranger who has seen its ticket forges it by the hundred from its address", async () => {
    const sidecar = await relay();
    const eve = await client();
    const { ticket, key } = ticketOf("a");
    for (let times = 0; times < 100; times++) {
      await eve.send(signedOf("no key", "ptpRelay_bind", { ticket, nonce: "nonce-nonce" }), sidecar.port);
    }
    await vi.waitFor(() => expect(sidecar.counts.forged).toBe(100), soon);
    const ada = await holder(sidecar, { ticket, key });
    expect((await ada.bind()).method).toBe("ptpRelay_bound");
  });

  test("is told that the relay is full, and those on it stay", async () => {
    const sidecar = await relay({ relay: { links: 1 } });
    const { ada, bob } = await linked(sidecar);
    const late = await holder(sidecar, ticketOf("a", { link: "ffffffffffff", a: "Cid" }));
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
    const recorded = signedOf(key, "ptpRelay_bind", { ...bind, cookie });
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

test("a relay that is off carries nobody, and the edge is not told of one", async () => {
  const sidecar = await relay({ relay: { links: 0 } });
  await sidecar.known;
  expect(edge().beats[0]).not.toHaveProperty("relays");
  const ada = await holder(sidecar, ticketOf("a"));
  expect(await ada.bind()).toMatchObject({ method: "ptpRelay_refused", payload: { code: "relay_full" } });
  await ada.say("anyone?");
  await dropped(sidecar, "unknown_link");
});

describe("both ends are told", () => {
  test("that they send too much, before anything is cut", async () => {
    const sidecar = await relay({ relay: { linkRate: 1_000 }, elapsed: () => 0 });
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
    let elapsed = 0;
    const sidecar = await relay({ elapsed: () => elapsed, relay: { idleMs: 100_000 } });
    const { ada, bob } = await linked(sidecar, { lifeMs: 120_000 });
    elapsed = 70_000;
    for (const end of [ada, bob]) {
      const { method, payload } = await end.word();
      expect(method).toBe("ptpRelay_notice");
      expect(payload).toMatchObject({ link: ada.link, code: "lifetime" });
      // Less if the machine was busy meanwhile.
      expect(payload.inMs).toBeGreaterThan(20_000);
      expect(payload.inMs).toBeLessThan(51_001);
    }
    elapsed = 100_001;
    const stranger = await client();
    await vi.waitFor(async () => {
      // A stranger's packet keeps nothing alive, and tells whether the link is there.
      await stranger.send(dataOf(ada.link, "anyone?"), sidecar.port);
      expect(sidecar.relayed.drops.unknown_link).toBeGreaterThan(0);
    }, soon);
  });

  for (const jumpMs of [200_000, 8 * 60 * 60_000, -8 * 60 * 60_000]) {
    test(`nothing when the clock jumps by ${jumpMs / 1_000} s: they play on, and bind again`, async () => {
      let jumped = 0;
      const sidecar = await relay({ clock: () => Date.now() + jumped });
      const { ada, bob } = await linked(sidecar, { lifeMs: relayLimits.relayTicketMs });
      jumped = jumpMs;
      for (const [from, to] of [
        [ada, bob],
        [bob, ada],
      ] as const) {
        await from.say("still here?");
        expect(await to.next()).toEqual(dataOf(ada.link, "still here?"));
        expect(await from.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
      }
      expect(sidecar.relayed).toMatchObject({ packets: 2, notices: { lifetime: 0 } });
    });
  }

  test("that the relay stops, while it still carries what they say", async () => {
    const sidecar = await relay();
    const { ada, bob } = await linked(sidecar);
    const stopping = sidecar.stop();
    for (const end of [ada, bob]) {
      expect(await end.word()).toEqual({
        method: "ptpRelay_notice",
        payload: { link: ada.link, code: "leaving", inMs: sidecarLimits.relayGoodbyeMs },
      });
    }
    await ada.say("see you on another way");
    expect(await bob.next()).toEqual(dataOf(ada.link, "see you on another way"));
    await ada.ask();
    expect(await ada.word()).toMatchObject({ method: "ptpRelay_refused", payload: { code: "leaving" } });
    await stopping;
    expect(edge().beats.at(-1)).toMatchObject({ leaving: true });
  });
});

test("what is relayed counts as load, so that new players are sent to where less is", async () => {
  const sidecar = await relay();
  await sidecar.known;
  const { ada, bob } = await linked(sidecar);
  for (let sent = 0; sent < 50; sent++) {
    await ada.say("on and on");
    await bob.next();
  }
  await sidecar.stop();
  // On a busy machine a heartbeat may come in the middle, and late. What binding costs is far less.
  const load = edge().beats.reduce((sum, beat) => sum + beat.load, 0);
  expect(load).toBeGreaterThanOrEqual(50_000 / (3 * sidecarLimits.heartbeatMs));
});

test("a relay that starts anew in the middle of a game carries on with the same tickets", async () => {
  const port = await freeUdpPort();
  const secondPort = port + 1;
  const before = await relay({ port, secondPort });
  const { ada, bob } = await linked(before);
  await before.stop();
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
