/** What a client does that has the reliable stream: it sends back each message, over a way that loses, doubles and delays packets. */
import { randomBytes } from "node:crypto";
import { setTimeout as pass } from "node:timers/promises";
import { reliableLimits } from "../../core/reliable/limits.ts";
import { readReliablePacket } from "../../core/reliable/packet.ts";
import { ReliableStream } from "../../core/reliable/stream.ts";
import type { KitLink } from "../kit-link.ts";
import type { Run } from "../run.ts";
import { checkFeatures, linkOf, linkWorks } from "./links.ts";
import { clientJoins, type Script } from "./steps.ts";

/** Bytes of the messages: none, one, a whole segment, one more, and the longest. */
const lengths = [0, 1, reliableLimits.segmentBytes, reliableLimits.segmentBytes + 1, 5_000, 65_536, 3];
/** Parts of 1 of the packets, each way. */
const lost = 0.1;
const doubled = 0.1;
const late = 0.1;
const lateMs = 30;
/** Bytes a second that the kit sends. */
const rate = 1e6;

/** The kit's end of the stream, on a bad way. */
class KitStream {
  readonly #run: Run;
  readonly #link: KitLink;
  readonly #stream = new ReliableStream(performance.now());
  /** Segments of the client that have come, by number. */
  readonly #came = new Map<number, string>();
  #nextAwaited = 0;
  #sent = 0;
  #timer: NodeJS.Timeout | null = null;
  #dice = 7;
  #isClosed = false;

  constructor(run: Run, link: KitLink) {
    this.#run = run;
    this.#link = link;
    this.#stream.changePath(null, rate, performance.now());
    const forget = run.transcript.listen((entry) => {
      if (entry.kind === "reliable") this.#hear(entry.payload);
    });
    run.after(() => {
      this.#isClosed = true;
      forget();
      if (this.#timer) clearTimeout(this.#timer);
    });
  }

  push(message: Uint8Array): void {
    this.#stream.push(message, performance.now());
    this.#flush();
  }

  /** The same in every run (Lehmer's generator). */
  #isChance(part: number): boolean {
    this.#dice = (this.#dice * 48_271) % 2_147_483_647;
    return this.#dice / 2_147_483_647 < part;
  }

  #hear(bytes: Buffer): void {
    const packet = readReliablePacket(bytes);
    if (!packet) {
      this.#run.blame(
        "malformed_stream",
        `It begins with ${bytes.toString("hex", 0, 8)}, of ${bytes.length} bytes.`,
      );
      return;
    }
    if (packet.kind === "acknowledgement") {
      const bits = packet.later.findLastIndex((byte) => byte !== 0);
      const highest =
        bits < 0 ? packet.next - 1 : packet.next + 8 * bits + 32 - Math.clz32(packet.later[bits] ?? 0);
      if (highest >= this.#sent)
        this.#run.blame("wrong_acknowledgement", `It is ${highest} of ${this.#sent}.`);
    } else if (packet.number >= this.#nextAwaited + reliableLimits.windowSegments) {
      this.#run.blame("window_exceeded", `Segment ${packet.number} came, and ${this.#nextAwaited} had not.`);
    }
    if (this.#isChance(lost)) return;
    if (packet.kind === "segment")
      this.#keep(packet.number, Buffer.concat([bytes.subarray(0, 1), packet.bytes]));
    this.#stream.hear(bytes, performance.now());
    for (const message of this.#stream.messages.splice(0))
      this.#run.transcript.add({ kind: "message", bytes: Buffer.from(message) });
    this.#flush();
  }

  #keep(number: number, bytes: Buffer): void {
    const text = bytes.toString("latin1");
    const before = this.#came.get(number);
    if (before !== undefined && before !== text)
      this.#run.blame("segment_changed", `It is segment ${number}.`);
    this.#came.set(number, text);
    while (this.#came.has(this.#nextAwaited)) this.#nextAwaited += 1;
  }

  #flush(): void {
    if (this.#isClosed) return;
    for (const packet of this.#stream.packets.splice(0)) {
      const read = readReliablePacket(packet);
      if (read?.kind === "segment") this.#sent = Math.max(this.#sent, read.number + 1);
      const bytes = this.#link.data(packet, "reliable");
      if (!bytes || this.#isChance(lost)) continue;
      if (this.#isChance(late)) void pass(lateMs).then(() => this.#isClosed || this.#link.send(bytes));
      else this.#link.send(bytes);
      if (this.#isChance(doubled)) this.#link.send(bytes);
    }
    if (this.#timer) clearTimeout(this.#timer);
    const at = this.#stream.wakeAt(performance.now());
    if (at === Number.POSITIVE_INFINITY) return;
    const tick = () => {
      this.#stream.tick(performance.now());
      this.#flush();
    };
    this.#timer = setTimeout(tick, Math.max(1, Math.ceil(at - performance.now())));
  }
}

const stream: Script = {
  level: "reliable",
  about: "The client sends back messages of the reliable stream, while packets are lost, doubled and late.",
  async play(run, watch) {
    const kit = await clientJoins(run, "reliable", { features: ["links", "encrypted"] });
    checkFeatures(run, watch, "encrypted");
    run.step("start");
    await kit.starts();
    const link = await linkOf(run, watch, kit);
    await linkWorks(run, link, "direct");
    run.step("the first message");
    const kitStream = new KitStream(run, link);
    const after = run.transcript.now;
    const messages = [Buffer.from("first"), ...lengths.map((length) => randomBytes(length))];
    const [first = Buffer.of(), ...others] = messages;
    kitStream.push(first);
    await run.awaits(
      "no_acknowledgement",
      (entry) => (entry.kind === "reliable" && entry.payload[0] === 2) || undefined,
      { after },
    );
    run.step("messages of every length");
    for (const message of others) kitStream.push(message);
    const echoed: Buffer[] = [];
    await run.awaits(
      "message_lost",
      (entry) => {
        if (entry.kind === "message") echoed.push(entry.bytes);
        return echoed.length === messages.length || undefined;
      },
      { after, forMs: 3 * run.patience.stepMs },
    );
    messages.forEach((message, i) => {
      if (!echoed[i]?.equals(message))
        run.blame("message_changed", `It was message ${i}, of ${message.length} bytes.`);
    });
  },
};

export const reliableRuns = { stream };
