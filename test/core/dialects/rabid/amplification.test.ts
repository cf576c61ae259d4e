/** How many bytes a gateway of Rabid sends for those that it gets. docs/dialects.md states these numbers. */
import { describe, expect, test } from "vitest";
import { rabidLimits } from "../../../../core/dialects/rabid/limits.ts";
import type { Player, Source } from "../../../../core/dialects/rabid/state.ts";
import { AGateway, at } from "./a-gateway.ts";

const twelve = Array.from({ length: 12 }, (_, i) => `Playernumb${String(i).padStart(2, "0")}`);
const bytesOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);

describe("A stranger", () => {
  test.each(["", "p:R:A", "x:R:A", "y:R:A", "k:R:A", "s:R:A", "h:R:A:1", "hello", "p:NiceRoom:Bob"])(
    "that says %j twenty times in 10 s is sent at most three times its bytes",
    (text) => {
      const gateway = new AGateway();
      for (let i = 0; i < 20; i++) {
        gateway.hear(at(9), text);
        gateway.wait(500);
      }
      const sent = bytesOf(gateway.sentTo(at(9)));
      expect(sent).toBeLessThanOrEqual(3 * 20 * text.length);
      expect(gateway.asked).toEqual([]);
    },
  );

  test("that sends one datagram is sent no more than its bytes allow, and opens nothing", () => {
    for (const text of ["h:NiceRoom:Ann:12", "c:NiceRoom:Ann", "p:NiceRoom:Ann"]) {
      const gateway = new AGateway();
      gateway.hear(at(9), text);
      gateway.wait(60_000);
      expect(bytesOf(gateway.sentTo(at(9)))).toBeLessThanOrEqual(3 * text.length);
      expect(gateway.asked).toEqual([]);
    }
  });

  test("that sends more is not looked at, and is sent 1 KB a second at most", () => {
    const gateway = new AGateway();
    const junk = "x".repeat(1_000);
    for (let i = 0; i < 1_000; i++) {
      gateway.hear(at(9), junk);
      gateway.wait(10);
    }
    expect(gateway.state.messages.shed).toBeGreaterThan(900);
    expect(bytesOf(gateway.sentTo(at(9)))).toBeLessThanOrEqual(11 * 1_024);
  });

  test("is one of thousands, and all together are sent 100 KB a second at most", () => {
    const gateway = new AGateway();
    const junk = "p:NiceRoom:Ann".padEnd(1_000, "n");
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 8_000; i++) {
        const ip = `198.${18 + second}.${i >> 8}.${i & 255}`;
        gateway.hear({ ip, port: 1, via: 0 }, junk);
      }
      gateway.wait(1_000);
    }
    expect(bytesOf(gateway.sent.map(({ text }) => text))).toBeLessThanOrEqual(6 * 100 * 1_024);
    expect(gateway.state.answers.drops.port_rate).toBeGreaterThan(0);
  });
});

describe("Twelve invented players and one start", () => {
  test("that come in one moment are let in by nothing, and told nothing", () => {
    const gateway = new AGateway();
    for (const [i, name] of twelve.entries()) gateway.hear(at(i + 1), `h:Room:${name}:12`);
    for (const [i, name] of twelve.entries()) gateway.hear(at(i + 1), `s:Room:${name}`);
    gateway.wait(10_000);
    expect(gateway.asked).toEqual([]);
    expect(gateway.sent.filter(({ text }) => text.startsWith("s:"))).toEqual([]);
  });

  test("that are heard for over a second are told at most 5 starts each, 20 KB together", () => {
    const gateway = new AGateway();
    const players = gateway.session(twelve);
    gateway.sent.length = 0;
    gateway.start(players);
    gateway.wait(60_000);
    const starts = gateway.sent.filter(({ text }) => text.startsWith("s:")).map(({ text }) => text);
    expect(starts.length).toBeLessThanOrEqual(5 * 12);
    expect(bytesOf(starts)).toBeLessThanOrEqual(20 * 1_024);
  });
});

describe("Eight invented players of one address, of twelve", () => {
  test("are told starts of 14 KB at once, and can come back one in 2 s", () => {
    const gateway = new AGateway();
    const sources = twelve.map((_, i) => (i < 8 ? at(1, 40_000 + i) : at(i)));
    const players: Player[] = [];
    for (const [i, from] of sources.entries()) {
      const name = twelve[i] ?? "";
      players.push(gateway.enter(from, i === 0 ? `h:Room:${name}:12` : `c:Room:${name}`, twelve));
      gateway.pingFor(2_000, players);
    }
    gateway.sent.length = 0;
    gateway.asked.length = 0;
    gateway.start(players);
    for (let i = 0; i < 600; i++) {
      gateway.wait(100);
      for (const from of sources) gateway.hear(from, `c:Room:${twelve[sources.indexOf(from)]}`);
    }
    const starts = gateway.sent.filter(
      ({ to, text }) => to.startsWith(`${at(1).ip}:`) && text.startsWith("s:"),
    );
    expect(starts.length).toBeLessThanOrEqual(5 * 8);
    expect(bytesOf(starts.map(({ text }) => text))).toBeLessThanOrEqual(14 * 1_024);
    const opened = gateway.asked.filter((asked) => asked.kind === "open" && asked.from.ip === at(1).ip);
    expect(opened.length).toBeLessThanOrEqual(
      rabidLimits.rabidOpenings + 60 * rabidLimits.rabidOpeningsPerSecond,
    );
  });
});

describe("A player of a full session", () => {
  const last: Source = at(12);

  test("is answered at least every 5 s, though the names are twelve times as long as its ping", () => {
    const gateway = new AGateway();
    const players = gateway.session(twelve);
    gateway.pingFor(20_000, players);
    gateway.sent.length = 0;
    const from = gateway.now;
    gateway.pingFor(30_000, players);
    const times = gateway.sent.filter(({ to }) => to.startsWith(`${last.ip}:`)).map((one) => one.at);
    const gaps = times.map((time, i) => time - (times[i - 1] ?? from));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_000);
    expect(bytesOf(gateway.sentTo(last))).toBeLessThanOrEqual(3 * 80 * "p:Room:Playernumb11".length);
  });

  test.each([0, 200, 400, 600, 800])(
    "hears within 0.5 s that somebody has left, %d ms after a full second too, however few bytes it has sent",
    (ms) => {
      const gateway = new AGateway();
      const players = gateway.session(twelve);
      gateway.wait(ms);
      gateway.pingFor(20_000, players);
      gateway.sent.length = 0;
      gateway.tellMembers(players, twelve.slice(1));
      gateway.pingFor(500, players);
      expect(gateway.sentTo(last)[0]).toEqual(`i:${twelve.slice(1).join(":")}`);
    },
  );
});
