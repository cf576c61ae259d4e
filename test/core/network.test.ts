import { expect, test } from "vitest";
import { neighbourhoodOf, networkOf, networksOf, ownersNetworkOf } from "../../core/network.ts";

test.each([
  ["203.0.113.7", "203.0.113.7", "203.0.113.0/24"],
  [" 203.0.113.7 ", "203.0.113.7", "203.0.113.0/24"],
  ["::ffff:203.0.113.7", "203.0.113.7", "203.0.113.0/24"],
  ["192.168.1.20", "192.168.1.20", "192.168.1.0/24"],
  ["2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002/64", "2001:0db8:0001/48"],
  ["2001:DB8:1:2::", "2001:0db8:0001:0002/64", "2001:0db8:0001/48"],
  ["2001:db8::1", "2001:0db8:0000:0000/64", "2001:0db8:0000/48"],
])("%s is counted as %s, and logged as %s", (address, network, neighbourhood) => {
  expect(networkOf(address)).toBe(network);
  expect(neighbourhoodOf(network)).toBe(neighbourhood);
  expect(ownersNetworkOf(address)).toBe(network.endsWith("/64") ? neighbourhood : network);
});

test.each(["", "127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost", "1.2.3", "203.0.113.7, 198.51.100.1"])(
  '"%s" is counted as nobody',
  (text) => {
    expect(networkOf(text)).toBeNull();
    expect(ownersNetworkOf(text)).toBeNull();
  },
);

test.each([
  ["203.0.113.7", { "203.0.113.7": 1, "203.0.113.0/24": 8 }],
  [
    "2001:db8:1:234:3:4:5:6",
    {
      "2001:0db8:0001:0234/64": 1,
      "2001:0db8:0001:0200/56": 2,
      "2001:0db8:0001/48": 4,
      "2001:0db8/32": 32,
    },
  ],
  ["127.0.0.1", {}],
  ["nobody", {}],
])("%s is in networks that have shares each: %j", (address, shares) => {
  expect(Object.fromEntries(networksOf(address).map((one) => [one.name, one.shares]))).toEqual(shares);
});

test.each(["203.0.113.7", "2001:db8:1:234::5"])(
  "no network of %s is logged as narrower than a /24 or a /48",
  (address) => {
    for (const { name } of networksOf(address))
      expect(neighbourhoodOf(name)).toMatch(/^[\d.]+\/24$|\/(48|32)$/);
  },
);

test.each([
  ["203.0.113.7", ["fra-1 1 203.0.113.7", "fra-1 1 203.0.113.0/24"]],
  [
    "2001:db8:1:2::3",
    ["2001:0db8:0001:0002/64", "2001:0db8:0001:0000/56", "2001:0db8:0001/48", "2001:0db8/32"].map(
      (name) => `fra-1 1 ${name}`,
    ),
  ],
  ["127.0.0.1", []],
])("%s through a sidecar's gateways is counted apart, with the same shares", (address, names) => {
  const [through, itself] = [networksOf(address, "fra-1 1"), networksOf(address)];
  expect(through.map(({ name }) => name)).toEqual(names);
  expect(through.map(({ shares }) => shares)).toEqual(itself.map(({ shares }) => shares));
  expect(through.map(({ name }) => neighbourhoodOf(name))).toEqual(
    itself.map(({ name }) => `fra-1 1 ${neighbourhoodOf(name)}`),
  );
});
