/** The kit for authors of other clients: a right client passes, and a client that breaks one rule hears which one. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { play, runsOf, scripts } from "../../conformance/conformance.ts";
import { levels, type RuleCode, rules } from "../../conformance/rules.ts";
import type { Launch, Patience } from "../../conformance/run.ts";
import { openStage, type Stage } from "../../conformance/stage.ts";
import { parallelRuns } from "./parallel.ts";
import { launchSdk } from "./sdk-client.ts";
import { launchSmallClient } from "./small-client.ts";

/** As long as it takes on a busy machine. */
const patient: Patience = { startMs: 120_000, stepMs: 60_000 };
/** What never comes is waited for that long. If the machine was too busy for all else, it is tried again with more. */
const hurried: Patience = { startMs: 4_000, stepMs: 4_000 };

/** In which run each rule shows. */
const breaking: Readonly<Record<RuleCode, keyof typeof scripts>> = {
  no_connection: "hosting",
  no_host: "hosting",
  no_join: "joining",
  invalid_request: "hosting",
  wrong_token: "hosting",
  no_wait: "joining",
  malformed_message: "hosting",
  unknown_method: "hosting",
  invalid_message: "hosting",
  wrong_lobby_id: "joining",
  stumbles_over_unknown: "hosting",
  chat_not_said: "hosting",
  chat_changed: "hosting",
  no_start: "hosting",
  unanswered_send: "hosting",
  old_port: "hosting",
  changed_socket: "joining",
  wrong_datagram: "joining",
  no_repeat: "waiting",
  no_pings: "waiting",
  closed_early: "joining",
  no_punch: "joining",
  no_answer: "joining",
  stuck: "sealing",
  early_success: "joining",
  no_success: "joining",
  stuck_after_abort: "aborting",
  old_peers: "aborting",
  late_features: "leading",
  no_secret_token: "returning",
  no_session_lobby: "newcomers",
  no_return: "returning",
  other_request_id: "returning",
  used_resume_key: "returning",
  ignores_gap: "returning",
  returns_after_kick: "returning",
  old_term: "leading",
  no_leave: "leading",
  no_newcomer: "newcomers",
  token_over_udp: "direct",
  wrong_probe: "direct",
  wrong_probe_mac: "direct",
  no_pad: "direct",
  one_port: "direct",
  no_cookie: "direct",
  nonce_again: "direct",
  no_unseen: "deadSidecar",
  unseen_again: "deadSidecar",
  no_failure: "silentPeer",
  wrong_report: "direct",
  unknown_packet: "direct",
  wrong_side: "direct",
  wrong_mac: "direct",
  number_again: "direct",
  foretold_number: "unproven",
  no_check: "direct",
  unanswered_check: "direct",
  wrong_answer: "direct",
  answers_replay: "direct",
  answers_forged: "direct",
  answers_own_side: "direct",
  answers_huge_number: "direct",
  no_data: "direct",
  takes_strangers_data: "direct",
  ignores_new_address: "direct",
  talks_after_farewell: "direct",
  no_bind: "relayed",
  wrong_bind: "relayed",
  no_relay: "relayed",
  no_rebind: "relayed",
  no_renewal: "relayed",
  no_commitment: "sealing",
  other_commitment: "sealing",
  key_again: "sealing",
  no_key: "sealing",
  wrong_key: "sealing",
  unconfirmed_answer: "sealing",
  unsealed_data: "sealing",
  wrong_tag: "sealing",
  counter_again: "sealing",
  counter_gap: "sealing",
  takes_replay: "sealing",
  takes_forged: "sealing",
  takes_unsealed: "sealing",
  takes_wrong_key: "wrongKey",
  takes_zero_key: "zeroKey",
  takes_unconfirmed: "unconfirmed",
  malformed_stream: "stream",
  window_exceeded: "stream",
  no_acknowledgement: "stream",
  wrong_acknowledgement: "stream",
  segment_changed: "stream",
  message_lost: "stream",
  message_changed: "stream",
};

vi.setConfig({ maxConcurrency: parallelRuns });

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 120_000);
afterAll(() => stage.stop());

async function codesOf(run: string, launch: Launch, patience: Patience): Promise<RuleCode[]> {
  const { findings } = await play(run, stage, launch, { patience });
  return findings.map(({ code }) => code);
}

const all = runsOf(levels);

describe.concurrent("the SDK breaks no rule", () => {
  for (const run of all)
    test(`${run}: ${scripts[run]?.about}`, { timeout: 600_000 }, async () => {
      const { steps, findings } = await play(run, stage, launchSdk, { patience: patient });
      expect({ steps, findings }).toEqual({ steps, findings: [] });
    });
});

describe.concurrent("a small client breaks no rule", () => {
  for (const run of all)
    test(run, { timeout: 600_000 }, async () => {
      expect(await codesOf(run, (call) => launchSmallClient(call, null), patient)).toEqual([]);
    });
});

describe.concurrent("a client that breaks a rule hears of it", () => {
  for (const [code, run] of Object.entries(breaking) as [RuleCode, string][])
    test(`${code}: ${rules[code].says}`, { timeout: 600_000 }, async () => {
      const launch: Launch = (call) => launchSmallClient(call, code);
      const codes = await codesOf(run, launch, hurried);
      if (!codes.includes(code)) expect(await codesOf(run, launch, patient)).toContain(code);
    });
});
