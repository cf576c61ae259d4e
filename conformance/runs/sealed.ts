/** What a client does that encrypts its links. */
import { setTimeout as pass } from "node:timers/promises";
import type { KeyPair } from "../../core/sealing/primitives.ts";
import { writeData } from "../../core/wire/peer-packet.ts";
import { forged, type KitLink, randomPayload } from "../kit-link.ts";
import type { KitPlayer } from "../kit-player.ts";
import type { Run } from "../run.ts";
import type { Watch } from "../watch.ts";
import {
  anotherAddress,
  checkFeatures,
  countOf,
  echoes,
  linkOf,
  linkWorks,
  packet,
  reportsSuccess,
  settled,
  tricks,
} from "./links.ts";
import { clientHosts, clientJoins, clientStarts, kitJoins, type Script, said, told } from "./steps.ts";

const features = ["links", "encrypted"];

async function commits(run: Run, after: number): Promise<void> {
  await run.transcript.until((entry) => told(entry, "ptpMediation_send"), after, 60_000);
  await run.awaits("no_commitment", (entry) => said(entry, "ptpMediation_ready")?.commitment, { after });
}

const sealing: Script = {
  level: "sealed",
  about: "The client hosts twice with encrypted links; packets come twice, changed, and in the clear.",
  async play(run, watch) {
    const lobbyId = await clientHosts(run, "sealed");
    checkFeatures(run, watch, "encrypted");
    const leaver = await kitJoins(run, lobbyId, { name: "Leaver", features });
    run.step("start");
    let after = run.transcript.now;
    await clientStarts(run, leaver);
    await commits(run, after);
    await leaver.hears("ptpMediation_peersConnection_start");
    leaver.leave();
    run.step("start again");
    await run.transcript.until((entry) => told(entry, "ptpMediation_aborted"), after, 30_000);
    const kit = await kitJoins(run, lobbyId, { features });
    after = run.transcript.now;
    await clientStarts(run, kit, "stuck_after_abort");
    await commits(run, after);
    const link = await linkOf(run, watch, kit);
    run.step("checks with keys");
    await linkWorks(run, link, "direct");
    await reportsSuccess(run, kit, ["lan", "direct"], after);
    await tricks(run, link);
    await anotherAddress(run, link);
    await sealedTricks(run, link);
  },
};

async function sealedTricks(run: Run, link: KitLink): Promise<void> {
  run.step("sealed packets of others");
  const twice = randomPayload();
  let after = run.transcript.now;
  const bytes = link.data(twice);
  if (!bytes) return;
  link.send(bytes);
  link.send(bytes);
  await echoes(run, link, "direct");
  if (countOf(run, after, packet("data", { payload: twice })) > 1) run.blame("takes_replay");

  const changed = randomPayload();
  after = run.transcript.now;
  const good = link.data(changed);
  if (good) link.send(forged(good));
  await echoes(run, link, "direct");
  if (countOf(run, after, packet("data", { payload: changed }))) run.blame("takes_forged");

  const clear = randomPayload();
  after = run.transcript.now;
  link.send(writeData(link.number, clear));
  await echoes(run, link, "direct");
  if (countOf(run, after, packet("data", { payload: clear }))) run.blame("takes_unsealed");
}

/** The two are introduced, with these keys at the kit's end. */
async function introducedWith(
  run: Run,
  watch: Watch,
  prepare: (kit: KitPlayer) => void = () => {},
): Promise<KitLink> {
  const kit = await clientJoins(run, "sealed", { features });
  checkFeatures(run, watch, "encrypted");
  prepare(kit);
  run.step("start");
  const after = run.transcript.now;
  await kit.starts();
  await commits(run, after);
  return await linkOf(run, watch, kit);
}

const wrongKey: Script = {
  level: "sealed",
  about: "The peer sends another key than the one to which it has committed itself.",
  async play(run, watch) {
    const link = await introducedWith(run, watch);
    run.step("another key");
    link.publicKey = Uint8Array.from(link.publicKey ?? [], (byte) => byte ^ 1);
    await run.awaits("no_check", packet("check"));
    await pass(1_000);
    if (countOf(run, 0, packet("answer"))) run.blame("takes_wrong_key");
    if (countOf(run, 0, (entry) => (said(entry, "ptpMediation_peersConnection_success") ? true : undefined)))
      run.blame("takes_wrong_key", "It reported success.");
  },
};

const zeroKey: Script = {
  level: "sealed",
  about: "The peer has committed itself to a key of zeros.",
  async play(run, watch) {
    const zeros: KeyPair = { publicKey: new Uint8Array(32), agree: () => new Uint8Array(32) };
    const link = await introducedWith(run, watch, (kit) => {
      kit.keys = zeros;
    });
    run.step("a key of zeros");
    await run.awaits("no_check", packet("check"));
    await pass(1_000);
    if (countOf(run, 0, packet("answer"))) run.blame("takes_zero_key");
    link.close();
  },
};

const unconfirmed: Script = {
  level: "sealed",
  about: "The peer's answers are signed with the link's key, which a server between the two knows as well.",
  async play(run, watch) {
    const link = await introducedWith(run, watch);
    link.answersUnconfirmed = true;
    run.step("answers that confirm nothing");
    await run.awaits("no_check", packet("check"));
    await settled(run, link);
    const payload = randomPayload();
    for (let i = 0; i < 5; i++) {
      const bytes = link.data(payload);
      if (bytes) link.send(bytes);
      await pass(200);
    }
    const success = countOf(run, 0, (entry) =>
      said(entry, "ptpMediation_peersConnection_success") ? true : undefined,
    );
    if (success) run.blame("takes_unconfirmed", "It reported success.");
    else if (countOf(run, 0, packet("data", { payload })))
      run.blame("takes_unconfirmed", "It sent data there.");
  },
};

export const sealedRuns = { sealing, wrongKey, zeroKey, unconfirmed };
