import { describe, expect, it } from "vitest";
import { ownProblems } from "../../../client/error.ts";
import { causes } from "../../../core/link/cause.ts";
import { abortReasons, problems } from "../../../core/problem.ts";
import { sentenceFor, sentenceOf, sentences } from "../../../page/site/sentences.ts";

/** What only a mistake of the page's brings about, or what no page is told: it has the general sentence. */
const mistakes = new Set(
  [
    "invalid_body invalid_token invalid_is_public invalid_max_members invalid_on_loss invalid_privacy invalid_lifetime invalid_topology",
    "mesh_too_large invalid_grace invalid_on_host_loss invalid_signals invalid_encryption invalid_game invalid_code invalid_locked",
    "invalid_data data_too_large invalid_client invalid_reason invalid_ban invalid_patience invalid_term invalid_version invalid_resume_key",
    "invalid_request_id invalid_search invalid_query invalid_post stale_post unauthorized invalid_ticket ticket_expired invalid_gateway",
    "outdated_sidecar host_not_listed needs_secret_token needs_links not_a_member cannot_signal no_snapshot not_found method_not_allowed",
    "body_too_slow name_in_use host_away host_present no_such_ban body_too_large gateway_busy invalid_url invalid_signal invalid_snapshot",
    "key_in_url not_confirmed wrong_operator_key read_only_key foreign_host upgrade_missing",
    "invalid_argument not_raw no_socket invalid_packet packet_too_large message_too_large too_much_waits peer_too_old link_closed",
  ].flatMap((line) => line.split(" ")),
);

describe("what the page tells a player", () => {
  it.each([
    ["refusals of the server", Object.keys(problems)],
    ["failures that the SDK finds", Object.keys(ownProblems)],
    ["causes of no link, or of no straight one", Object.keys(causes)],
    ["failed starts", Object.keys(abortReasons)],
  ])("%s have sentences, all that a player can meet", (_, codes) => {
    const without = codes.filter((code) => !Object.hasOwn(sentences, code) && !mistakes.has(code));
    expect(without).toEqual([]);
  });

  it("says how long to wait, if the server does", () => {
    expect(sentenceOf({ code: "too_many_requests", retryAfterS: 30 })).toContain("30 s");
    expect(sentenceOf({ code: "too_many_requests", retryAfterS: null })).not.toContain(" s)");
  });

  it.each([undefined, null, 7, "text", {}, { code: 7 }, new Error("internals")])(
    "has a sentence for %s, which tells nothing of it",
    (thrown) => {
      expect(sentenceOf(thrown)).toBe(sentenceFor("internal"));
    },
  );

  it("repeats nothing that is no code", () => {
    expect(sentenceFor("<img src=x>")).not.toContain("<");
    expect(sentenceFor("toString")).toContain("toString");
  });
});
