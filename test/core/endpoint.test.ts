import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hostInUrl, plainAddress } from "../../core/endpoint.ts";

describe("an address as it is told to other players", () => {
  for (const [address, told] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["::ffff:C000:0201", "192.0.2.1"],
    ["::ffff:0:1", "0.0.0.1"],
    ["::ffff:ffff:ffff", "255.255.255.255"],
    ["::ffff:127.0.0.1%lo", "127.0.0.1"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:db8::ffff:c000:201", "2001:db8::ffff:c000:201"],
    ["::1", "::1"],
    ["::", "::"],
    ["::ffff:0:0:1", "::ffff:0:0:1"],
    ["::fffe:c000:201", "::fffe:c000:201"],
    ["", ""],
  ] as const) {
    test(`${address || "nothing"} is ${told || "nothing"}`, () => expect(plainAddress(address)).toBe(told));
  }
});

test("every IPv4 address is told the same, mapped or not", () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), ([a, b, c, d]) => {
      const dotted = `${a}.${b}.${c}.${d}`;
      const hex = [a * 256 + b, c * 256 + d].map((part) => part.toString(16)).join(":");
      expect(plainAddress(dotted)).toBe(dotted);
      expect(plainAddress(`::ffff:${dotted}`)).toBe(dotted);
      expect(plainAddress(`::ffff:${hex}`)).toBe(dotted);
    }),
  );
});

test("every IPv6 address is told without its zone, and any text is some text", () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.string(), (address, zone) => {
      expect(plainAddress(`${address}%${zone}`)).toBe(plainAddress(address));
      expect(plainAddress(zone)).toBeTypeOf("string");
    }),
  );
});

test("telling an address again changes nothing", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (address) => {
      expect(plainAddress(plainAddress(address))).toBe(plainAddress(address));
    }),
  );
});

test("a host in a URL: IPv6 in brackets, anything else as it is", () => {
  expect(hostInUrl("2001:db8::1")).toBe("[2001:db8::1]");
  expect(hostInUrl("192.0.2.1")).toBe("192.0.2.1");
  expect(hostInUrl("paris.example")).toBe("paris.example");
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4(), fc.domain()), (host) => {
      expect(URL.canParse(`http://${hostInUrl(host)}:5980/`)).toBe(true);
    }),
  );
});
