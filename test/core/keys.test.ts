/** What the Worker issues and the sidecar believes, and the other way round: both against vectors neither of them made. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { parseSidecarKey, type SidecarId, sidecarKeyText } from "../../core/sidecar-key.ts";
import { type ClientToken, parseToken } from "../../core/token.ts";
import { heartbeatPath, signedText } from "../../core/wire/sidecar-post.ts";
import { sidecarKeyOf } from "../../local/sidecar-key.ts";
import { deriveKey, filtersOf, isLikely, macOf, signPost } from "../../udp-sidecar/keys.ts";
import posts from "../vectors/sidecar-posts.json" with { type: "json" };
import tokens from "../vectors/tokens.json" with { type: "json" };

type Secrets = { ORION_SECRET: string; ORION_SECRET_BEFORE?: string };
type Post = { path: string; body: string; signature: string };
type ForPass = ClientToken & { mediation: string; expiresAt: number };
/** The Worker's half as it is used here. It is imported by address because its types are those of Workers. */
type WorkerKeys = {
  issueToken(env: Secrets, holder: string, clientId: string, now: number): Promise<string>;
  verifyToken(env: Secrets, text: string): Promise<ClientToken | null>;
  issuePass(env: Secrets, sidecar: SidecarId, about: ForPass): Promise<{ pass: string; passKey: string }>;
  verifyPass(env: Secrets, sidecar: string, pass: string, now: number): Promise<object | null>;
  ticketKey(env: Secrets, sidecar: SidecarId, ticket: string): Promise<string>;
  verifyPost(env: Secrets, sidecar: SidecarId, post: Post): Promise<boolean>;
  networkTag(env: Secrets, address: string | undefined): Promise<string | undefined>;
};
const worker: WorkerKeys = await import(new URL("../../worker/platform/keys.ts", import.meta.url).href);

/** Whether a sidecar of this deployment takes the token for likely. */
function passesFilter(secret: string, text: string): boolean {
  const token = parseToken(text);
  const key = sidecarKeyOf(secret, { name: "paris", number: 1 });
  return token !== null && isLikely(filtersOf({ key }), token);
}

describe("a genuine token", () => {
  for (const { why, secret, holder, clientId, hour, token } of tokens.genuine) {
    const env = { ORION_SECRET: secret };
    test(`of ${why} is the one the Worker issues`, async () => {
      expect(await worker.issueToken(env, holder, clientId, hour * 3_600_000 + 3_599_999)).toBe(token);
    });
    test(`of ${why} is believed by the Worker, and passes the sidecar's filter`, async () => {
      expect(await worker.verifyToken(env, token)).toEqual({ holder, clientId });
      expect(passesFilter(secret, token)).toBe(true);
    });
  }
});

describe("a token of the version before is believed by the Worker alone", () => {
  for (const { why, secret, holder, clientId, token } of tokens.before) {
    test(why, async () => {
      expect(await worker.verifyToken({ ORION_SECRET: secret }, token)).toEqual({ holder, clientId });
      expect(parseToken(token)).toBeNull();
    });
  }
});

describe("a forged token is not believed by the Worker, whether it passes the filter or not", () => {
  for (const { why, secret, token, filtered } of tokens.forged) {
    test(why, async () => {
      expect(parseToken(token)).not.toBeNull();
      expect(await worker.verifyToken({ ORION_SECRET: secret }, token)).toBeNull();
      expect(passesFilter(secret, token)).toBe(!filtered);
    });
  }
});

describe("a misshapen token is believed by neither", () => {
  const [{ secret } = { secret: "" }] = tokens.genuine;
  for (const { why, text } of tokens.misshapen) {
    test(why, async () => {
      expect(await worker.verifyToken({ ORION_SECRET: secret }, text)).toBeNull();
      expect(passesFilter(secret, text)).toBe(false);
    });
  }
});

describe("a genuine token of no name is not believed by the Worker", () => {
  for (const { why, secret, token } of tokens.nameless) {
    test(why, async () => {
      expect(parseToken(token)).not.toBeNull();
      expect(await worker.verifyToken({ ORION_SECRET: secret }, token)).toBeNull();
    });
  }
});

describe("a sidecar's post", () => {
  for (const { why, secret, name, number, key, path, body, signature } of posts.posts) {
    const env = { ORION_SECRET: secret };
    const own = sidecarKeyOf(secret, { name, number });
    const post = { path, body, signature };
    test(`of ${why} is signed by the sidecar, and believed by the Worker`, async () => {
      expect(own.key).toBe(key);
      expect(signPost(deriveKey(own, "post"), name, path, body)).toBe(signature);
      expect(await worker.verifyPost(env, { name, number }, post)).toBe(true);
    });
    test(`of ${why} is not believed with another name, number, path, body, secret or signature`, async () => {
      const other = signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
      const isBelieved = (about: Partial<SidecarId & Post>, by: Secrets = env) => {
        const { name: as, number: of, ...rest } = { name, number, ...post, ...about };
        return worker.verifyPost(by, { name: as, number: of }, rest);
      };
      expect(await isBelieved({})).toBe(true);
      expect(await isBelieved({ name: `${name}2` })).toBe(false);
      expect(await isBelieved({ number: number + 1 })).toBe(false);
      expect(await isBelieved({ path: `${path}/` })).toBe(false);
      expect(await isBelieved({ body: `${body} ` })).toBe(false);
      expect(await isBelieved({}, { ORION_SECRET: `${secret}!` })).toBe(false);
      expect(await isBelieved({}, { ORION_SECRET: `${secret}!`, ORION_SECRET_BEFORE: secret })).toBe(true);
      for (const wrong of [other, "", signature.slice(0, 62)])
        expect(await isBelieved({ signature: wrong })).toBe(false);
    });
  }
});

test("a post signed with another of the sidecar's keys is not believed", async () => {
  const [{ secret } = { secret: "" }] = posts.posts;
  const sidecar = { name: "paris", number: 1 };
  const signature = signPost(deriveKey(sidecarKeyOf(secret, sidecar), "relay"), "paris", heartbeatPath, "{}");
  const post = { path: heartbeatPath, body: "{}", signature };
  expect(await worker.verifyPost({ ORION_SECRET: secret }, sidecar, post)).toBe(false);
});

test("a signature covers the name, the path and the body, and not one for the other", () => {
  expect(signedText("a", "/b", "c")).toBe("a\n/b\nc");
});

describe("a pass", () => {
  const env = { ORION_SECRET: "a secret of enough characters" };
  const paris = { name: "paris", number: 1 };
  const now = 1_800_000_000_000;
  const about = {
    ...{ holder: "K7Q2M", clientId: "AAECAwQFBgcICQoL" },
    ...{ mediation: "0a1b2c3d", expiresAt: now + 500 },
  };

  test("is good at its sidecar until it expires, and says whose it is and for which mediation", async () => {
    const { pass } = await worker.issuePass(env, paris, about);
    const { expiresAt: _, ...whose } = about;
    expect(await worker.verifyPass(env, "paris", pass, now)).toEqual(whose);
    expect(await worker.verifyPass(env, "paris", pass, now + 1_000)).toEqual(whose);
    expect(await worker.verifyPass(env, "paris", pass, now + 1_001)).toBeNull();
    expect(await worker.verifyPass(env, "oslo", pass, now)).toBeNull();
    const other = { ORION_SECRET: `${env.ORION_SECRET}!` };
    expect(await worker.verifyPass(other, "paris", pass, now)).toBeNull();
    const both = { ...other, ORION_SECRET_BEFORE: env.ORION_SECRET };
    expect(await worker.verifyPass(both, "paris", pass, now)).toEqual(whose);
  });

  test("has a key that its sidecar computes from it, and no other one", async () => {
    const { pass, passKey } = await worker.issuePass(env, paris, about);
    const keyAt = (sidecar: SidecarId) =>
      macOf(deriveKey(sidecarKeyOf(env.ORION_SECRET, sidecar), "pass"), pass);
    expect(keyAt(paris)).toBe(passKey);
    expect(keyAt({ ...paris, number: 2 })).not.toBe(passKey);
    expect(keyAt({ ...paris, name: "oslo" })).not.toBe(passKey);
  });

  test("with any character changed is none, and a sidecar has no key that makes one", async () => {
    const { pass } = await worker.issuePass(env, paris, about);
    for (let i = 0; i < pass.length; i++) {
      const changed = pass.slice(0, i) + (pass[i] === "1" ? "2" : "1") + pass.slice(i + 1);
      expect(await worker.verifyPass(env, "paris", changed, now)).toBeNull();
    }
    const text = pass.slice(0, -23);
    for (const use of ["post", "relay", "pass", "cookie"] as const) {
      const made = macOf(deriveKey(sidecarKeyOf(env.ORION_SECRET, paris), use), `${text} paris`);
      expect(await worker.verifyPass(env, "paris", `${text}.${made}`, now)).toBeNull();
    }
  });
});

test("a ticket has another key at each sidecar", async () => {
  const env = { ORION_SECRET: "a secret of enough characters" };
  const ticket = "0123456789ab.a.1800000000.ABCDE.Ada-------------.Bob-------------";
  const keys = new Set<string>();
  for (const name of ["paris", "oslo"])
    for (const number of [1, 2]) {
      const key = await worker.ticketKey(env, { name, number }, ticket);
      const own = sidecarKeyOf(env.ORION_SECRET, { name, number });
      expect(macOf(deriveKey(own, "relay"), ticket)).toBe(key);
      keys.add(key);
    }
  expect(keys.size).toBe(4);
});

test("a sidecar's key is one text and back, and any other text is none", () => {
  const key = sidecarKeyOf("a secret of enough characters", { name: "fra-1.a_b", number: 1 });
  const text = sidecarKeyText(key);
  expect(parseSidecarKey(text)).toEqual(key);
  const wrong = [
    "",
    "a secret of enough characters",
    text.slice(1),
    text.slice(0, -1),
    `${text}A`,
    ` ${text}`,
  ];
  for (const other of [...wrong, text.replace("fra", "f ra"), text.replace("v1.", "v2.")])
    expect(parseSidecarKey(other)).toBeNull();
});

test("strangers who sign in thousands of names have no sidecar's key derived again", async () => {
  const secret = "another secret of enough characters";
  const importing = vi.spyOn(crypto.subtle, "importKey");
  onTestFinished(() => importing.mockRestore());
  const verify = (name: string, by = name) => {
    const key = sidecarKeyOf(secret, { name: by, number: 1 });
    const body = "{}";
    const signature = signPost(deriveKey(key, "post"), name, heartbeatPath, body);
    return worker.verifyPost(
      { ORION_SECRET: secret },
      { name, number: 1 },
      { path: heartbeatPath, body, signature },
    );
  };
  expect(await verify("honest")).toBe(true);
  for (let i = 0; i < 1_100; i++) expect(await verify(`forged${i}`, "other")).toBe(false);
  importing.mockClear();
  expect(await verify("honest")).toBe(true);
  expect(importing).not.toHaveBeenCalled();
});

describe("the tag of a network", () => {
  const tag = (address?: string) =>
    worker.networkTag({ ORION_SECRET: "a secret of enough characters" }, address);

  test("is one for a whole IPv6 /48, of which one owner may have all", async () => {
    const one = await tag("2001:db8:bad:1::1");
    expect(one).toMatch(/^[\w-]{3}$/);
    expect(await tag("2001:db8:bad:ffff:2::7")).toBe(one);
    expect(await tag("2001:db8:bae:1::1")).not.toBe(one);
  });

  test("is one for an IPv4 address, and not for its neighbours", async () => {
    const one = await tag("203.0.113.7");
    expect(await tag("::ffff:203.0.113.7")).toBe(one);
    expect(await tag("203.0.113.8")).not.toBe(one);
  });

  test("is none for this machine, and for nobody", async () => {
    for (const address of ["127.0.0.1", "::1", undefined]) expect(await tag(address)).toBeUndefined();
  });
});
