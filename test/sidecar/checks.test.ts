/** Floods of datagrams that have to be checked: who is left out, for how long, and who never is. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientDatagram } from "../../core/observing/port-pairing.ts";
import { holderOf, openUdpClient } from "../../measure/kit/relay.ts";
import { datagramOf, dataOf, keyOf, passOf, signedOf, ticketOf, tokenOf } from "../../measure/kit/secret.ts";
import { Checks, HeavyCounts } from "../../udp-sidecar/checks.ts";
import { sidecarLimits } from "../../udp-sidecar/limits.ts";
import { listen } from "../../udp-sidecar/receiver.ts";

/** Milliseconds that each check takes. Nothing else takes any time. */
const checkMs = 0.0625;
const untilBusy = sidecarLimits.checkingMs / checkMs;

function computed(random = () => 0.5) {
  let now = 5_000;
  let idle = 3_000;
  const checks = new Checks({ now: () => now, idle: () => idle, random });
  /** What becomes of so many from there. */
  const come = (address: string, count = 1, takesMs = checkMs) => {
    const tally = { checked: 0, shed: 0 };
    for (let i = 0; i < count; i++) {
      const verdict = checks.run(address, () => {
        now += takesMs;
        return "checked" as const;
      });
      tally[verdict] += 1;
    }
    return tally;
  };
  /** Time with other things to do. */
  const pass = (ms: number) => {
    now += ms;
  };
  const rest = (ms: number) => {
    now += ms;
    idle += ms;
  };
  /** A second without any time to spare. */
  const tire = () => {
    come("192.0.2.99");
    pass(1_000 - checkMs);
  };
  return { come, pass, rest, tire, now: () => now };
}

const flooder = "::ffff:192.0.2.1";

describe("under a computed clock", () => {
  test("all of one address are checked while there is time to spare, however many they are", () => {
    const { come, rest } = computed();
    for (let i = 0; i < 100; i++) {
      expect(come(flooder, untilBusy)).toMatchObject({ shed: 0 });
      rest(untilBusy * checkMs * sidecarLimits.sparePart * 4);
    }
  });

  test("when there is none, all are that there is always time for", () => {
    const { come, tire } = computed();
    tire();
    expect(come(flooder, untilBusy)).toEqual({ checked: untilBusy, shed: 0 });
  });

  test("a rest of before does not count in a flood", () => {
    const { come, rest, tire } = computed();
    rest(10_000);
    tire();
    expect(come(flooder, untilBusy + 1)).toEqual({ checked: untilBusy, shed: 1 });
  });

  test("nor does a flood of before in a crowd that comes after a pause", () => {
    const { come, rest, tire } = computed();
    tire();
    come(flooder, 10_000);
    rest(10_000);
    expect(come(flooder, 10_000)).toMatchObject({ shed: 0 });
  });

  test("a crowd behind one address that speaks at once, and then is silent, is checked to the last", () => {
    const { come, rest } = computed();
    for (let second = 0; second < 20; second++) {
      // 500 players' probes to both ports, and their answers: most of a second.
      expect(come(flooder, 8_000, 0.1)).toEqual({ checked: 8_000, shed: 0 });
      rest(200);
    }
  });

  test("a flood that is left out goes on being, though that leaves time to spare", () => {
    const { come, pass, rest, tire } = computed();
    tire();
    for (let second = 0; second < 10; second++) {
      expect(come(flooder, 10_000).checked).toBe(untilBusy);
      pass(100);
      rest(900 - sidecarLimits.checkingMs);
    }
  });

  test("whoever is behind a flooded address, and comes every ten seconds, is checked now and then", () => {
    let state = 1;
    const { come, pass, tire, now } = computed(() => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    });
    tire();
    const began = now();
    const lobbies = Array.from({ length: 40 }, (_, i) => ({ at: began + i * 25, checked: 0 }));
    while (now() < began + 300_000) {
      come(flooder, 10, 0.1);
      pass(1);
      for (const lobby of lobbies) {
        if (lobby.at > now()) continue;
        lobby.at += 10_000;
        lobby.checked += come(flooder).checked;
      }
    }
    expect(Math.min(...lobbies.map(({ checked }) => checked))).toBeGreaterThan(0);
  });

  test("then no more of its are, to the end of the second", () => {
    const { come, pass, tire } = computed();
    tire();
    expect(come(flooder, untilBusy + 1_000)).toEqual({ checked: untilBusy, shed: 1_000 });
    pass(1_000 - sidecarLimits.checkingMs - 1);
    expect(come(flooder)).toEqual({ checked: 0, shed: 1 });
    pass(1);
    expect(come(flooder)).toEqual({ checked: 1, shed: 0 });
  });

  test("a flood that goes on takes no more than that of each second", () => {
    const { come, pass, tire } = computed();
    tire();
    for (let second = 0; second < 5; second++) {
      expect(come(flooder, 100_000).checked).toBe(untilBusy);
      pass(1_000);
    }
  });

  test("whoever has calmed down is checked, though another floods in the next second", () => {
    const { come, pass, tire } = computed();
    tire();
    come(flooder, 10_000);
    pass(1_000);
    come("::ffff:192.0.2.2", 10_000);
    expect(come(flooder, sidecarLimits.networkChecks)).toMatchObject({ shed: 0 });
  });

  test("those at other addresses are checked in the middle of a flood, up to what a lobby says", () => {
    const { come, tire } = computed();
    tire();
    come(flooder, 50_000);
    for (const address of ["::ffff:192.0.2.2", "198.51.100.7", "2001:db8::1"]) {
      const most = sidecarLimits.networkChecks;
      expect(come(address, most)).toEqual({ checked: most, shed: 0 });
      expect(come(address)).toEqual({ checked: 0, shed: 1 });
    }
  });

  test("whoever sends less than that is never left out, whatever a thousand others do", () => {
    const { come, tire } = computed();
    tire();
    for (let turn = 0; turn < sidecarLimits.networkChecks; turn++) {
      for (let i = 0; i < 50; i++) come(`203.0.113.${i}`);
      expect(come("198.51.100.7").shed).toBe(0);
    }
  });

  test("what is said by a whole /64 is counted as one, however its addresses are written", () => {
    const { come, tire } = computed();
    tire();
    come(flooder, untilBusy);
    const parts = ["2001:db8::1", "2001:db8:0:0:1::", "2001:db8::1:2:3:4", "2001:db8:0:0:9:9:9:9"];
    for (const [i, address] of parts.entries()) {
      expect(come(address, sidecarLimits.networkChecks / 4)).toMatchObject({ shed: 0 });
      if (i === 3) expect(come(address)).toMatchObject({ shed: 1 });
    }
    expect(come("2001:db8:0:1::1")).toMatchObject({ shed: 0 });
    expect(come("fe80::1%eth0")).toMatchObject({ shed: 0 });
  });

  test("a flood from made-up addresses hides no flooder behind it", () => {
    const { come, tire } = computed();
    tire();
    const takesMs = 1 / 128;
    const madeUp = (i: number) => come(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1, takesMs);
    for (let i = 0; i < 2_000; i++) madeUp(i);
    for (let i = 2_000; i < 32_000; i++) {
      madeUp(i);
      come(flooder, 1, takesMs);
    }
    expect(come(flooder, 100, takesMs)).toEqual({ checked: 0, shed: 100 });
    expect(madeUp(32_000)).toEqual({ checked: 1, shed: 0 });
  });

  test("a check that was held up by another program does not count as one that costs much", () => {
    const { come, tire } = computed();
    tire();
    expect(come(flooder, sidecarLimits.networkChecks + 100, 1)).toMatchObject({ shed: 0 });
  });
});

test("of a stream a count is never too high, and too low by its part at most", () => {
  const room = 20;
  const counts = new HeavyCounts(room);
  const all = new Map<string, number>();
  let state = 1;
  for (let total = 1; total <= 50_000; total++) {
    state = (state * 48_271) % 2_147_483_647;
    const key = state % 3 === 0 ? "often" : String(state % 977);
    const exact = (all.get(key) ?? 0) + 1;
    all.set(key, exact);
    const told = counts.add(key);
    expect(told).toBeLessThanOrEqual(exact);
    expect(told).toBeGreaterThanOrEqual(exact - total / (room + 1));
  }
});

describe("over UDP", () => {
  const cleanUps: (() => Promise<unknown> | unknown)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  const soon = { interval: 1 };

  test("a flood from one address is left out, and neither players elsewhere nor a link on the relay hear of it", async () => {
    let now = 0;
    // Twice for each datagram that is checked.
    const tick = () => {
      now += sidecarLimits.longestCheckMs / 2;
      return now;
    };
    const checks = new Checks({ now: tick, idle: () => 0, random: () => 0.5 });
    const seen: ClientDatagram[] = [];
    const times = { clock: Date.now, elapsed: () => 0 };
    const wish = { key: keyOf(), ports: { first: 0, second: 0 }, bind: undefined, ...times, checks };
    const receiver = await listen(wish, (_, datagram) => {
      seen.push(datagram);
      return true;
    });
    const port = receiver.ports.first;
    const open = async (address?: string) => {
      const client = await openUdpClient(address);
      cleanUps.push(client.close);
      return client;
    };
    cleanUps.push(receiver.close);
    const [ada, bob] = [await open(), await open()];
    await holderOf(ada, ticketOf("a"), () => port).bind();
    await holderOf(bob, ticketOf("b"), () => port).bind();
    const { counts } = receiver;
    // A second without any time to spare.
    now += 1_000;

    const eve = await open();
    const { ticket } = ticketOf("a", { a: "Eve" });
    const flood = [
      datagramOf(tokenOf("Eve", { under: "another secret, as long" })),
      signedOf("no key", "ptpRelay_bind", { ticket, nonce: "nonce-12" }),
      signedOf("no key", "ptpMediation_probe", { pass: passOf("Eve").pass, nonce: "nonce-12" }),
    ];
    const most = Math.ceil(sidecarLimits.checkingMs / (sidecarLimits.longestCheckMs / 2));
    for (let i = 0; i < most + 300; i++) await eve.send(flood[i % 3] ?? "", port);
    await vi.waitFor(() => expect(counts.first.forged + counts.first.shed).toBe(most + 300), soon);
    expect(counts.first.shed).toBeGreaterThan(200);

    await ada.send(dataOf("0123456789ab", "still here?"), port);
    await vi.waitFor(() => expect(bob.heard.at(-1)).toEqual(dataOf("0123456789ab", "still here?")), soon);
    const cy = await open("::1");
    await cy.send(datagramOf(tokenOf("Cy")), port);
    await vi.waitFor(() => expect(seen.map(({ endpoint }) => endpoint.ip)).toEqual(["::1"]), soon);

    // A flood is over when its second is.
    now += 1_000;
    await ada.send(datagramOf(tokenOf("Ada")), port);
    await vi.waitFor(
      () => expect(seen.map(({ clientId }) => clientId.slice(0, 3))).toEqual(["Cy-", "Ada"]),
      soon,
    );
  });
});
