/** `npm run check:deployed`: looks at a deployment from outside, and says what is wrong and what to do. */
import { commandLineMistake, parseCommandLine, quotedValue } from "../core/command-line.ts";
import { portNumber } from "../core/settings.ts";
import { serverUrl } from "../session/server.ts";
import { type Check, type Finding, findingOf, textOf } from "./check/finding.ts";
import { commitTime, firstAccess } from "./check/first-access.ts";
import { IceServers } from "./check/ice.ts";
import { isNearby } from "./check/location.ts";
import { hasTls, resolves } from "./check/name.ts";
import { mayUse, refusesStrangers } from "./check/origins.ts";
import { chatAfterPauses, idleSockets } from "./check/pauses.ts";
import { Readiness } from "./check/ready.ts";
import { isAtWork, Sight } from "./check/sight.ts";
import { steadyAnswers } from "./check/steady.ts";
import { unreadIsBounded } from "./check/unread.ts";
import { upgradesOn } from "./check/upgrade.ts";

const help = `Looks at a deployment from outside, and says what is wrong and what to do. It needs no secret, and half a minute.

Usage: npm run check:deployed -- <url> [options]

  <url>                The deployment, like https://orion-edge.example.workers.dev
  --sidecar <host>     A sidecar that should be there, like 203.0.113.7 or udp.example.org:6000. May be repeated
  --origin <origin>    The origin of a page that should be let in, like https://game.example. May be repeated
  --long               Ten minutes more: whether idle WebSockets live, lobbies sleep, requests succeed all the time
  --help               This text

A line for each check: ok, note (nothing is wrong, but look), or wrong. Below a note or a fault stands its code
and what to do. Exit code 1 if anything is wrong.
`;

type Address = { host: string; port: number };
type Wish = { server: URL; sidecars: readonly Address[]; origins: readonly string[]; isLong: boolean };

/** How long each look takes. */
const long = {
  samples: 20,
  pausesMs: [15_000, 60_000, 240_000],
  idleMs: 540_000,
  sockets: 8,
  steadyMs: 540_000,
  everyMs: 2_000,
  unreadMs: 120_000,
};
const short = {
  samples: 5,
  pausesMs: [12_000],
  idleMs: 12_000,
  sockets: 2,
  steadyMs: 10_000,
  everyMs: 500,
  /** It fills the network's buffers, which takes minutes. */
  unreadMs: null,
};

try {
  const wish = readOptions(process.argv.slice(2));
  if (wish === "help") console.log(help);
  else if (!(await check(wish))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
process.exit();

/** Whether nothing is wrong. */
async function check({ server, sidecars, origins, isLong }: Wish): Promise<boolean> {
  const findings: Finding[] = [];
  const tell = async (...checks: Check[]): Promise<boolean> => {
    let isGood = true;
    for (const one of checks) {
      const finding = await findingOf(one);
      console.log(textOf(finding));
      findings.push(finding);
      if (finding.verdict === "wrong") isGood = false;
    }
    return isGood;
  };
  const readiness = new Readiness();
  // If one of these is wrong, those after it would say nothing more.
  for (const one of [resolves(server), hasTls(server), readiness.isReady(server)])
    if (!(await tell(one))) return sum(findings);
  await tell(readiness.sameVersion(), readiness.sameClock());
  if (!(await tell(upgradesOn(server, "/"), upgradesOn(server, "/lobbies")))) return sum(findings);
  await tell(...origins.map((origin) => mayUse(server, origin)), refusesStrangers(server));

  const ice = new IceServers(server);
  if (!(await tell(readiness.hasSidecars(sidecars.length > 0 ? sidecars.length : null))))
    await tell(...sidecars.map(isAtWork));
  if ((readiness.health?.sidecars ?? 0) > 0) {
    const sight = new Sight(server);
    await tell(
      sight.reachesFirstPort((host) => ice.othersAnswer(host)),
      sight.reachesSecondPort(),
    );
  }
  await tell(ice.answer());

  const { samples, pausesMs, idleMs, sockets, steadyMs, everyMs, unreadMs } = isLong ? long : short;
  await tell(firstAccess(server, samples), commitTime(server, samples), isNearby(server));
  const atOnce = [
    chatAfterPauses(server, pausesMs),
    idleSockets(server, { ms: idleMs, each: sockets }),
    steadyAnswers(server, { ms: steadyMs, everyMs }),
    ...(unreadMs === null ? [] : [unreadIsBounded(server, unreadMs)]),
  ];
  await Promise.all(atOnce.map((one) => tell(one)));
  return sum(findings);
}

function sum(findings: readonly Finding[]): boolean {
  const wrong = findings.filter(({ verdict }) => verdict === "wrong").length;
  const all = `${wrong} of ${findings.length} checks found something wrong.`;
  console.log(wrong === 0 ? "\nNothing is wrong." : `\n${all}`);
  return wrong === 0;
}

function readOptions(args: string[]): Wish | "help" {
  try {
    const several = { type: "string", multiple: true } as const;
    const { values, words } = parseCommandLine({
      args,
      options: { sidecar: several, origin: several, long: { type: "boolean" }, help: { type: "boolean" } },
      mostWords: 1,
      environment: process.env,
    });
    if (values.help) return "help";
    const [url] = words;
    if (url === undefined) throw new Error("Which deployment? Add its URL.");
    const sidecars = (values.sidecar ?? []).map(addressOf);
    const origins = (values.origin ?? []).map(originOf);
    return { server: serverUrl(url), sidecars, origins, isLong: values.long === true };
  } catch (error) {
    throw new Error(`${commandLineMistake(error)} (--help tells all options)`);
  }
}

/** A host, or `host:port`; of an IPv6 address with a port, `[address]:port`. */
function addressOf(text: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const isBareV6 = /^[\da-f:.]*:[\da-f:.]*:[\da-f:.]*$/i.test(text);
  const host = isBareV6 ? text : (bracketed ?? plain);
  const number = port === undefined || isBareV6 ? 5990 : portNumber(port);
  if (host === undefined || number === null || number === 0)
    throw new Error(`--sidecar must be like udp.example.org or 203.0.113.7:6000, not ${quotedValue(text)}.`);
  return { host, port: number };
}

function originOf(text: string): string {
  const origin = URL.parse(text)?.origin;
  if (origin === undefined || origin === "null")
    throw new Error(`--origin must be like https://game.example, not ${quotedValue(text)}.`);
  return origin;
}
