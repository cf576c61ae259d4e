import { expect, test } from "vitest";
import { Admission } from "../../../core/dialects/admission.ts";

const ann = { ip: "203.0.113.7", port: 40_000 };

test("one datagram shows nothing, however often its source is claimed at once", () => {
  const admission = new Admission();
  expect(admission.hear(ann, 0)).toBe("new");
  expect(admission.hear(ann, 399)).toBe("new");
  expect(admission.hear({ ...ann, port: 40_001 }, 400)).toBe("new");
});

test("a player that says it again after 400 ms may have a session", () => {
  const admission = new Admission();
  admission.hear(ann, 0);
  expect(admission.hear(ann, 400)).toBe("repeated");
  expect(admission.hear(ann, 900)).toBe("repeated");
});

test("an endpoint is a steady one after three datagrams over one second", () => {
  const admission = new Admission();
  const standings = [0, 500, 999, 1_000].map((now) => admission.hear(ann, now));
  expect(standings).toEqual(["new", "repeated", "repeated", "steady"]);
  const slow = new Admission();
  expect([0, 2_000, 4_000].map((now) => slow.hear(ann, now))).toEqual(["new", "repeated", "steady"]);
});

test("an endpoint that falls silent is a stranger again", () => {
  const admission = new Admission();
  for (const now of [0, 500, 1_000]) admission.hear(ann, now);
  expect(admission.hear(ann, 6_000)).toBe("steady");
  expect(admission.hear(ann, 11_001)).toBe("new");
});

test("an address has ten datagrams at once, and five a second, from all its ports together", () => {
  const admission = new Admission();
  const heard = (now: number, times: number) =>
    Array.from({ length: times }, (_, i) => admission.hear({ ip: ann.ip, port: 1_000 + i }, now)).filter(
      (standing) => standing !== "rate",
    ).length;
  expect(heard(0, 1_000)).toBe(10);
  expect(heard(1_000, 1_000)).toBe(5);
  expect(admission.hear({ ip: "203.0.113.8", port: 1 }, 1_000)).toBe("new");
});

test("strangers take nothing of what a player with a session may send, though they have its address", () => {
  const admission = new Admission();
  for (let i = 0; i < 1_000; i++) admission.hear({ ...ann, port: 1_000 + i }, 0);
  const heard = Array.from({ length: 20 }, () => admission.hear(ann, 0, true));
  expect(heard.filter((standing) => standing !== "rate")).toHaveLength(10);
  expect(admission.hear({ ...ann, port: 1 }, 0)).toBe("rate");
});

test("10 000 players of one address get eight sessions", () => {
  const admission = new Admission();
  const refusals = Array.from({ length: 10_000 }, () => admission.enter(ann.ip));
  expect(refusals.filter((refusal) => refusal === null)).toHaveLength(8);
  expect(refusals.at(-1)).toBe("address_full");
  expect(admission.open).toBe(8);
  admission.leave(ann.ip);
  expect(admission.enter(ann.ip)).toBeNull();
});

test.each([
  ["an IPv4 /24", (i: number) => `203.0.113.${i}`],
  ["an IPv6 /48", (i: number) => `2001:db8:77:${i.toString(16)}::1`],
])("all of %s get 20 sessions", (_, addressOf) => {
  const admission = new Admission();
  const refusals = Array.from({ length: 200 }, (_, i) => admission.enter(addressOf(i)));
  expect(refusals.filter((refusal) => refusal === null)).toHaveLength(20);
  expect(refusals.at(-1)).toBe("network_full");
});

test("an IPv6 household is one address", () => {
  const admission = new Admission();
  const refusals = Array.from({ length: 9 }, (_, i) => admission.enter(`2001:db8::${i + 1}`));
  expect(refusals.filter((refusal) => refusal === null)).toHaveLength(8);
  expect(refusals.at(-1)).toBe("address_full");
});

test("a gateway has 2 000 sessions, this machine's own among them", () => {
  const admission = new Admission();
  const refusals = Array.from({ length: 2_001 }, () => admission.enter("127.0.0.1"));
  expect(refusals.filter((refusal) => refusal === null)).toHaveLength(2_000);
  expect(refusals.at(-1)).toBe("gateway_full");
});

test("an operator can allow more", () => {
  const limits = { addressSessions: 8, wideSessions: 9, sessions: 100, addressDatagramsPerSecond: 50 };
  const admission = new Admission(limits);
  expect(Array.from({ length: 9 }, () => admission.enter(ann.ip)).at(-1)).toBe("address_full");
  const heard = Array.from({ length: 200 }, () => admission.hear(ann, 0));
  expect(heard.filter((standing) => standing !== "rate")).toHaveLength(100);
});

test("a session that has left is counted nowhere", () => {
  const admission = new Admission();
  for (let i = 0; i < 20; i++) admission.enter(`203.0.113.${i}`);
  for (let i = 0; i < 20; i++) admission.leave(`203.0.113.${i}`);
  expect(admission.open).toBe(0);
  expect(admission.enter("203.0.113.250")).toBeNull();
});

test("made-up sources without end cost bounded memory", () => {
  const admission = new Admission();
  for (let i = 0; i < 200_000; i++) {
    admission.hear({ ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port: 9 }, i / 1_000);
  }
  expect(admission.remembered).toBeLessThanOrEqual(2 * 32_768);
});
