/** Somebody guesses codes of lobbies that there are not: what that leaves behind under `npm start`. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { codeCharacters } from "../../../core/lobby/code.ts";
import { memoryMiB, watchCpu } from "../accounting.ts";
import { connectHttp, type Http } from "../http.ts";
import { atATime, percentile } from "../load.ts";
import { Player } from "../player.ts";
import type { Figure } from "../results.ts";
import { startSubject, whileAlive } from "../subject.ts";

/** At full scale. */
const guesses = 1_000;
export const guessesAtOnce = 16;
/** Seconds after the last guess until what is left counts, at full scale: an object sleeps after ten. */
const settlingS = 15;
/** Milliseconds between two looks at which files there are, so that those count that are swept soon. */
const lookMs = 50;
/** The most that memory may differ by: what workerd takes and gives back by itself. */
const sameMemory = 1.1;

/** One figure, of a server of its own. An operation is one guess: an upgrade on the path of the code, and a request to join. */
export async function measureGuesses(scale: number, httpPort: number | undefined): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-bench-"));
  try {
    const server = await startSubject("server", httpPort, ["--persist", folder]);
    const http = connectHttp(server.url);
    const count = Math.max(1, Math.round(guesses * scale));
    // The same with texts that can be no code comes first: what visits take by themselves is not counted. After three times as
    // many workerd's memory grows no more.
    const settle = () => whileAlive(server, wait(settlingS * 1000 * Math.min(1, scale * 5)));
    await whileAlive(
      server,
      atATime(guessesAtOnce, 3 * count, () => guess(server.url, http, "no-code")),
    );
    await settle();
    const before = { memory: memoryMiB(server.pid, "workerd"), files: filesOf(folder) };
    const made = new Set<string>();
    const look = setInterval(() => {
      for (const file of lobbiesIn(folder)) made.add(file);
    }, lookMs);
    const [cpu, began] = [watchCpu(server.pid), performance.now()];
    const waits = await whileAlive(
      server,
      atATime(guessesAtOnce, count, () => guess(server.url, http, drawText())),
    );
    const [seconds, taken] = [(performance.now() - began) / 1000, cpu()];
    for (const file of lobbiesIn(folder)) made.add(file);
    await settle();
    clearInterval(look);
    http.close();
    const after = memoryMiB(server.pid, "workerd");
    return {
      name: "guesses",
      title: `a guessed code that no lobby has; the memory is that of workerd ${settlingS} s later`,
      operations: count,
      seconds,
      cpuUs: (taken * 1e6) / count,
      p50Ms: percentile(waits, 0.5),
      p99Ms: percentile(waits, 0.99),
      memoryMiB: after,
      floor: null,
      target: [
        { of: "objects", most: 30 },
        { of: "files", most: 30 },
        { of: "memoryRatio", most: sameMemory },
      ],
      more: {
        objects: made.size,
        files: lobbiesIn(folder).length,
        otherFiles: filesOf(folder).length - before.files.length - lobbiesIn(folder).length,
        memoryBeforeMiB: before.memory,
        memoryRatio: after / before.memory,
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** As somebody guesses who plays by the rules: connects on the path of the code, and asks to join that lobby. */
async function guess(url: URL, http: Http, code: string): Promise<void> {
  const path = `/lobbies/${code}`;
  const player = await Player.connect(url, path);
  await http.refused(`${path}/join`, { token: player.token, peerName: "Guest" });
  await player.leave();
}

/** What somebody guesses: one text in 33 passes the check that is in each code. */
function drawText(): string {
  const draw = () => codeCharacters[Math.floor(Math.random() * codeCharacters.length)] ?? "";
  return Array.from({ length: 5 }, draw).join("");
}

/** The databases of lobbies' objects. */
function lobbiesIn(folder: string): string[] {
  return filesOf(folder).filter((path) => /Lobby\/[^/]*\.sqlite$/.test(path));
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
