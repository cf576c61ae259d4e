/** What a client says to a sidecar that answers, does not, or has addresses of both families; at a clock of the test. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Probe } from "../../client/udp/probe.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import { signedOf } from "../../measure/kit/secret.ts";
import { decode } from "../../measure/kit/wire.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const token = "1.client.mac";
const pass = { pass: "1.client.mediation.0.mac", passKey: "the key of a pass" };
const one = { host: "one.example", ips: ["192.0.2.1"], ports: [5990, 5991] };
const other = { host: "other.example", ips: ["192.0.2.2"], ports: [5990, 5991] };

function aProbe() {
  const sent: { to: Endpoint; nonce: string }[] = [];
  const said: string[] = [];
  const startedAt = performance.now();
  const say = (what: string) => said.push(`${what} after ${(performance.now() - startedAt) / 1_000} s`);
  const probe = new Probe({
    token: () => token,
    candidates: [],
    send: (datagram, to) => {
      const { payload } = decode(datagram.slice(0, datagram.lastIndexOf(".")));
      sent.push({ to, nonce: String(payload.nonce) });
    },
    note: () => {},
    unseen: () => say("unseen"),
    blocked: () => say("blocked"),
  });
  /** The sidecar answers the last probe to there, from there or elsewhere. */
  const answer = (to: Endpoint, from = to) => {
    const nonce = sent.findLast((probe) => probe.to.ip === to.ip && probe.to.port === to.port)?.nonce ?? "";
    const payload = {
      nonce,
      ip: "203.0.113.9",
      port: 40_000,
      cookie: `cookie-${to.ip.replace(/[.:]/g, "-")}`,
    };
    const datagram = readSignedDatagram(Buffer.from(signedOf(pass.passKey, "ptpMediation_seen", payload)));
    if (datagram) probe.hear(datagram, from);
  };
  const asked = (from = 0) => [...new Set(sent.slice(from).map(({ to }) => `${to.ip} ${to.port}`))];
  return { probe, sent, said, answer, asked };
}

test("a sidecar that does not answer is reported after 2 s, once, and UDP is blocked after 5", () => {
  const { probe, said } = aProbe();
  probe.ask(one, pass);
  vi.advanceTimersByTime(20_000);
  expect(said).toEqual(["unseen after 2 s", "blocked after 5 s"]);
});

test("another sidecar has 5 s of its own, but all together have 12", () => {
  const { probe, said } = aProbe();
  probe.ask(one, pass);
  vi.advanceTimersByTime(2_500);
  probe.ask(other, pass);
  vi.advanceTimersByTime(2_000);
  // The same again has no more time than it had.
  probe.ask(other, pass);
  vi.advanceTimersByTime(2_500);
  expect(said).toEqual(["unseen after 2 s", "unseen after 4.5 s", "unseen after 6.5 s"]);
  for (let i = 0; i < 10; i++) {
    probe.ask(i % 2 === 0 ? one : other, pass);
    vi.advanceTimersByTime(1_500);
  }
  expect(said.slice(3)).toEqual(["blocked after 12 s"]);
});

test("where the other sidecar answers, nothing is blocked", () => {
  const { probe, said, answer } = aProbe();
  probe.ask(one, pass);
  vi.advanceTimersByTime(2_500);
  probe.ask(other, pass);
  answer({ ip: "192.0.2.2", port: 5991 });
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual(["unseen after 2 s"]);
  expect(probe.ip).toBe("192.0.2.2");
});

test("an answer to what was asked before the server asked again counts", () => {
  const { probe, said, answer } = aProbe();
  probe.ask(one, pass);
  probe.ask(one, pass);
  answer({ ip: "192.0.2.1", port: 5990 });
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([]);
  expect(probe.cookie).toBe("cookie-192-0-2-1");
});

test("an answer from elsewhere is none", () => {
  const { probe, said, answer } = aProbe();
  probe.ask(one, pass);
  answer({ ip: "192.0.2.1", port: 5990 }, { ip: "192.0.2.1", port: 5991 });
  answer({ ip: "192.0.2.1", port: 5990 }, { ip: "192.0.2.9", port: 5990 });
  vi.advanceTimersByTime(2_000);
  expect(said).toEqual(["unseen after 2 s"]);
  expect(probe.cookie).toBeUndefined();
});

test("a sidecar with addresses of both families is seen by the one that works", () => {
  const both = { ...one, ips: ["192.0.2.1", "2001:db8::1"] };
  const six = aProbe();
  six.probe.ask(both, pass);
  expect(six.asked()).toEqual(["192.0.2.1 5990", "192.0.2.1 5991"]);
  vi.advanceTimersByTime(300);
  expect(six.asked()).toContain("2001:db8::1 5990");
  for (const port of both.ports) six.answer({ ip: "2001:db8::1", port });
  const count = six.sent.length;
  vi.advanceTimersByTime(20_000);
  expect(six.asked(count)).toEqual(["2001:db8::1 5990", "2001:db8::1 5991"]);
  expect([six.probe.ip, six.probe.cookie, six.said]).toEqual(["2001:db8::1", "cookie-2001-db8--1", []]);

  const four = aProbe();
  four.probe.ask(both, pass);
  for (const port of both.ports) four.answer({ ip: "192.0.2.1", port });
  vi.advanceTimersByTime(20_000);
  expect(four.asked()).toEqual(["192.0.2.1 5990", "192.0.2.1 5991"]);
});

test("a sidecar whose address cannot be found is one that does not answer, and may be found later", () => {
  const { probe, said, asked } = aProbe();
  probe.ask({ ...one, ips: [] }, pass);
  vi.advanceTimersByTime(2_000);
  expect(said).toEqual(["unseen after 2 s"]);
  probe.ask(one, pass);
  expect(asked()).toEqual(["192.0.2.1 5990", "192.0.2.1 5991"]);
});

test("nothing is said any more when all is known", () => {
  const { probe, said, sent } = aProbe();
  probe.ask(one, pass);
  probe.stop();
  const count = sent.length;
  vi.advanceTimersByTime(60_000);
  expect([said, sent.length - count]).toEqual([[], 0]);
});
