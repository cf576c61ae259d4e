/** The evening of plain Orion: register, host or join, chat, start, be introduced, punch, report. */
import { setTimeout as pass } from "node:timers/promises";
import { kindOf } from "../../core/wire/datagram.ts";
import { retryAfterS } from "../line.ts";
import {
  anyText,
  clientHosts,
  clientJoins,
  clientSays,
  clientShows,
  clientStarts,
  Greeter,
  introduced,
  isAsked,
  kitJoins,
  punch,
  type Script,
  said,
  told,
} from "./steps.ts";

/** Milliseconds in which a client must have sent its datagram again, and some more for a slow machine. */
const repeatMs = 12_000;
/** Milliseconds between pings that the client is told. */
const pingMs = 2_000;

const hosting: Script = {
  level: "orion",
  about: "The client hosts. The answer to its start is late, and the sidecar's port changes.",
  async play(run) {
    const { line } = run;
    const lobbyId = await clientHosts(run, "orion");
    const kit = await kitJoins(run, lobbyId);
    run.step("chat");
    await clientSays(run, kit, anyText);
    run.step("unknown messages and fields");
    line.faults.isStrange = true;
    run.closing = "stumbles_over_unknown";
    kit.chats("The next order comes with a message of the future.");
    await clientSays(run, kit, "Still here", "stumbles_over_unknown");
    run.closing = "closed_early";
    run.step("start");
    kit.shows = false;
    line.faults.hold = /\/ptp\/start$/;
    let after = run.transcript.now;
    await clientStarts(run, kit);
    after = await isAsked(run, after);
    run.step("first datagram, before the answer to the start");
    await clientShows(run, after, (port) => port !== 1);
    line.release();
    run.step("second datagram, to another port");
    line.faults.isMoved = true;
    after = await isAsked(run, run.transcript.now);
    await clientShows(run, after, (port) => line.datagrams.isMoved(port));
    run.step("introduction");
    kit.showsNow();
    await punch(run, kit, await introduced(run, kit));
  },
};

const joining: Script = {
  level: "orion",
  about: "The client joins by a code as people type it, is told to wait, and its first datagram is lost.",
  async play(run) {
    const { line } = run;
    line.faults.refuse = /\/join$/;
    const kit = await clientJoins(run, "orion");
    const joins = run.transcript.entries.filter(
      (entry) =>
        (entry.kind === "answered" && entry.status === 429) ||
        (entry.kind === "asked" && /\/join$/.test(entry.path)),
    );
    const [refused, again] = [joins[1], joins[2]];
    if (refused && again && again.at - refused.at < retryAfterS * 1_000 - 50)
      run.blame("no_wait", `It waited ${Math.round(again.at - refused.at)} ms of ${retryAfterS} s.`);
    run.step("chat");
    await clientSays(run, kit, anyText);
    run.step("start");
    line.datagrams.faults.lose = 1;
    const after = run.transcript.now;
    await kit.starts();
    run.step("first datagram");
    await clientShows(run, await isAsked(run, after), () => true);
    await punch(run, kit, await introduced(run, kit));
  },
};

const aborting: Script = {
  level: "orion",
  about: "The client hosts, a peer leaves while they connect, and the client starts again with another one.",
  async play(run) {
    const lobbyId = await clientHosts(run, "orion");
    const leaver = await kitJoins(run, lobbyId, { name: "Leaver" });
    run.step("start");
    await clientStarts(run, leaver);
    const greeter = new Greeter(run, leaver, await introduced(run, leaver));
    await greeter.isGreeted(1);
    run.step("the peer leaves");
    const aborted = run.transcript.now;
    leaver.leave();
    await run.transcript.until((entry) => told(entry, "ptpMediation_aborted"), aborted, 30_000);
    greeter.close();
    run.step("start again");
    const kit = await kitJoins(run, lobbyId, { name: "Second" });
    await clientStarts(run, kit, "stuck_after_abort");
    const peer = await introduced(run, kit);
    let strays = 0;
    run.after(leaver.onPacket(() => (strays += 1)));
    const second = new Greeter(run, kit, peer);
    await second.isGreeted(4);
    second.close();
    // One may have been on its way.
    if (strays > 1) run.blame("old_peers", `${strays} packets went to it.`);
    await punch(run, kit, peer);
  },
};

const waiting: Script = {
  level: "orion",
  about: "The client joins, and waits a long time for the others to be seen.",
  async play(run, watch) {
    const { line } = run;
    line.faults.rewrite = (message) =>
      message.method === "client_registered"
        ? { ...message, payload: { ...message.payload, pingMs } }
        : message;
    const kit = await clientJoins(run, "orion");
    run.step("start");
    kit.shows = false;
    const after = run.transcript.now;
    await kit.starts();
    const asked = await isAsked(run, after);
    await clientShows(run, asked, () => true);
    run.step("waiting");
    let reminders = 0;
    line.faults.rewrite = (message) => {
      if (message.method !== "ptpMediation_send") return message;
      reminders += 1;
      return null;
    };
    const from = run.transcript.now;
    await pass(repeatMs);
    const heard = run.transcript.entries.slice(from);
    const isRepeated = heard.some((entry) => entry.kind === "datagram" && kindOf(entry.bytes) !== null);
    if (!isRepeated && !watch.knowsLinks) run.blame("no_repeat", `${reminders} reminders did not reach it.`);
    const hasPinged = run.transcript.entries.some((entry) => said(entry, "client_pings") !== undefined);
    const pings = heard.filter((entry) => entry.kind === "said" && entry.text === "ping").length;
    if (hasPinged && pings < repeatMs / pingMs / 2)
      run.blame("no_pings", `${pings} came in ${repeatMs / 1_000} s, and pingMs was ${pingMs}.`);
  },
};

export const orionRuns = { hosting, joining, aborting, waiting };
