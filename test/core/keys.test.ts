/** What the Worker issues the sidecar believes, and the other way round: both against vectors neither of them made. */
import { describe, expect, test } from "vitest";
import { type CodeBook, lobbyIdAt, slotsOf } from "../../core/lobby/lobby-id.ts";
import { parseToken } from "../../core/token.ts";
import { heartbeatPath, signedText } from "../../core/wire/sidecar-post.ts";
import { deriveKey, isGenuine, signPost } from "../../udp-sidecar/keys.ts";
import codes from "../vectors/codes.json" with { type: "json" };
import posts from "../vectors/sidecar-posts.json" with { type: "json" };
import tokens from "../vectors/tokens.json" with { type: "json" };

/** The Worker's half as it is used here. It is imported by address because its types are those of Workers. */
type WorkerKeys = {
  issueToken(env: { ORION_SECRET: string }, home: string, clientId: string): Promise<string>;
  verifyToken(env: { ORION_SECRET: string }, text: string): Promise<ReturnType<typeof parseToken>>;
  verifyPost(env: { ORION_SECRET: string }, path: string, body: string, signature: string): Promise<boolean>;
};
const worker: WorkerKeys = await import(new URL("../../worker/keys.ts", import.meta.url).href);

type CodesEnv = { ORION_SECRET: string; homes: number };
type WorkerCodes = {
  codesOf(env: CodesEnv): Promise<CodeBook>;
  homesOf(env: CodesEnv, lobbyId: string): Promise<string[]>;
};
const { codesOf, homesOf }: WorkerCodes = await import(
  new URL("../../worker/codes.ts", import.meta.url).href
);

function sidecarBelieves(secret: string, text: string): boolean {
  const token = parseToken(text);
  return token !== null && isGenuine([deriveKey(secret, "token")], token);
}

describe("a genuine token", () => {
  for (const { why, secret, home, clientId, token } of tokens.genuine) {
    const env = { ORION_SECRET: secret };
    test(`of ${why} is the one the Worker issues`, async () => {
      expect(await worker.issueToken(env, home, clientId)).toBe(token);
    });
    test(`of ${why} is believed by the Worker and by the sidecar`, async () => {
      expect(await worker.verifyToken(env, token)).toMatchObject({ home, clientId });
      expect(sidecarBelieves(secret, token)).toBe(true);
    });
  }
});

describe("a forged token is believed by neither", () => {
  for (const { why, secret, token } of tokens.forged) {
    test(why, async () => {
      expect(parseToken(token)).not.toBeNull();
      expect(await worker.verifyToken({ ORION_SECRET: secret }, token)).toBeNull();
      expect(sidecarBelieves(secret, token)).toBe(false);
    });
  }
});

describe("a misshapen token is believed by neither", () => {
  const [{ secret } = { secret: "" }] = tokens.genuine;
  for (const { why, text } of tokens.misshapen) {
    test(why, async () => {
      expect(await worker.verifyToken({ ORION_SECRET: secret }, text)).toBeNull();
      expect(sidecarBelieves(secret, text)).toBe(false);
    });
  }
});

describe("the codes of lobbies", () => {
  // One after the other: what an isolate remembers of one deployment is not taken for another's.
  for (const { secret, homes, slots, lobbies, nobodys } of codes.books) {
    const env = { ORION_SECRET: secret, homes };
    test(`of ${homes} homes under the secret "${secret}" are the deployment's own, and lead home`, async () => {
      const book = await codesOf(env);
      expect(slotsOf(book)).toBe(slots);
      for (const { home, slot, code } of lobbies) {
        expect(lobbyIdAt(book, home, slot)).toBe(code);
        expect(await homesOf(env, code)).toEqual([String(home)]);
      }
      for (const code of nobodys) expect(await homesOf(env, code)).toEqual([]);
    });
  }
});

describe("a sidecar's post", () => {
  for (const { why, secret, path, body, signature } of posts.posts) {
    const env = { ORION_SECRET: secret };
    test(`of ${why} is signed by the sidecar, and believed by the Worker`, async () => {
      expect(signPost(deriveKey(secret, "sidecar"), path, body)).toBe(signature);
      expect(await worker.verifyPost(env, path, body, signature)).toBe(true);
    });
    test(`of ${why} is not believed with another path, body, secret or signature`, async () => {
      const other = signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
      expect(await worker.verifyPost(env, `${path}/`, body, signature)).toBe(false);
      expect(await worker.verifyPost(env, path, `${body} `, signature)).toBe(false);
      expect(await worker.verifyPost({ ORION_SECRET: `${secret}!` }, path, body, signature)).toBe(false);
      expect(await worker.verifyPost(env, path, body, other)).toBe(false);
      expect(await worker.verifyPost(env, path, body, "")).toBe(false);
      expect(await worker.verifyPost(env, path, body, signature.slice(0, 62))).toBe(false);
    });
  }
});

test("a post signed with the key of tokens is not believed", async () => {
  const [{ secret } = { secret: "" }] = posts.posts;
  const signature = signPost(deriveKey(secret, "token"), heartbeatPath, "{}");
  expect(await worker.verifyPost({ ORION_SECRET: secret }, heartbeatPath, "{}", signature)).toBe(false);
});

test("a signature covers the path and the body, and not one for the other", () => {
  expect(signedText("/a", "b")).toBe("/a\nb");
});
