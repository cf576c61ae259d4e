/** Steps that several runs have. */
import { decodeMessage } from "../../core/wire/codec.ts";
import { kindOf } from "../../core/wire/datagram.ts";
import type { IntroducedPeer } from "../../core/wire/introduction.ts";
import { KitPlayer } from "../kit-player.ts";
import type { Level, RuleCode } from "../rules.ts";
import type { Run } from "../run.ts";
import type { Entry } from "../transcript.ts";
import type { Watch } from "../watch.ts";

export type Script = {
  readonly level: Level;
  /** What it is about, in one line. */
  readonly about: string;
  play(run: Run, watch: Watch): Promise<void>;
};

/** A text that shows whether UTF-8 was kept. */
export const anyText = "Grüße, 世界! 🎈";

/** The payload of a message that the client says. */
export function said(entry: Entry, method: string): Record<string, unknown> | undefined {
  return entry.kind === "said" && entry.message?.method === method ? entry.message.payload : undefined;
}

/** The payload of a message that the client is told. */
export function told(entry: Entry, method: string): Record<string, unknown> | undefined {
  return entry.kind === "told" && entry.message.method === method ? entry.message.payload : undefined;
}

/** The client opens a lobby. */
export async function clientHosts(run: Run, level: Level): Promise<string> {
  run.step("host");
  await run.launch({ level, role: "host", code: "" });
  const lobbyId = await run.awaits("no_host", (entry) =>
    entry.kind === "answered" && /^\/+lobbies\/?$/.test(entry.path) && entry.status === 201
      ? String(entry.body?.lobbyId)
      : undefined,
  );
  run.closing = "closed_early";
  return lobbyId;
}

/** A player of the kit joins the client's lobby. */
export async function kitJoins(
  run: Run,
  lobbyId: string,
  { name = "Kit", features }: { name?: string; features?: readonly string[] } = {},
): Promise<KitPlayer> {
  const kit = await KitPlayer.connect(run, name, {
    features: features ?? null,
    path: `/lobbies/${lobbyId}`,
  });
  run.after(() => kit.close());
  await kit.joins(lobbyId);
  return kit;
}

/** The client joins a lobby of the kit's, by a code as people type it. */
export async function clientJoins(
  run: Run,
  level: Level,
  { features, ...lobby }: { features?: readonly string[]; [addition: string]: unknown } = {},
): Promise<KitPlayer> {
  const kit = await KitPlayer.connect(run, "Kit", { features: features ?? null, path: "/lobbies" });
  run.after(() => kit.close());
  const lobbyId = await kit.hosts(lobby);
  run.step("join");
  const after = run.transcript.now;
  await run.launch({ level, role: "join", code: asTyped(lobbyId) });
  await run.awaits(
    "no_join",
    (entry) => (entry.kind === "answered" && /\/join$/.test(entry.path) && entry.status === 200) || undefined,
    { after, detail: `It was told "${asTyped(lobbyId)}".` },
  );
  run.closing = "closed_early";
  return kit;
}

/** As somebody types a code that was read to them. */
function asTyped(lobbyId: string): string {
  return `${lobbyId.slice(0, 2)} ${lobbyId.slice(2)}`.toLowerCase();
}

/** The client says what it is ordered to say. */
export async function clientSays(
  run: Run,
  kit: KitPlayer,
  text: string,
  code: RuleCode = "chat_not_said",
): Promise<void> {
  const after = run.transcript.now;
  kit.orders(`say ${text}`);
  const message = await run.awaits(code, (entry) => said(entry, "lobby_messaging_send")?.message, { after });
  if (message !== text) run.blame("chat_changed", `It said "${message}" for "${text}".`);
}

/** The client starts when it is ordered to. */
export async function clientStarts(run: Run, kit: KitPlayer, code: RuleCode = "no_start"): Promise<void> {
  const after = run.transcript.now;
  kit.orders("start");
  await run.awaits(
    code,
    (entry) => (entry.kind === "asked" && entry.path.endsWith("/ptp/start")) || undefined,
    { after },
  );
}

/** Where in the transcript the client was asked for a datagram, from there on. */
export async function isAsked(run: Run, after: number): Promise<number> {
  let place = after;
  await run.transcript.until(
    (entry) => {
      if (told(entry, "ptpMediation_send") === undefined) return undefined;
      place = run.transcript.entries.indexOf(entry);
      return true;
    },
    after,
    60_000,
  );
  return place;
}

/** The client answers with a datagram, to such a port of the sidecar. */
export async function clientShows(run: Run, after: number, port: (door: number) => boolean): Promise<void> {
  const isOurs = (entry: Entry) =>
    entry.kind === "datagram" && port(entry.port) && kindOf(entry.bytes) !== "bind";
  const elsewhere = (entry: Entry) => entry.kind === "datagram" && !port(entry.port);
  const found = await run.transcript.until((entry) => isOurs(entry) || undefined, after, run.patience.stepMs);
  if (found) return;
  const isOld = run.transcript.entries.slice(after).some(elsewhere);
  run.end(isOld && run.line.faults.isMoved ? "old_port" : "unanswered_send");
}

/** Whether all datagrams that show the client came from one socket. It may open another one for the next mediation. */
export function checkSockets(run: Run): void {
  const ports = new Set<number>();
  let mediation: unknown = null;
  for (const entry of run.transcript.entries) {
    const send = told(entry, "ptpMediation_send");
    if (send && send.mediation !== mediation) {
      mediation = send.mediation;
      ports.clear();
    }
    if (entry.kind === "datagram" && ["connect", "probe"].includes(kindOf(entry.bytes) ?? ""))
      ports.add(entry.from);
  }
  if (ports.size > 1) run.blame("changed_socket", `They came from the ports ${[...ports].join(", ")}.`);
}

/** Both are told of each other. What the kit's player is told of the client. */
export async function introduced(run: Run, kit: KitPlayer, nth = 1): Promise<IntroducedPeer> {
  const { peers } = await kit.hears("ptpMediation_peersConnection_start", nth);
  checkSockets(run);
  const [peer] = peers;
  if (!peer) throw new Error("The server introduced nobody.");
  return peer as IntroducedPeer;
}

/** How the plain clients of this kit greet each other: `hello <nonce>`, and the answer `heard <nonce>`. */
export class Greeter {
  /** Whether the client's greetings are answered. */
  answers = false;
  readonly #run: Run;
  readonly #kit: KitPlayer;
  readonly #endpoint: { ip: string; port: number };
  readonly #forget: () => void;

  constructor(run: Run, kit: KitPlayer, peer: IntroducedPeer) {
    this.#run = run;
    this.#kit = kit;
    const endpoint = run.line.datagrams.endpointBehind(peer.port ?? 0);
    if (!endpoint) throw new Error("The server told an endpoint that is nobody's.");
    this.#endpoint = endpoint;
    this.#forget = kit.onPacket((bytes, { port }) => {
      if (port !== endpoint.port) run.blame("changed_socket", `A packet came from the port ${port}.`);
      const text = bytes.toString();
      run.transcript.add({ kind: "greeted", from: port, text });
      const [, nonce] = /^hello (\S+)$/.exec(text) ?? [];
      if (nonce !== undefined && this.answers) this.send(`heard ${nonce}`);
    });
  }

  send(text: string): void {
    this.#kit.udp.send(text, this.#endpoint.port, this.#endpoint.ip);
  }

  /** The client greets, so many times from now on. */
  async isGreeted(times: number): Promise<void> {
    let count = 0;
    await this.#run.awaits(
      "no_punch",
      (entry) => {
        if (entry.kind === "greeted" && entry.text.startsWith("hello ")) count += 1;
        return count >= times || undefined;
      },
      { after: this.#run.transcript.now },
    );
  }

  /** Greets until the client has answered. */
  async greets(nonce: string): Promise<void> {
    const after = this.#run.transcript.now;
    const greet = () => this.send(`hello ${nonce}`);
    greet();
    const timer = setInterval(greet, 100);
    try {
      await this.#run.awaits(
        "no_answer",
        (entry) => (entry.kind === "greeted" && entry.text === `heard ${nonce}`) || undefined,
        { after },
      );
    } finally {
      clearInterval(timer);
    }
  }

  close(): void {
    this.#forget();
  }
}

/** The two connect, as plain clients do, with every trap that there is. The kit's player reports success, and hears the `last` word. */
export async function punch(
  run: Run,
  kit: KitPlayer,
  peer: IntroducedPeer,
  last: "lobby_closed" | "ptpMediation_success" = "lobby_closed",
): Promise<void> {
  run.step("punching");
  const start = run.transcript.now;
  const greeter = new Greeter(run, kit, peer);
  run.after(() => greeter.close());
  const hasSuccess = () =>
    run.transcript.entries
      .slice(start)
      .some((entry) => said(entry, "ptpMediation_peersConnection_success") !== undefined);
  // The first packets are lost at a router.
  await greeter.isGreeted(3);
  if (hasSuccess()) run.blame("early_success", "No packet of its peer had come.");
  await greeter.greets("first");
  await greeter.isGreeted(2);
  if (hasSuccess())
    run.blame("early_success", "Its peer had greeted it, and had answered none of its greetings.");
  greeter.answers = true;
  run.step("report");
  await run.awaits("no_success", (entry) => said(entry, "ptpMediation_peersConnection_success"), {
    after: start,
  });
  await greeter.greets("again");
  run.step("end");
  kit.reportsSuccess();
  await kit.hears(last);
  run.closing = null;
}

/** Messages of the client's datagrams, for those who ask what they were. */
export function methodOf(bytes: Buffer): string {
  return decodeMessage(bytes.toString().replace(/\..*$/, ""))?.method ?? "";
}
