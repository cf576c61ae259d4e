/** The encryption of the Godot addon: it derives the keys, seals and opens the packets of the vectors, as every other client does. */
import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";

const vectors = readFileSync(new URL("../../conformance/vectors/sealed.json", import.meta.url), "utf8");

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
  }, installMs);

  test("GDScript seals and opens what the vectors have, and agrees on keys as others do", async () => {
    const program = makeGodotProject("sealed").run("sealed.gd", vectors);
    expect(await program.ended).toBe(0);
    const line = program.output.split("\n").find((text) => text.startsWith("{")) ?? "{}";
    const { keys, packets, opened, agreed, cost, ...rest } = JSON.parse(line);
    const known = JSON.parse(vectors);
    expect(keys).toEqual(known.keys);
    expect(packets).toEqual(known.packets.map(({ packet }: { packet: string }) => packet));
    expect(opened).toEqual(known.packets.map(({ text }: { text: string }) => text));
    expect(rest).toEqual({ is_forged_opened: false, is_repeated_opened: false });
    expect(agreed).toBe(agreedByNode());
    console.log(`GDScript: ${JSON.stringify(cost)} for packets of 1 000 bytes`);
  }, 60_000);
});

/** What the two private keys in the script agree on. */
function agreedByNode(): string {
  const script = readFileSync(new URL("addon/sealed.gd", import.meta.url), "utf8");
  const [alice, bob] = [...script.matchAll(/:= "([\da-f]{64})"\.hex_decode/g)].map(([, hex = ""]) => hex);
  // A PKCS #8 key of X25519 is these bytes, and then the key.
  const privateOf = (hex = "") =>
    createPrivateKey({
      key: Buffer.from(`302e020100300506032b656e04220420${hex}`, "hex"),
      format: "der",
      type: "pkcs8",
    });
  return diffieHellman({ privateKey: privateOf(alice), publicKey: createPublicKey(privateOf(bob)) }).toString(
    "hex",
  );
}
