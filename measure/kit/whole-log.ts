/**
 * All that is logged while a test file runs, by its servers, its sidecars and other programs; and all that may stand in no
 * log. It is looked through at the end of every file (whole-log-setup.ts), whatever the file's tests are about.
 */
import { type Line as SidecarLine, textOf } from "../../udp-sidecar/log.ts";
import { faultOfForm, type Line, leaksIn } from "./leaks.ts";
import { loggedMark, type Secret, secretsIn, toldMark } from "./told-secrets.ts";

let lines: Line[] = [];
let lookedAt = 0;
const secrets = new Map<string, Secret>();
let during = "";

/** From now on what is logged is logged about the time of this test. */
export function beginTest(name: string): void {
  during = name;
}

/** This may stand in no log of this file, before or after. */
export function noteSecret(...some: Secret[]): void {
  for (const secret of some) secrets.set(secret.text, secret);
}

/** Notes the secrets in a frame that a client was sent. */
export function noteFrame(frame: string): void {
  noteSecret(...secretsIn(frame));
}

/** Notes the secrets among a server's or a program's settings. */
export function noteSettings(settings: Record<string, string | number | undefined>): void {
  for (const [name, value] of Object.entries(settings))
    if (name.startsWith("ORION_SECRET") && value !== undefined)
      noteSecret({ kind: "deployment's secret", text: String(value) });
}

/** Notes what a program has printed: some lines. */
export function noteLines(by: string, text: string): void {
  for (const line of text.split("\n"))
    if (line.trim() !== "") lines.push({ text: line, by, during, isWorkers: false });
}

/** Notes a line of a sidecar: to be told what it has to say (`startSidecar`). */
export function noteTold(line: SidecarLine<string>): void {
  noteLines("a sidecar", textOf(line));
}

/** Notes what a test server's Worker, or the platform under it, has written. Returns what of it is its log: null for nothing. */
export function noteWritten(text: string): string | null {
  if (text.startsWith(toldMark)) {
    noteSecret(...JSON.parse(text.slice(toldMark.length)));
    return null;
  }
  if (!text.startsWith(loggedMark)) {
    noteLines("the platform under the Worker", text);
    return text;
  }
  const logged = text.slice(loggedMark.length + 1);
  lines.push({ text: logged, by: "the Worker", during, isWorkers: true });
  return logged;
}

/** How many lines of this file were looked at, and how many secrets of each kind were looked for. */
export type Looked = { lines: number; secrets: Record<string, number> };

/** All that is wrong with the log so far, in sentences that can be read by anybody. What was looked at is not looked at again. */
export function lookThrough(): { wrong: string[]; looked: Looked } {
  const malformed = lines.flatMap(({ text, by, isWorkers }) => {
    const fault = isWorkers ? faultOfForm(text) : null;
    return fault === null ? [] : [`A line that was logged by ${by} ${fault}: ${text.slice(0, 200)}`];
  });
  const leaks = leaksIn(lines, secrets.values());
  const counts: Record<string, number> = {};
  for (const { kind } of secrets.values()) counts[kind] = (counts[kind] ?? 0) + 1;
  lookedAt += lines.length;
  lines = [];
  // A malformed line is quoted only if no line leaks.
  return { wrong: leaks.length > 0 ? leaks : malformed, looked: { lines: lookedAt, secrets: counts } };
}
