/** What a client does that knows links: probes, checks, relays, and nothing that a stranger wants. */
import { setTimeout as pass } from "node:timers/promises";
import { forged, KitLink, randomPayload } from "../kit-link.ts";
import type { KitPlayer } from "../kit-player.ts";
import type { Run } from "../run.ts";
import type { Entry, Via } from "../transcript.ts";
import type { Watch } from "../watch.ts";
import {
  clientHosts,
  clientJoins,
  clientSays,
  clientShows,
  clientStarts,
  introduced,
  isAsked,
  kitJoins,
  methodOf,
  type Script,
  said,
  told,
} from "./steps.ts";

/** Milliseconds in which a client must have bound again, or have tickets renewed, and some more for a slow machine. */
const rebindMs = 12_500;
/** Milliseconds for which the client is told that its ticket is good. */
const shortLifeMs = 6_000;
/** Milliseconds after which a client gives up that hears nothing. */
const giveUpMs = 12_000;

/** The client knows links, and has said so. */
export function checkFeatures(run: Run, watch: Watch, feature = "links"): void {
  if (!watch.features?.includes(feature)) run.end("late_features", `It has not said the feature ${feature}.`);
}

/** The client probes both ports, with cookies. */
export async function clientProves(run: Run, watch: Watch, after: number): Promise<void> {
  await clientShows(run, after, () => true);
  const isProved = () => watch.hasProved(0) && watch.hasProved(1);
  const found = await run.transcript.until(
    ({ kind }) => (kind === "datagram" && isProved()) || undefined,
    after,
    run.patience.stepMs,
  );
  if (found) return;
  const ports = new Set(
    run.transcript.entries
      .slice(after)
      .flatMap((entry) =>
        entry.kind === "datagram" && methodOf(entry.bytes) === "ptpMediation_probe" ? [entry.port === 1] : [],
      ),
  );
  run.end(ports.size < 2 ? "one_port" : "no_cookie");
}

/** The kit's end of the link to the client. */
export async function linkOf(run: Run, watch: Watch, kit: KitPlayer, nth = 1): Promise<KitLink> {
  const peer = await introduced(run, kit, nth);
  const link = KitLink.of(peer, kit, run, watch);
  if (!link) run.end("late_features", "The server does not know that it knows links.");
  return link;
}

/** A packet of the link from the client. */
export function packet(
  kind: "check" | "answer" | "data",
  { via, number, payload, from }: { via?: Via; number?: number; payload?: Buffer; from?: number } = {},
): (entry: Entry) => true | undefined {
  return (entry) =>
    (entry.kind === kind &&
      (via === undefined || entry.via === via) &&
      (number === undefined || entry.number === number) &&
      (from === undefined || entry.from === from) &&
      (payload === undefined || entry.payload.equals(payload))) ||
    undefined;
}

/** The link works this way: the client checks, answers, and sends back what the game sends. */
export async function linkWorks(run: Run, link: KitLink, via: Via): Promise<void> {
  const missing = via === "relay" ? "no_relay" : null;
  await run.awaits(missing ?? "no_check", packet("check", { via }));
  const isProven = () => link.proven.has(via) || undefined;
  await run.awaits(missing ?? "unanswered_check", () => isProven());
  await echoes(run, link, via);
}

/** The client sends back a packet of the game. It is sent again meanwhile: the client may not have a path yet. */
export async function echoes(run: Run, link: KitLink, via: Via): Promise<void> {
  const payload = randomPayload();
  const after = run.transcript.now;
  const send = () => {
    const bytes = link.data(payload);
    if (bytes) link.send(bytes, via);
  };
  send();
  const timer = setInterval(send, 250);
  try {
    await run.awaits("no_data", packet("data", { payload }), { after });
  } finally {
    clearInterval(timer);
  }
}

/** The client has done with all that was sent to it before: a check is behind it, and is answered. */
export async function settled(run: Run, link: KitLink): Promise<void> {
  const number = link.take();
  const after = run.transcript.now;
  link.check(number);
  await run.awaits("unanswered_check", packet("answer", { number }), { after });
}

/** How often something came since then. */
export function countOf(run: Run, after: number, find: (entry: Entry) => true | undefined): number {
  return run.transcript.entries.slice(after).filter((entry) => find(entry)).length;
}

/** What a stranger, or somebody on the way, sends to a client, and what it must not do. */
export async function tricks(run: Run, link: KitLink): Promise<void> {
  run.step("checks of others");
  const known = link.take();
  let after = run.transcript.now;
  link.check(known);
  await run.awaits("unanswered_check", packet("answer", { number: known }), { after });
  after = run.transcript.now;
  link.send(link.signed("check", known));
  await settled(run, link);
  if (countOf(run, after, packet("answer", { number: known }))) run.blame("answers_replay");

  const unsigned = link.take();
  after = run.transcript.now;
  link.send(forged(link.signed("check", unsigned)));
  await settled(run, link);
  if (countOf(run, after, packet("answer", { number: unsigned }))) run.blame("answers_forged");

  const own = link.take() + 1_000;
  after = run.transcript.now;
  link.send(link.signed("check", own, { side: link.clientSide }));
  await settled(run, link);
  if (countOf(run, after, packet("answer", { number: own }))) run.blame("answers_own_side");

  // An answer would be seen as one of a number that nobody may have.
  link.send(link.signed("check", 2 ** 60));
  await settled(run, link);
}

/** Data from an address that has shown nothing; then a check from there. */
export async function anotherAddress(run: Run, link: KitLink): Promise<void> {
  run.step("a packet from another address");
  const socket = await link.openAddress();
  const payload = randomPayload();
  let after = run.transcript.now;
  const bytes = link.data(payload);
  if (bytes) link.send(bytes, "direct", socket);
  await settled(run, link);
  await echoes(run, link, "direct");
  if (countOf(run, after, packet("data", { payload }))) run.blame("takes_strangers_data");
  after = run.transcript.now;
  const place = socket.address().port;
  const heardThere: number[] = [];
  socket.on("message", (bytes) => heardThere.push(bytes[0] ?? 0));
  const number = link.take();
  link.check(number, "direct", socket);
  await run.awaits("ignores_new_address", () => heardThere.includes(0xe8) || undefined, {
    after,
    detail: `The check came from the port ${place}.`,
  });
}

/** Whether what the client reports is what was there. */
export async function reportsSuccess(
  run: Run,
  kit: KitPlayer,
  paths: readonly (string | null)[],
  after = 0,
): Promise<void> {
  run.step("report");
  const report = await run.awaits(
    "no_success",
    (entry) => said(entry, "ptpMediation_peersConnection_success"),
    { after },
  );
  const peers = Array.isArray(report.peers) ? report.peers : [];
  for (const { clientId, path } of peers) {
    if (clientId !== kit.clientId) run.blame("wrong_report", `It names the peer ${clientId}.`);
    else if (!paths.includes(path)) run.blame("wrong_report", `It says that the path is ${path}.`);
  }
}

const direct: Script = {
  level: "links",
  about:
    "The client hosts and is connected directly; datagrams are lost and doubled, and strangers try their tricks.",
  async play(run, watch) {
    const lobbyId = await clientHosts(run, "links");
    checkFeatures(run, watch);
    const kit = await kitJoins(run, lobbyId, { features: ["links"] });
    run.step("start");
    run.line.datagrams.faults.lose = 2;
    run.line.datagrams.faults.isDoubled = true;
    const after = run.transcript.now;
    await clientStarts(run, kit);
    run.step("probes");
    await clientProves(run, watch, await isAsked(run, after));
    const link = await linkOf(run, watch, kit);
    run.step("checks");
    await linkWorks(run, link, "direct");
    await reportsSuccess(run, kit, ["lan", "direct"]);
    await tricks(run, link);
    await anotherAddress(run, link);
    run.step("farewell");
    run.closing = null;
    kit.reportsSuccess();
    await kit.hears("lobby_closed");
    const bye = link.signed("farewell", link.take());
    for (let i = 0; i < 3; i++) link.send(bye);
    const gone = run.transcript.now;
    const number = link.take();
    link.check(number);
    await pass(500);
    if (countOf(run, gone, packet("answer", { number }))) run.blame("talks_after_farewell");
  },
};

const relayed: Script = {
  level: "links",
  about: "The client joins, only the relay lets packets through, and its ticket is about to expire.",
  async play(run, watch) {
    run.line.faults.rewrite = (message) => {
      const { peers } = message.payload;
      if (message.method !== "ptpMediation_peersConnection_start" || !Array.isArray(peers)) return message;
      const hurried = peers.map((peer) =>
        peer.relay ? { ...peer, relay: { ...peer.relay, lifeMs: shortLifeMs } } : peer,
      );
      return { ...message, payload: { ...message.payload, peers: hurried } };
    };
    const kit = await clientJoins(run, "links", { features: ["links"] });
    checkFeatures(run, watch);
    run.step("start");
    const after = run.transcript.now;
    await kit.starts();
    await clientProves(run, watch, await isAsked(run, after));
    const link = await linkOf(run, watch, kit);
    const begun = run.transcript.now;
    link.talks.direct = false;
    run.step("relay");
    link.bind();
    const isBind = (entry: Entry) =>
      (entry.kind === "datagram" && methodOf(entry.bytes) === "ptpRelay_bind") || undefined;
    await run.awaits("no_bind", isBind, { after: begun });
    await linkWorks(run, link, "relay");
    await reportsSuccess(run, kit, ["relay"]);
    run.step("renewal");
    await run.awaits("no_renewal", (entry) => told(entry, "ptpRelay_renewed"), {
      after: begun,
      forMs: shortLifeMs + run.patience.stepMs,
      detail: `It was told a lifeMs of ${shortLifeMs}.`,
    });
    const renewed = run.transcript.now;
    await run.awaits("no_renewal", isBind, {
      after: renewed,
      detail: "It did not bind with the new ticket.",
    });
    await run.awaits("no_rebind", isBind, { after: run.transcript.now, forMs: rebindMs });
    await echoes(run, link, "relay");
    await clientSays(run, kit, "Still on the relay");
  },
};

const deadSidecar: Script = {
  level: "links",
  about: "The sidecar is dead when the client is asked, and comes alive a few seconds later.",
  async play(run, watch) {
    const kit = await clientJoins(run, "links", { features: ["links"] });
    checkFeatures(run, watch);
    run.step("start");
    run.line.datagrams.faults.isDead = true;
    const after = run.transcript.now;
    await kit.starts();
    await clientShows(run, await isAsked(run, after), () => true);
    run.step("a dead sidecar");
    await run.awaits("no_unseen", (entry) => said(entry, "ptpMediation_unseen"), { after });
    run.line.datagrams.faults.isDead = false;
    run.step("it is alive again");
    await clientProves(run, watch, run.transcript.now);
    await linkWorks(run, await linkOf(run, watch, kit), "direct");
  },
};

const blocked: Script = {
  level: "links",
  about: "The client's network lets no UDP through.",
  async play(run, watch) {
    const kit = await clientJoins(run, "links", { features: ["links"] });
    checkFeatures(run, watch);
    run.step("start");
    run.line.datagrams.faults.isDead = true;
    const after = run.transcript.now;
    await kit.starts();
    run.step("no UDP");
    const report = await run.awaits(
      "no_failure",
      (entry) => {
        const ready = said(entry, "ptpMediation_ready");
        if (ready?.udp === false) return { cause: "udp-blocked" };
        return said(entry, "ptpMediation_peersConnection_failure");
      },
      { after, forMs: giveUpMs + run.patience.stepMs },
    );
    if (!["udp-blocked", "no-udp"].includes(String(report.cause)))
      run.blame("wrong_report", `Its cause is ${report.cause}.`);
  },
};

const silentPeer: Script = {
  level: "links",
  about: "The peer never answers, on no path.",
  async play(run, watch) {
    const kit = await clientJoins(run, "links", { features: ["links"] });
    checkFeatures(run, watch);
    run.step("start");
    await kit.starts();
    const link = await linkOf(run, watch, kit);
    link.talks.direct = false;
    link.talks.relay = false;
    run.step("a silent peer");
    const after = run.transcript.now;
    const report = await run.awaits(
      "no_failure",
      (entry) => said(entry, "ptpMediation_peersConnection_failure"),
      { after, forMs: giveUpMs + run.patience.stepMs },
    );
    const peers = Array.isArray(report.peers) ? report.peers : [];
    if (peers.some(({ clientId, path }) => clientId !== kit.clientId || path !== null))
      run.blame("wrong_report", "No path to this peer was there.");
    const successes = countOf(run, 0, (entry) =>
      said(entry, "ptpMediation_peersConnection_success") ? true : undefined,
    );
    if (successes > 0) run.blame("wrong_report", "It had reported success before.");
  },
};

const unproven: Script = {
  level: "links",
  about: "The peer has not proved where it is: it may be a liar that aims the client at somebody else.",
  async play(run, watch) {
    run.line.faults.rewrite = (message) => {
      const { peers } = message.payload;
      if (message.method !== "ptpMediation_peersConnection_start" || !Array.isArray(peers)) return message;
      const doubted = peers.map((peer) => ({ ...peer, proven: false }));
      return { ...message, payload: { ...message.payload, peers: doubted } };
    };
    const kit = await clientJoins(run, "links", { features: ["links"] });
    checkFeatures(run, watch);
    run.step("start");
    await kit.starts();
    const link = await linkOf(run, watch, kit);
    link.talks.direct = false;
    link.talks.relay = false;
    run.step("checks to an endpoint that is not proven");
    await pass(2_500);
    const numbers = run.transcript.entries.flatMap((entry) =>
      entry.kind === "check" && entry.via === "direct" ? [entry.number] : [],
    );
    const gaps = numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0));
    if (gaps.some((gap) => gap > 0 && gap < 64))
      run.blame(
        "foretold_number",
        `Of ${numbers.length} numbers some followed the one before by ${Math.min(...gaps)}.`,
      );
  },
};

export const linkRuns = { direct, relayed, deadSidecar, blocked, silentPeer, unproven };
