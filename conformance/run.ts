/** One run: a client under test plays one evening, step by step, and the kit writes down which rules it breaks. */
import type { Line } from "./line.ts";
import { type RuleCode, rules } from "./rules.ts";
import type { Stage } from "./stage.ts";
import type { Entry, Transcript } from "./transcript.ts";

/** A rule that the client broke. `detail`: what exactly happened, in a plain sentence, or nothing. */
export type Finding = {
  readonly code: RuleCode;
  readonly run: string;
  readonly step: string;
  readonly says: string;
  readonly detail: string;
  readonly section: string;
};

/** What the kit asks the client under test to do first. */
export type Call = {
  readonly url: URL;
  /** As the client says what it can do: the level of the run. */
  readonly level: string;
  readonly role: "host" | "join";
  /** As a player types it. */
  readonly code: string;
};
/** Starts a client. The kit ends it when the run is over. */
export type Launch = (call: Call) => Promise<LaunchedClient>;
export type LaunchedClient = {
  /** Done when it has ended by itself. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
};

export type Patience = {
  /** Milliseconds for the client to come: as long as a person takes who starts it. */
  readonly startMs: number;
  /** Milliseconds for each thing that it is to do then. */
  readonly stepMs: number;
};

/** Found in the place of what was awaited. */
const gone = Symbol("gone");

/** Ends a run: without what was missing it makes no sense to go on. */
export class RunEnded extends Error {}

export class Run {
  readonly findings: Finding[] = [];
  readonly steps: string[] = [];
  readonly stage: Stage;
  readonly line: Line;
  readonly transcript: Transcript;
  readonly patience: Patience;
  /** What it means if the client has no WebSocket any more; null if it need not have one. */
  closing: RuleCode | null = null;
  readonly #name: string;
  readonly #launch: Launch;
  readonly #cleanUps: (() => unknown)[] = [];
  #client: LaunchedClient | null = null;

  constructor(
    name: string,
    { stage, line, transcript }: { stage: Stage; line: Line; transcript: Transcript },
    launch: Launch,
    patience: Patience,
  ) {
    this.#name = name;
    this.stage = stage;
    this.line = line;
    this.transcript = transcript;
    this.#launch = launch;
    this.patience = patience;
  }

  /** What comes from now on belongs to this step. */
  step(name: string): void {
    this.steps.push(name);
  }

  /** The client broke this rule. It is said once. */
  blame(code: RuleCode, detail = ""): void {
    if (this.findings.some((finding) => finding.code === code)) return;
    const { says, section } = rules[code];
    const step = this.steps.at(-1) ?? "start";
    this.findings.push({ code, run: this.#name, step, says, detail, section });
  }

  /** As `blame`, and the run is over. */
  end(code: RuleCode, detail = ""): never {
    this.blame(code, detail);
    throw new RunEnded();
  }

  /** What the client does next, from there on; a run without it is over. */
  async awaits<T>(
    code: RuleCode,
    find: (entry: Entry) => T | undefined,
    { after = 0, forMs = this.patience.stepMs, detail = "" } = {},
  ): Promise<T> {
    const found = await this.transcript.until((entry) => find(entry) ?? this.#closed(entry), after, forMs);
    if (found === gone && this.closing) this.end(this.closing);
    if (found === null || found === gone) this.end(code, detail);
    return found;
  }

  #closed(entry: Entry): typeof gone | undefined {
    if (entry.kind === "ended") return gone;
    return entry.kind === "closed" && this.closing && this.line.openSockets === 0 ? gone : undefined;
  }

  /** Starts the client, and waits for its WebSocket. */
  async launch(call: Omit<Call, "url">): Promise<void> {
    this.#client = await this.#launch({ url: this.line.url, ...call });
    this.#client.ended.then(() => this.transcript.add({ kind: "ended" }));
    await this.awaits("no_connection", ({ kind }) => kind === "opened" || undefined, {
      forMs: this.patience.startMs,
    });
  }

  /** To be done when the run is over, the last first. */
  after(cleanUp: () => unknown): void {
    this.#cleanUps.push(cleanUp);
  }

  async close(): Promise<void> {
    await this.#client?.stop();
    for (const cleanUp of this.#cleanUps.reverse()) await cleanUp();
    await this.line.close();
  }
}
