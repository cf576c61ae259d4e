/** What a client does in a lobby that stays open: it comes back, connects to newcomers, leads, and leaves. */
import { setTimeout as pass } from "node:timers/promises";
import type { KitPlayer } from "../kit-player.ts";
import type { Run } from "../run.ts";
import type { Asked, Entry } from "../transcript.ts";
import type { Watch } from "../watch.ts";
import { linkOf, linkWorks } from "./links.ts";
import {
  clientHosts,
  clientJoins,
  clientSays,
  clientStarts,
  introduced,
  kitJoins,
  punch,
  type Script,
  told,
} from "./steps.ts";

/** Milliseconds after which the server keeps a place for a member that loses its connection, and some more. */
const presentMs = 10_500;
/** Milliseconds in which a client that was removed would try to come back. */
const afterKickMs = 3_000;
const staying = { lifetime: "session", graceMs: 60_000, onHostLoss: "migrate", onLoss: "continue" };

function checkKnows(run: Run, watch: Watch): void {
  if (watch.features === null) run.end("late_features");
}

/** The body of a request to such a path. */
function asked(path: RegExp): (entry: Entry) => NonNullable<Asked> | undefined {
  return (entry) => (entry.kind === "asked" && path.test(entry.path) ? (entry.body ?? {}) : undefined);
}

function answered(path: RegExp): (entry: Entry) => NonNullable<Asked> | undefined {
  return (entry) =>
    entry.kind === "answered" && path.test(entry.path) && entry.status < 300 ? (entry.body ?? {}) : undefined;
}

/** Both are connected, in the way that the client knows. */
async function connected(run: Run, watch: Watch, kit: KitPlayer): Promise<void> {
  if (!watch.knowsLinks) {
    await punch(run, kit, await introduced(run, kit), "ptpMediation_success");
    return;
  }
  await linkWorks(run, await linkOf(run, watch, kit), "direct");
  kit.reportsSuccess();
  await kit.hears("ptpMediation_success");
}

const returning: Script = {
  level: "staying",
  about:
    "The client loses its WebSocket twice, an answer to its return is lost, and at the end it is removed.",
  async play(run, watch) {
    const { line } = run;
    const kit = await clientJoins(run, "staying", { features: [], ...staying });
    const joinedAt = performance.now();
    checkKnows(run, watch);
    const { lobbyId } = kit;
    run.step("a version that is missing");
    line.faults.rewrite = (message) => (message.method === "lobby_changed" ? null : message);
    await kit.asks(`/lobbies/${lobbyId}`, { data: { map: "dust" } }, "PATCH");
    await pass(200);
    line.faults.rewrite = (message) => message;
    let after = run.transcript.now;
    await kit.asks(`/lobbies/${lobbyId}`, { data: { map: "ice" } }, "PATCH");
    await run.awaits(
      "ignores_gap",
      (entry) =>
        (entry.kind === "asked" && entry.method === "GET" && /^\/+lobbies\/[^/?]+\/?$/.test(entry.path)) ||
        undefined,
      { after },
    );
    await clientSays(run, kit, "Before the loss");
    await pass(Math.max(0, joinedAt + presentMs - performance.now()));

    run.step("the connection is lost, and the first answer to the return too");
    const firstKey = await run.awaits("no_join", (entry) => answered(/\/join$/)(entry)?.resumeKey);
    after = run.transcript.now;
    line.faults.loseAnswer = /\/resume$/;
    run.closing = null;
    line.cut();
    const first = await run.awaits("no_return", asked(/\/resume$/), { after });
    if (first.resumeKey !== firstKey) run.blame("used_resume_key", "It is not the key of its join.");
    await run.transcript.until(answered(/\/resume$/), after, run.patience.stepMs);
    after = run.transcript.now;
    const again = await run.awaits("no_return", asked(/\/resume$/), {
      after,
      detail: "The first answer was lost.",
    });
    if (typeof again.requestId !== "string" || again.requestId !== first.requestId)
      run.blame("other_request_id");
    const secondKey = await run.awaits("no_return", (entry) => answered(/\/resume$/)(entry)?.resumeKey, {
      after,
    });
    await clientSays(run, kit, "Back again");

    run.step("the connection is lost again");
    after = run.transcript.now;
    line.cut();
    const other = await run.awaits("no_return", asked(/\/resume$/), { after });
    if (other.resumeKey !== secondKey) run.blame("used_resume_key");
    await run.awaits("no_return", answered(/\/resume$/), { after });
    await clientSays(run, kit, "Back once more");

    run.step("the client is removed");
    const { members } = await picture(kit);
    const client = members.find(({ clientId }) => clientId !== kit.clientId);
    after = run.transcript.now;
    await kit.asks(`/lobbies/${lobbyId}/kick`, { clientId: client?.clientId });
    await run.transcript.until((entry) => told(entry, "lobby_kicked"), after, 30_000);
    after = run.transcript.now;
    await pass(afterKickMs);
    const tries = run.transcript.entries
      .slice(after)
      .some((entry) => asked(/\/(resume|join)$/)(entry) !== undefined);
    if (tries) run.blame("returns_after_kick");
  },
};

async function picture(kit: KitPlayer): Promise<{ members: { clientId: string }[] }> {
  return (await kit.asksPicture()) as { members: { clientId: string }[] };
}

const newcomers: Script = {
  level: "staying",
  about: "The client hosts a lobby that stays open, and somebody joins the running game.",
  async play(run, watch) {
    const lobbyId = await clientHosts(run, "staying");
    checkKnows(run, watch);
    const opened = await run.awaits("no_host", asked(/^\/+lobbies\/?$/));
    const { lifetime, graceMs, onHostLoss } = opened;
    if (lifetime !== "session" || !(Number(graceMs) > 0) || onHostLoss !== "migrate")
      run.end("no_session_lobby", `It said ${JSON.stringify({ lifetime, graceMs, onHostLoss })}.`);
    const features = watch.knowsLinks ? ["links"] : [];
    const kit = await kitJoins(run, lobbyId, { features });
    run.step("start");
    await clientStarts(run, kit);
    await connected(run, watch, kit);
    run.step("a newcomer");
    run.closing = "closed_early";
    const after = run.transcript.now;
    const late = await kitJoins(run, lobbyId, { name: "Late", features });
    await run.transcript.until((entry) => told(entry, "ptpMediation_send"), after, 60_000);
    await run.awaits("no_newcomer", ({ kind }) => kind === "datagram" || undefined, { after });
    await connected(run, watch, late);
  },
};

const leading: Script = {
  level: "staying",
  about: "The client becomes host, starts, and leaves.",
  async play(run, watch) {
    const kit = await clientJoins(run, "staying", { features: [], ...staying });
    checkKnows(run, watch);
    run.step("becoming host");
    let after = run.transcript.now;
    await kit.asks(`/lobbies/${kit.lobbyId}/host`, { clientId: watch.clientId });
    await run.transcript.until((entry) => told(entry, "lobby_hostChanged"), after, 30_000);
    await clientStarts(run, kit);
    await run.awaits("no_start", answered(/\/ptp\/start$/), { after });
    run.step("leaving");
    after = run.transcript.now;
    run.closing = null;
    kit.orders("leave");
    await run.awaits(
      "no_leave",
      (entry) =>
        (entry.kind === "closed" && [1000, 1005].includes(entry.code)) ||
        answered(/\/leave$/)(entry) !== undefined ||
        undefined,
      { after },
    );
  },
};

export const stayingRuns = { returning, newcomers, leading };
