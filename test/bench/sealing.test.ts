/** What it costs to seal and open a packet, beside AES-GCM by a cipher for each packet, in one process. */
import { createCipheriv, createSecretKey, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { Sealing } from "../../core/sealing/sealed.ts";

const bytes = new Uint8Array(1_000);
const packets = 200;
const rounds = 100;

/** Microseconds for one, in the best round. */
function best(run: (i: number) => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const begunAt = performance.now();
    for (let i = 0; i < packets; i++) run(i);
    least = Math.min(least, ((performance.now() - begunAt) * 1_000) / packets);
  }
  return least;
}

test("sealing a packet, or opening it, costs no more than half as much again as one AES-GCM", () => {
  const keysOf = () => ({ cipher: randomBytes(16), mac: randomBytes(16) });
  const keys = { from: { a: keysOf(), b: keysOf() }, confirm: randomBytes(32), safetyCode: "" };
  const [a, b] = [new Sealing(nodeCrypto, 5, "a", keys), new Sealing(nodeCrypto, 5, "b", keys)];
  const sealed: Uint8Array[] = [];
  const sealUs = best(() => sealed.push(a.seal("game", bytes) ?? bytes));
  let next = 0;
  const openUs = best(() => expectOpen(b.open(sealed[next++] ?? bytes)));
  const [key, nonce] = [createSecretKey(randomBytes(16)), randomBytes(12)];
  const gcmUs = best((i) => {
    nonce.writeUInt32BE(i);
    const cipher = createCipheriv("aes-128-gcm", key, nonce);
    return [cipher.update(bytes), cipher.final(), cipher.getAuthTag()];
  });
  console.log(
    `of 1 000 bytes: seal ${sealUs.toFixed(1)} us, open ${openUs.toFixed(1)} us, AES-GCM ${gcmUs.toFixed(1)} us`,
  );
  expect(sealUs / gcmUs).toBeLessThan(1.5);
  expect(openUs / gcmUs).toBeLessThan(1.5);
}, 60_000);

function expectOpen(opened: ReturnType<Sealing["open"]>): void {
  if (typeof opened === "string") throw new Error(opened);
}
