import { expect, test } from "vitest";
import { mappingOf } from "../../core/mapping.ts";

const endpoint = { ip: "203.0.113.5", port: 40_000 };

test("a client that was seen at one port of the sidecar only may have any NAT", () => {
  expect(mappingOf({ endpoint })).toBe("unknown");
  expect(mappingOf({ endpoint, second: undefined })).toBe("unknown");
});

test("one endpoint for both ports of the sidecar is one for all", () => {
  expect(mappingOf({ endpoint, second: { ...endpoint } })).toBe("endpoint-independent");
});

test("another port, or another address, for another port of the sidecar: one for each destination", () => {
  expect(mappingOf({ endpoint, second: { ...endpoint, port: 40_001 } })).toBe("endpoint-dependent");
  expect(mappingOf({ endpoint, second: { ...endpoint, ip: "203.0.113.6" } })).toBe("endpoint-dependent");
});
