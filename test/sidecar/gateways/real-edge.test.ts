/** A gateway's sessions at a real edge: what the one signs, the other believes. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { GatewayDialect } from "../../../core/dialects/names.ts";
import type { SidecarKey } from "../../../core/sidecar-key.ts";
import type { Server } from "../../../local/server.ts";
import { keyOf, secret } from "../../../measure/kit/secret.ts";
import { startFaultyServer } from "../../../measure/kit/server.ts";
import type { SessionError } from "../../../session/error.ts";
import { edgeSessionsOf } from "../../../udp-sidecar/gateways/edge-sessions.ts";
import { Turns } from "../../../udp-sidecar/gateways/turns.ts";

const [ann, bo] = ["203.0.113.7", "2001:db8::9"];
const wish = { name: "Ann", isPublic: false, maxMembers: 4 };
const elapsed = () => performance.now();

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, secret });
});
afterAll(() => server.stop());

/** Sessions of a gateway, which are left at the end of the test. `troubles`: what it was told that the edge does not serve. */
function gatewayAt(key: SidecarKey, dialect: GatewayDialect = "rabid") {
  const turns = new Turns(elapsed);
  const troubles: (string | undefined)[] = [];
  const told = (trouble: SessionError | null) => troubles.push(trouble?.code);
  const sessions = edgeSessionsOf({ edge: server.url, key, dialect, turns, clock: Date.now, elapsed, told });
  onTestFinished(() => sessions.stop());
  return { ...sessions, troubles };
}

test.each([
  ["rabid", "rabid:NiceRoom"],
  ["noray", `noray:V1StGXR8_Z5jdHi6B-myT${"x".repeat(43)}`],
] as const)(
  "players of two sidecars meet in a lobby of %s, and its name is free when they have gone",
  async (dialect, code) => {
    const [paris, oslo] = [gatewayAt(keyOf("paris"), dialect), gatewayAt(keyOf("oslo"), dialect)];
    const host = await paris.host(ann, code, wish);
    expect(host.code).toBe(code);
    await expect(oslo.host(bo, code, { ...wish, name: "Bo" })).rejects.toMatchObject({
      code: "name_in_use",
      status: 409,
    });
    const guest = await oslo.join(bo, code, { name: "Bo" });
    const heard = new Promise((resolve) => {
      host.listen((event) => event.kind === "chat" && resolve(event.text));
    });
    await guest.chat("Hello");
    expect(await heard).toBe("Hello");
    await host.leave();
    expect(await guest.closed).toMatchObject({ reason: "host_left" });
    const next = await oslo.host(bo, code, { ...wish, name: "Bo" });
    expect(next.members.map(({ name }) => name)).toEqual(["Bo"]);
  },
);

test("a gateway whose key is none of this deployment is refused, and learns why", async () => {
  const { host, troubles } = gatewayAt(keyOf("paris", { under: "another secret, of 32 characters" }));
  await expect(host(ann, "rabid:NoKey", wish, { forMs: 500 })).rejects.toThrow();
  expect(troubles).toContain("invalid_gateway");
});
