/** What the Worker issues the sidecar believes, and the other way round: both against vectors neither of them made. */
import { describe, expect, test } from "vitest";
import { type ClientToken, parseToken } from "../../core/token.ts";
import { heartbeatPath, signedText } from "../../core/wire/sidecar-post.ts";
import { clientOf, deriveKey, signPost, tokenKeysOf } from "../../udp-sidecar/keys.ts";
import posts from "../vectors/sidecar-posts.json" with { type: "json" };
import tokens from "../vectors/tokens.json" with { type: "json" };

/** The Worker's half as it is used here. It is imported by address because its types are those of Workers. */
type WorkerKeys = {
  issueToken(env: { ORION_SECRET: string }, holder: string, clientId: string): Promise<string>;
  verifyToken(env: { ORION_SECRET: string }, text: string): Promise<ClientToken | null>;
  verifyPost(env: { ORION_SECRET: string }, path: string, body: string, signature: string): Promise<boolean>;
};
const worker: WorkerKeys = await import(new URL("../../worker/platform/keys.ts", import.meta.url).href);

/** Who the sidecar takes the sender of this token for. */
function sidecarsClient(secret: string, text: string): ClientToken | null {
  const token = parseToken(text);
  return token && clientOf(tokenKeysOf({ secret }), token);
}

describe("a genuine token", () => {
  for (const { why, secret, holder, clientId, token } of tokens.genuine) {
    const env = { ORION_SECRET: secret };
    test(`of ${why} is the one the Worker issues`, async () => {
      expect(await worker.issueToken(env, holder, clientId)).toBe(token);
    });
    test(`of ${why} is believed by the Worker and by the sidecar`, async () => {
      expect(await worker.verifyToken(env, token)).toEqual({ holder, clientId });
      expect(sidecarsClient(secret, token)).toEqual({ holder, clientId });
    });
  }
});

describe("a forged token is believed by neither", () => {
  for (const { why, secret, token } of tokens.forged) {
    test(why, async () => {
      expect(parseToken(token)).not.toBeNull();
      expect(await worker.verifyToken({ ORION_SECRET: secret }, token)).toBeNull();
      expect(sidecarsClient(secret, token)).toBeNull();
    });
  }
});

describe("a misshapen token is believed by neither", () => {
  const [{ secret } = { secret: "" }] = tokens.genuine;
  for (const { why, text } of tokens.misshapen) {
    test(why, async () => {
      expect(await worker.verifyToken({ ORION_SECRET: secret }, text)).toBeNull();
      expect(sidecarsClient(secret, text)).toBeNull();
    });
  }
});

describe("a genuine token of no name is believed by neither", () => {
  for (const { why, secret, token } of tokens.nameless) {
    test(why, async () => {
      expect(parseToken(token)).not.toBeNull();
      expect(await worker.verifyToken({ ORION_SECRET: secret }, token)).toBeNull();
      expect(sidecarsClient(secret, token)).toBeNull();
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
