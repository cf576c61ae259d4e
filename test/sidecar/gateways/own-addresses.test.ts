/** Which addresses a gateway takes for its own. */
import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { OwnAddresses } from "../../../udp-sidecar/gateways/noray/own-addresses.ts";

const listed = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .filter(({ family }) => family === "IPv4")
  .map(({ address }) => address);
const others = ["192.0.2.1", "8.8.8.8"];

test("a gateway on all addresses has those of the machine, all of the loopback, and its public one", () => {
  const own = new OwnAddresses("0.0.0.0", "203.0.113.1");
  for (const ip of [...listed, "127.0.0.1", "127.9.9.9", "203.0.113.1"]) expect(own.has(ip)).toBe(true);
  own.refresh();
  expect(others.map((ip) => own.has(ip))).toEqual([false, false]);
  expect(own.has("203.0.113.1")).toBe(true);
});

test("a gateway on one address has that one and its public one: another may be at others of the machine", () => {
  const own = new OwnAddresses("192.0.2.7", "203.0.113.1");
  expect(["192.0.2.7", "203.0.113.1"].map((ip) => own.has(ip))).toEqual([true, true]);
  expect([...others, "127.0.0.1"].map((ip) => own.has(ip))).toEqual([false, false, false]);
});
