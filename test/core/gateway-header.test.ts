/** The header of a gateway's request: what a sidecar signs and the Worker believes, against vectors that neither of them made. */
import { describe, expect, test } from "vitest";
import { gatewayDialects } from "../../core/dialects/names.ts";
import { type SidecarId, type SidecarKeyUse, sidecarKeyLabels } from "../../core/sidecar-key.ts";
import {
  type GatewayClaim,
  type GatewayRequest,
  gatewayPath,
  parseGatewayHeader,
} from "../../core/wire/gateway.ts";
import { sidecarKeyOf } from "../../local/sidecar-key.ts";
import { deriveKey, signGateway } from "../../udp-sidecar/keys.ts";
import vectors from "../vectors/gateway-headers.json" with { type: "json" };

type Secrets = { ORION_SECRET: string; ORION_SECRET_BEFORE?: string };
type Signed = GatewayClaim & { mac: string };
/** Imported by address, because its types are those of Workers. */
type WorkerKeys = {
  verifyGateway(env: Secrets, sidecar: SidecarId, signed: Signed, request: GatewayRequest): Promise<boolean>;
};
const worker: WorkerKeys = await import(new URL("../../worker/platform/keys.ts", import.meta.url).href);

function claimOf(header: string): Signed {
  const claim = parseGatewayHeader(header);
  if (!claim) throw new Error(`This is no header: ${header}`);
  return claim;
}

for (const { why, secret, number, method, path, header, ...about } of vectors.headers) {
  const env = { ORION_SECRET: secret };
  const id = { name: about.sidecar, number };
  const dialect = gatewayDialects.find((one) => one === about.dialect) ?? "rabid";
  const claim = { ...about, dialect };

  describe(`the header for ${why}`, () => {
    test("is made by the sidecar, and believed by the Worker", async () => {
      const key = deriveKey(sidecarKeyOf(secret, id), "gateway");
      expect(signGateway(key, claim, { method, path })).toBe(header);
      expect(claimOf(header)).toEqual({ ...claim, mac: header.split(" ")[4] });
      expect(await worker.verifyGateway(env, id, claimOf(header), { method, path })).toBe(true);
    });

    test("is not believed with anything in it changed, nor for another request", async () => {
      const signed = claimOf(header);
      const isBelieved = (change: Partial<Signed & GatewayRequest & SidecarId>, by: Secrets = env) => {
        const {
          name: as,
          number: of,
          method: asked,
          path: at,
          ...rest
        } = { ...id, method, path, ...signed, ...change };
        return worker.verifyGateway(by, { name: as, number: of }, rest, { method: asked, path: at });
      };
      expect(await isBelieved({})).toBe(true);
      expect(await isBelieved({ sidecar: "oslo", name: "oslo" })).toBe(false);
      expect(await isBelieved({ sidecar: "oslo" })).toBe(false);
      expect(await isBelieved({ number: number + 1 })).toBe(false);
      expect(await isBelieved({ dialect: dialect === "rabid" ? "noray" : "rabid" })).toBe(false);
      expect(await isBelieved({ address: "192.0.2.2" })).toBe(false);
      expect(await isBelieved({ at: signed.at + 1 })).toBe(false);
      expect(await isBelieved({ method: method === "GET" ? "POST" : "GET" })).toBe(false);
      expect(await isBelieved({ path: `${path}/` })).toBe(false);
      expect(await isBelieved({ path: `${path}?` })).toBe(false);
      expect(
        await isBelieved({ mac: signed.mac.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) }),
      ).toBe(false);
      expect(await isBelieved({}, { ORION_SECRET: `${secret}!` })).toBe(false);
      expect(await isBelieved({}, { ORION_SECRET: `${secret}!`, ORION_SECRET_BEFORE: secret })).toBe(true);
    });
  });
}

test("a header signed with another of the sidecar's keys is not believed", async () => {
  const secret = "0123456789abcdef";
  const id = { name: "paris", number: 1 };
  const request = { method: "GET", path: "/" };
  const claim = { sidecar: "paris", dialect: "rabid", address: "192.0.2.1", at: 1_800_000_000_000 } as const;
  for (const use of Object.keys(sidecarKeyLabels) as SidecarKeyUse[]) {
    const signed = claimOf(signGateway(deriveKey(sidecarKeyOf(secret, id), use), claim, request));
    const isBelieved = worker.verifyGateway({ ORION_SECRET: secret }, id, signed, request);
    expect(await isBelieved, use).toBe(use === "gateway");
  }
});

test("a header of another shape is none", () => {
  const mac = "0".repeat(64);
  expect(parseGatewayHeader(`paris rabid 192.0.2.1 1800000000000 ${mac}`)).not.toBeNull();
  const wrong = [
    "",
    `paris rabid 192.0.2.1 1800000000000`,
    `paris rabid 192.0.2.1 1800000000000 ${mac}0`,
    `paris rabid 192.0.2.1 1800000000000 ${mac} `,
    ` paris rabid 192.0.2.1 1800000000000 ${mac}`,
    `paris  rabid 192.0.2.1 1800000000000 ${mac}`,
    `paris rabid 192.0.2.1 1800000000000 ${mac.replace("0", "A")}`,
    `paris rabid 192.0.2.1 -1 ${mac}`,
    `paris rabid 192.0.2.1 1e12 ${mac}`,
    `paris rabid 192.0.2.1 01800000000000 ${mac}`,
    `paris rabid 192.0.2.1 9999999999999999 ${mac}`,
    `paris rabid 192.0.2.256 1800000000000 ${mac}`,
    `paris rabid 192.0.2.1:80 1800000000000 ${mac}`,
    `paris rabid ... 1800000000000 ${mac}`,
    `paris rabid localhost 1800000000000 ${mac}`,
    `paris orion 192.0.2.1 1800000000000 ${mac}`,
    `paris groovejet 192.0.2.1 1800000000000 ${mac}`,
    `paris constructor 192.0.2.1 1800000000000 ${mac}`,
    `${"a".repeat(33)} rabid 192.0.2.1 1800000000000 ${mac}`,
    `a/b rabid 192.0.2.1 1800000000000 ${mac}`,
  ];
  for (const text of wrong) expect(parseGatewayHeader(text), text).toBeNull();
});

test("a path is that of the URL, with its query", () => {
  expect(gatewayPath(new URL("ws://edge.example/lobbies/rabid:A?x=1#y"))).toBe("/lobbies/rabid:A?x=1");
  expect(gatewayPath(new URL("https://edge.example"))).toBe("/");
});
