/** Somebody posts with a sidecar's key as fast as he can: what of that costs the operator. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { postAsSidecar, secret, tokenOf } from "../../measure/kit/secret.ts";
import { crash, setLimits, spoilCounting, startFaultyServer } from "../../measure/kit/server.ts";

const heartbeat = "/sidecar/heartbeat";
const observations = "/sidecar/observations";
/** So many are within what the tests' counting lets pass. */
const limit = 60;
const refused = { status: 429, body: { codes: ["too_many_requests"] }, retryAfter: "60" };

let server: Server;
beforeAll(async () => {
  server = await startFaultyServer({ udpPort: null, secret });
  for (const binding of ["HEARTBEATS", "OBSERVATIONS"]) await spoilCounting(server.url, binding, "exact");
});
afterAll(() => server.stop());

let at = Date.now();
function beat(name: string, more: object = {}) {
  at += 1;
  return postAsSidecar(server.url, heartbeat, { name, at, port: 5990, load: 0, ...more });
}
/** A post that tells so many objects, of clients that they do not hold. */
function tell(name: string, objects: number) {
  const some = Array.from({ length: objects }, (_, i) => {
    const clientId = String(i).padStart(16, "0");
    const proof = { kind: "token", text: tokenOf(clientId, { holder: `l${2_000 + i}` }) };
    return { clientId, proof, ip: "192.0.2.66", port: 666 };
  });
  return postAsSidecar(server.url, observations, { observations: some }, { name });
}

test("a sidecar's heartbeats are bounded, and nobody without its key uses them up", async () => {
  for (let i = 0; i < 2 * limit; i++) {
    const forged = { name: "one", at, port: 5990, load: 0 };
    expect((await postAsSidecar(server.url, heartbeat, forged, { name: "one", number: 7 })).status).toBe(401);
  }
  for (let i = 0; i < limit; i++) expect((await beat("one")).status).toBe(200);
  for (let i = 0; i < 3; i++) expect(await beat("one")).toMatchObject(refused);
  expect((await beat("another")).status).toBe(200);
  // What it sees is counted apart.
  expect((await tell("one", 0)).status).toBe(200);
});

test("so are its posts, by the objects that they tell", async () => {
  for (let i = 0; i < limit; i++) expect((await tell("small", 0)).status).toBe(200);
  expect(await tell("small", 0)).toMatchObject(refused);
  // Fifty objects count like ten posts more.
  for (let i = 0; i < 5; i++) expect((await tell("large", 50)).body).toMatchObject({ calls: 50 });
  expect(await tell("large", 50)).toMatchObject(refused);
});

test("of a sidecar that beats faster than it should, few heartbeats are rows", async () => {
  await setLimits(server.url, { fleetRowBurst: 10, fleetRowsPerSecond: 0 });
  const times: number[] = [];
  for (let i = 0; i < 14; i++) {
    expect((await beat("fast", { leaving: i % 4 === 3 || undefined })).status).toBe(200);
    times.push(at);
  }
  const again = async (i: number) => (await beat("fast", { at: times[i] })).status;
  expect(await again(13)).toBe(400);
  // What is not in a row is forgotten with the object's memory, and only that.
  await crash(server.url, { fleet: "fleet" });
  expect(await again(9)).toBe(400);
  expect(await again(10)).toBe(200);
});
