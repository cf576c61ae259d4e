import fc from "fast-check";
import { expect, test } from "vitest";
import { printableName, printablePath } from "../../core/printable.ts";
import { heartbeatPath, observationsPath } from "../../core/wire/sidecar-post.ts";

const tagOf = (code: string) => `tag of ${code}`;
const token = "17.cOO8PhklMKSJyqn5.aoco.hZ2pLq8Wv0s.B0SJo5fS6veGhRpagbjZwQ";
const tokenBefore = "17.cOO8PhklMKSJyqn5.B0SJo5fS6veGhRpagbjZwQ";
const pass = "17.cOO8PhklMKSJyqn5.0a1b2c3d.1800000000.B0SJo5fS6veGhRpagbjZwQ";

test.each([
  ["/", "/"],
  ["//lobbies", "//lobbies"],
  ["/lobbies/k7q2m/join", "/lobbies/tag of K7Q2M/join"],
  ["/lobbies/K7Q2M/ptp/start", "/lobbies/tag of K7Q2M/ptp/start"],
  ["/lobbies/abcde", "/lobbies/tag of ABCDE"],
  ["/abcde", "/tag of ABCDE"],
  ["/lobbies/start/ptp/start", "/lobbies/tag of START/ptp/start"],
  ["/start/ptp/start", "/start/ptp/start"],
  ["/game/lobbies/k7q2m/ptp/stop", "/…/lobbies/tag of K7Q2M/ptp/stop"],
  ["/lobbies/k7q2m/ptp/proceed", "/lobbies/tag of K7Q2M/ptp/proceed"],
  ["/ping", "/ping"],
  [heartbeatPath, heartbeatPath],
  [observationsPath, observationsPath],
  ["/lobbies/rabid:NiceRoom/join", "/lobbies/tag of rabid:NiceRoom/join"],
  ["/lobbies/noray%3Aa_b-C/ptp/start", "/lobbies/tag of noray:a_b-C/ptp/start"],
  ["/lobbies/rabid:NiceRooms12/join", "/lobbies/…/join"],
  [`/lobbies/noray:${token}/join`, "/lobbies/…/join"],
  ["/wp-admin/setup-config.php", "/…/…"],
  ["/favicon.ico", "/favicon.ico"],
  ["/lobbies/K7Q2MX/join", "/lobbies/…/join"],
  ["/lobbies/join/join", "/lobbies/…/join"],
  [`/${token}`, "/…"],
  [`/lobbies/${token.replaceAll(".", "/")}`, "/lobbies/…/…/…/…/…"],
  ["/203.0.113.9", "/…"],
  ["/2001:db8::1", "/…"],
  ["/%1b%5b2J", "/…"],
  ["/a/b/c/d/e/f/g", "/…/…/…/…/…/…"],
])("the path %s stands in a log as %s", (path, shown) => expect(printablePath(path, tagOf)).toBe(shown));

const codePlaces = [
  "/%",
  "/lobbies/%",
  "/lobbies/%/join",
  "/lobbies//%/join",
  "/game/lobbies/%/join",
  "/join/%",
];

test.each(["KQZRM-", "KQ-ZRM", "KQZRM_", "KQZRM.join", "KQZRMM", "KQ/ZRM", "kqzr", "KQZRM/", "%4BQZRM"])(
  "nothing of the mistyped code %s stands in a log, wherever it stands in a path",
  (typed) => {
    for (const place of codePlaces)
      expect(printablePath(place.replace("%", typed), () => "tag")).toMatch(/^(\/|lobbies|join|tag|…)+$/);
  },
);

test.each([
  ["Ada", "Ada"],
  ["\u001b[31mred\n\u202e\u2028\u0085", "?[31mred????"],
  ["half \ud83d", "half ?"],
  [`I am ${token}`, "I am (a token)"],
  [`I was ${tokenBefore}`, "I was (a token)"],
  [`I had ${pass}`, "I had (a token)"],
  ["x".repeat(51), "x".repeat(50)],
])("the name %j stands in a log as %j", (name, shown) => expect(printableName(name)).toBe(shown));

test("whatever a stranger asks for or is called, it is short and does nothing to a terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      for (const shown of [printableName(text), printablePath(`/${text}`, tagOf)]) {
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(shown.length).toBeLessThanOrEqual(100);
      }
    }),
  );
});
