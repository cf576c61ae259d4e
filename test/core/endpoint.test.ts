import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressBytes, hostInUrl, plainAddress, scopeOf } from "../../core/endpoint.ts";

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

describe("from where an address can be reached", () => {
  for (const [scope, addresses] of Object.entries({
    public: [
      ...["192.0.2.1", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
      ...["172.15.255.255", "172.32.0.0", "192.167.1.1", "192.169.0.0", "169.253.1.1", "223.255.255.255"],
      ...[
        "2001:db8::1",
        "2001:DB8::1",
        "64:ff9b::1",
        "fbff::1",
        "fe7f::1",
        "fec0::1",
        "1::",
        "1:2:3:4:5:6:7:8",
      ],
    ],
    private: [
      ...["10.0.0.1", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "169.254.1.1"],
      ...["100.64.0.0", "100.127.255.255", "fc00::", "fdff::1", "fe80::1", "febf::1", "FE80::1"],
    ],
    loopback: ["127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"],
    unusable: [
      ...["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.2.3", "255.255.255.255", "240.0.0.1", "::", "ff02::1"],
      ...[
        "::2",
        "::7f00:1",
        "::ffff:7f00:1",
        "0::ffff:a00:1",
        "256.1.1.1",
        "1.1.1.256",
        "1.2.3",
        "1.2.3.4.5",
      ],
      ...[
        "",
        " 1.1.1.1",
        "1.1.1.1 ",
        "01.1.1.1",
        "1.1.1.1\n",
        "localhost",
        "a.example",
        "1:2",
        ":",
        ":::",
        "1::2::3",
      ],
      ...[
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::8",
        "12345::",
        "g::1",
        "fe80::1%eth0",
        "::1.2.3.4",
      ],
    ],
  })) {
    for (const address of addresses) {
      test(`${JSON.stringify(address)}: ${scope}`, () => expect(scopeOf(address)).toBe(scope));
    }
  }
});

test("only what is an address to the system has bytes: a socket would ask a resolver for the rest", () => {
  const near = fc.stringMatching(/^[\da-f:.]{1,20}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), near, fc.ipV4(), fc.ipV6()), (text) => {
      const bytes = addressBytes(text);
      if (bytes) expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6);
      if (scopeOf(text) !== "unusable") expect(bytes).not.toBeNull();
    }),
    { numRuns: 5_000 },
  );
});

test("every address has its bytes, but for IPv6 with a dotted end", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
      const isMixed = ip.includes(":") && ip.includes(".");
      expect(addressBytes(ip)?.length ?? null).toBe(isMixed ? null : ip.includes(":") ? 16 : 4);
    }),
  );
});
