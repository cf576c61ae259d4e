/**
 * A player of the lab, in a namespace of its own: does what lines of its input order, and answers with lines of JSON
 * (`orders.ts`). Its argument is the server's URL. It ends when its input does.
 */
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { connect, type Link, type Lobby } from "../../client/index.ts";
import { type Answer, type Order, order, type PlayerOutcome } from "./orders.ts";

/** Milliseconds for everything until the path is usable. The SDK should give up by itself, and say why. */
const patienceMs = 40_000;
/** Milliseconds that a player waits for a path without relay: more than the 10 s in which there should be one. */
const directPatienceMs = 12_000;
/** Milliseconds that an echo may take, and between two attempts: paths may lose messages. */
const echoPatienceMs = 4_000;
const echoAgainMs = 150;
const lookMs = 50;

const url = process.argv[2] ?? "";
const lines = createInterface(process.stdin)[Symbol.asyncIterator]();

for (let first = await nextOrder(); first !== null; first = await nextOrder()) await play(first);
process.exit();

async function nextOrder(): Promise<Order | null> {
  const { value, done } = await lines.next();
  return done ? null : order.parse(JSON.parse(value));
}

function tell(answer: Answer): void {
  console.log(JSON.stringify(answer));
}

/** One run. A failure on the way is its outcome. */
async function play(first: Order): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  try {
    await using orion = await connect(url, { signal });
    if (first.order === "host") {
      const about = { lobbyName: "The lab", isPublic: false, maxMembers: 2 };
      await using lobby = await orion.host({ name: "Ada", ...about, signal });
      tell({ told: "hosting", code: lobby.code });
      if ((await nextOrder())?.order === "start") await meet(lobby, () => lobby.start({ signal }));
    } else if (first.order === "join") {
      await using lobby = await orion.join(first.code, { name: "Bo", signal });
      tell({ told: "joined" });
      await meet(lobby, () => lobby.started({ signal }));
    }
  } catch (error) {
    tell({ told: "outcome", outcome: failure(error) });
    await nextOrder();
  }
  tell({ told: "parted" });
}

/** Meets the other player, and stays until told to part: the other may need an answer still. */
async function meet(lobby: Lobby, start: () => Promise<Link[]>): Promise<void> {
  let introducedAt: number | null = null;
  lobby.on("introduced", () => {
    introducedAt ??= performance.now();
  });
  const sinceIntroduced = () => (introducedAt === null ? null : performance.now() - introducedAt);
  const [link] = await start();
  const usableMs = sinceIntroduced();
  if (!link) throw new Error("no-link");
  let directMs = isDirect(link) ? usableMs : null;
  link.on("path", (path) => {
    if (path !== "relay") directMs ??= sinceIntroduced();
  });
  const peer = echo(link);
  const giveUpAt = performance.now() + directPatienceMs;
  while (!isDirect(link) && mayBecomeDirect(link) && performance.now() < giveUpAt) await wait(lookMs);
  const echoed = await peer.answers();
  const { path, report } = link;
  tell({ told: "outcome", outcome: { usableMs, directMs, path, cause: report.cause, echoed } });
  await nextOrder();
}

/** A relay that stays one says why. */
function mayBecomeDirect({ report }: Link): boolean {
  return report.cause === null || report.cause === "not-yet-direct";
}

function isDirect({ path }: Link): boolean {
  return path !== "relay";
}

/** Answers the other player's calls from now on, and calls it when asked to. */
function echo(link: Link): { answers(): Promise<boolean> } {
  let answered = false;
  const say = (word: string) => link.send(new TextEncoder().encode(word));
  link.on("message", (bytes) => {
    const word = new TextDecoder().decode(bytes);
    if (word === "call") say("answer");
    answered ||= word === "answer";
  });
  const answers = async () => {
    const giveUpAt = performance.now() + echoPatienceMs;
    while (!answered && performance.now() < giveUpAt) {
      say("call");
      const againAt = performance.now() + echoAgainMs;
      while (!answered && performance.now() < againAt) await wait(5);
    }
    return answered;
  };
  return { answers };
}

function failure(error: unknown): PlayerOutcome {
  return { usableMs: null, directMs: null, path: null, cause: causeOf(error), echoed: false };
}

/** The SDK's errors say why in `cause`, or in `code`. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (typeof error.cause === "string") return error.cause;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.message;
}
