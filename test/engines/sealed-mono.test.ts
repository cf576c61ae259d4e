/** Encrypted links in C#, by what Mono and Unity have: it derives the keys, seals and opens the packets of the vectors, as every other client does. */
import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { payloadKinds } from "../../core/sealing/sealed.ts";

const hasMono = ["mcs", "mono"].every((program) => spawnSync(program, ["--version"]).status === 0);
if (!hasMono) console.warn("Skipped: C# needs mcs and mono (Debian's mono-mcs and mono-runtime).");

const vectors = JSON.parse(
  readFileSync(new URL("../../conformance/vectors/sealed.json", import.meta.url), "utf8"),
);
const { identity, shared, keys, packets } = vectors;
type Packet = { kind: keyof typeof payloadKinds; text: string; packet: string };
const hexOf = (text: string) => Buffer.from(text).toString("hex") || "-";

describe.skipIf(!hasMono)("In C#", () => {
  let folder: string;
  let program: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "orion-edge-mono-"));
    program = join(folder, "sealed.exe");
    const sources = ["mono/sealed.cs", "../../examples/csharp/Sealing.cs"].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    );
    execFileSync("mcs", ["-optimize+", "-langversion:6", "-r:System.Core", `-out:${program}`, ...sources]);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Its answers to these lines. */
  const answers = (...lines: string[]) =>
    execFileSync("mono", [program], { input: `${lines.join("\n")}\n`, encoding: "utf8" })
      .trim()
      .split("\n");

  test("the keys of the vectors are derived, with the safety code", () => {
    const { link, pairKey, clients } = identity;
    const ends = [clients.a, clients.b].map(
      ({ clientId, commitment, features }) => `${clientId} ${commitment} ${features.join(",")}`,
    );
    const { aCipher, aMac, bCipher, bMac, confirm, safetyCode } = keys;
    expect(answers(`derive ${link} ${pairKey} ${shared} ${ends.join(" ")}`)).toEqual([
      `${aCipher}${aMac}${bCipher}${bMac}${confirm} ${safetyCode}`,
    ]);
  });

  test("the packets of the vectors are sealed and opened, and a changed one is forged", () => {
    const direction = `${keys.aCipher} ${keys.aMac}`;
    const known: Packet[] = packets;
    const seals = known.map(
      ({ kind, text }, i) => `seal ${direction} ${identity.link} ${i} ${payloadKinds[kind]} ${hexOf(text)}`,
    );
    expect(answers(...seals)).toEqual(known.map(({ packet }) => packet));
    const opens = known.map(({ packet }) => `open ${direction} ${packet}`);
    expect(answers(...opens)).toEqual(
      known.map(({ kind, text }) => `0${payloadKinds[kind]}${hexOf(text).replace("-", "")}`),
    );
    const forged = known.map(({ packet }) => `open ${direction} ${flipped(packet)}`);
    expect(answers(...forged)).toEqual(known.map(() => "forged"));
  });

  test("two agree on the key that Node finds", () => {
    const pairs = Array.from({ length: 4 }, () => [randomBytes(32), randomBytes(32)] as const);
    const lines = pairs.map((pair) => `agree ${pair.map((key) => key.toString("hex")).join(" ")}`);
    expect(answers(...lines)).toEqual(pairs.map(([one, other]) => agreedByNode(one, other)));
  });

  test("a packet of 1 000 bytes costs what a game can afford", () => {
    const cost: Record<"sealUs" | "openUs" | "agreeUs", number> = JSON.parse(answers("cost")[0] ?? "{}");
    console.log(`C#: ${JSON.stringify(cost)} for packets of 1 000 bytes`);
    // A game that sends 60 packets a second to 15 peers has 1 100 us for each.
    expect(cost.sealUs).toBeLessThan(500);
    expect(cost.openUs).toBeLessThan(500);
    expect(cost.agreeUs).toBeLessThan(100_000);
  });
});

/** With one bit of the ciphertext changed. */
function flipped(packet: string): string {
  const bytes = Buffer.from(packet, "hex");
  bytes[13] = (bytes[13] ?? 0) ^ 1;
  return bytes.toString("hex");
}

function agreedByNode(one: Buffer, other: Buffer): string {
  // A PKCS #8 key of X25519 is these bytes, and then the key.
  const head = Buffer.from("302e020100300506032b656e04220420", "hex");
  const [privateKey, peer] = [one, other].map((key) =>
    createPrivateKey({ key: Buffer.concat([head, key]), format: "der", type: "pkcs8" }),
  );
  if (!privateKey || !peer) throw new Error("no keys");
  return diffieHellman({ privateKey, publicKey: createPublicKey(peer) }).toString("hex");
}
