/** Which of its own addresses a client tells, and which of a server's it uses. */
import { describe, expect, test } from "vitest";
import {
  alike,
  candidatesOf,
  type OwnAddress,
  oneOfEachFamily,
  reachable,
} from "../../../core/observing/addresses.ts";
import { wireLimits } from "../../../core/wire/limits.ts";

const own = (...addresses: string[]): OwnAddress[] =>
  addresses.map((address) => ({ address, prefixLength: 24 }));
const v4 = (count: number) => Array.from({ length: count }, (_, i) => `192.168.${i}.7`);
const v6 = (count: number) => Array.from({ length: count }, (_, i) => `fd00:${i + 1}::7`);

test("another machine may reach private and public addresses, and no others; IPv4 comes first", () => {
  const all = own(
    "::1",
    "fd00::1",
    "127.0.0.1",
    "fe80::1",
    "169.254.7.7",
    "10.0.0.1",
    "2001:db8::1",
    "203.0.113.1",
  );
  expect(reachable(all)).toEqual(own("10.0.0.1", "203.0.113.1", "fd00::1", "2001:db8::1"));
});

describe("a client tells", () => {
  const told = (addresses: string[], v6Port: number | null = 6) =>
    candidatesOf(own(...addresses), 4, v6Port).map(({ ip, port }) => `${ip} ${port}`);

  test("each address with the port of its family's socket", () => {
    expect(told(["10.0.0.1", "fd00::1"])).toEqual(["10.0.0.1 4", "fd00::1 6"]);
  });
  test("nothing of IPv6 without a socket for it", () => {
    expect(told(["10.0.0.1", "fd00::1"], null)).toEqual(["10.0.0.1 4"]);
  });
  test("no more than the bound, and some of each family", () => {
    for (const [four, six, counts] of [
      [20, 20, [5, 3]],
      [20, 1, [7, 1]],
      [20, 0, [8, 0]],
      [1, 20, [1, 7]],
      [0, 20, [0, 8]],
    ] as const) {
      const all = told([...v4(four), ...v6(six)]);
      expect(all.length).toBeLessThanOrEqual(wireLimits.candidates);
      const isV6 = (each: string) => each.includes(":");
      expect([all.filter((each) => !isV6(each)).length, all.filter(isV6).length]).toEqual(counts);
    }
  });
});

test("of a server's addresses one of each family is used, IPv4 first", () => {
  expect(oneOfEachFamily(["2001:db8::1", "192.0.2.1", "192.0.2.2", "2001:db8::2"])).toEqual([
    "192.0.2.1",
    "2001:db8::1",
  ]);
  expect(oneOfEachFamily(["2001:db8::1"])).toEqual(["2001:db8::1"]);
  expect(oneOfEachFamily([])).toEqual([]);
});

test("a relay is used by the family by which the sidecar was reached, if it has that", () => {
  const both = ["192.0.2.1", "2001:db8::1"];
  expect(alike(both, "198.51.100.1")).toBe("192.0.2.1");
  expect(alike(both, "2001:db8::9")).toBe("2001:db8::1");
  expect(alike(["192.0.2.1"], "2001:db8::9")).toBe("192.0.2.1");
  expect(alike([], "2001:db8::9")).toBeNull();
});
