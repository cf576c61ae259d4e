/** `npm run check:deployed`: looks at a real deployment for what one machine cannot show. */
import { commandLineMistake, parseCommandLine } from "../core/command-line.ts";
import { serverUrl } from "../session/server.ts";
import { type Check, type Finding, findingOf, lineOf } from "./finding.ts";
import { commitTime, firstAccess } from "./first-access.ts";
import { chatAfterPauses, idleSockets } from "./pauses.ts";
import { answersPing, isNearby, upgradesOnRoot } from "./reach.ts";
import { steadyAnswers } from "./steady.ts";
import { unreadIsBounded } from "./unread.ts";

const help = `Looks at a deployment for what one machine cannot show, in ten minutes. It needs no secret.

Usage: npm run check:deployed -- <url>

  <url>    The deployment, like https://orion-edge.example.workers.dev
  --quick  Half a minute, with short pauses: for trying the check itself
  --help   This text

A line for each check: ok, note (nothing is wrong, but look), or wrong. Exit code 1 if anything is wrong.
`;

/** How long each look takes. */
const thorough = {
  samples: 20,
  pausesMs: [15_000, 60_000, 240_000],
  idleMs: 540_000,
  sockets: 8,
  steadyMs: 540_000,
  everyMs: 2_000,
  unreadMs: 120_000,
};
const quick: typeof thorough = {
  ...thorough,
  samples: 5,
  pausesMs: [12_000],
  idleMs: 12_000,
  sockets: 2,
  steadyMs: 10_000,
  everyMs: 500,
};

try {
  const wish = readOptions(process.argv.slice(2));
  if (wish === "help") console.log(help);
  else if (!(await check(wish.server, wish.isQuick))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
process.exit();

/** Whether nothing is wrong. */
async function check(server: URL, isQuick: boolean): Promise<boolean> {
  const { samples, pausesMs, idleMs, sockets, steadyMs, everyMs, unreadMs } = isQuick ? quick : thorough;
  // If nobody answers, the rest would say nothing more.
  const reached = await tell(answersPing(server));
  if (reached.verdict === "wrong") return false;
  const findings = [
    await tell(upgradesOnRoot(server)),
    await tell(firstAccess(server, samples)),
    await tell(commitTime(server, samples)),
    await tell(isNearby(server)),
  ];
  const long = [
    chatAfterPauses(server, pausesMs),
    idleSockets(server, { ms: idleMs, each: sockets }),
    steadyAnswers(server, { ms: steadyMs, everyMs }),
    // It fills the network's buffers: too long to be quick.
    ...(isQuick ? [] : [unreadIsBounded(server, unreadMs)]),
  ];
  findings.push(...(await Promise.all(long.map(tell))));
  const wrong = findings.filter(({ verdict }) => verdict === "wrong").length;
  console.log(
    wrong === 0
      ? "\nNothing is wrong."
      : `\n${wrong} of ${findings.length + 1} checks found something wrong.`,
  );
  return wrong === 0;
}

async function tell(one: Check): Promise<Finding> {
  const finding = await findingOf(one);
  console.log(lineOf(finding));
  return finding;
}

function readOptions(args: string[]): { server: URL; isQuick: boolean } | "help" {
  try {
    const { values, words } = parseCommandLine({
      args,
      options: { quick: { type: "boolean" }, help: { type: "boolean" } },
      mostWords: 1,
      environment: process.env,
    });
    if (values.help) return "help";
    const [url] = words;
    if (url === undefined) throw new Error("Which deployment? Add its URL.");
    return { server: serverUrl(url), isQuick: values.quick === true };
  } catch (error) {
    throw new Error(`${commandLineMistake(error)} (--help tells all options)`);
  }
}
