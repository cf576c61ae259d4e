/**
 * The game's state that a lobby keeps for its host: opaque bytes in a row of their own. A version is written at once if the last
 * was written `snapshotRowMs` ago; else the object's alarm writes the newest. So a game that saves every second costs a row in 10 s.
 */
import { accept, type Outcome, refuse } from "../../core/problem.ts";
import type { SnapshotAnswer } from "../../core/wire/http.ts";
import type { Alarm } from "../platform/alarm.ts";
import { objectLimits } from "./limits.ts";

/** `writtenAt`: in milliseconds since 1970. `incarnation`: of which lobby of this code. */
type Row = { bytes: Uint8Array; version: number; incarnation: string; writtenAt: number };
export type Snapshot = { bytes: Uint8Array; version: number };
/** `ifVersion`: only if the newest has this version. */
export type SnapshotWish = { bytes: Uint8Array; ifVersion?: number | undefined; requestId: string };

const row = "snapshot";

export class Snapshots {
  readonly #storage: DurableObjectStorage;
  readonly #wakeUp: Alarm;
  /** The newest, with when it, or the one before it, was written. Undefined until storage is read. */
  #newest: Row | null | undefined;
  #isWritten = true;
  /** The last request that wrote one: repeated, it is the same. */
  #done: { requestId: string; answer: SnapshotAnswer } | null = null;

  constructor(storage: DurableObjectStorage, wakeUp: Alarm) {
    this.#storage = storage;
    this.#wakeUp = wakeUp;
  }

  /** When the alarm has to come for it; infinity for never. */
  get wakeAt(): number {
    if (this.#isWritten || !this.#newest) return Number.POSITIVE_INFINITY;
    return this.#newest.writtenAt + objectLimits.snapshotRowMs;
  }

  read(incarnation: string): Outcome<Snapshot> {
    const found = this.#of(incarnation);
    return found ? accept({ bytes: found.bytes, version: found.version }) : refuse("no_snapshot");
  }

  /** The next version. Refused if the newest is not `ifVersion`; 0 stands for none. */
  write(
    incarnation: string,
    { bytes, ifVersion, requestId }: SnapshotWish,
    now: number,
  ): Outcome<SnapshotAnswer> {
    const before = this.#of(incarnation);
    if (before && this.#done?.requestId === requestId) return accept(this.#done.answer);
    const version = (before?.version ?? 0) + 1;
    if (ifVersion !== undefined && ifVersion !== version - 1) return refuse("wrong_version");
    this.#newest = { bytes, version, incarnation, writtenAt: before?.writtenAt ?? 0 };
    this.#isWritten = false;
    this.writeDue(now);
    if (!this.#isWritten) this.#wakeUp.wakeBy(this.wakeAt);
    const answer = { version, durable: this.#isWritten };
    this.#done = { requestId, answer };
    return accept(answer);
  }

  /** Writes the newest, if it is not written and the last is old enough. A time in the future is of before the clock was set back. */
  writeDue(now: number): void {
    const newest = this.#newest;
    if (this.#isWritten || !newest || Math.abs(now - newest.writtenAt) < objectLimits.snapshotRowMs) return;
    this.#newest = { ...newest, writtenAt: now };
    this.#storage.kv.put<Row>(row, this.#newest);
    this.#isWritten = true;
  }

  /** The lobby is over. */
  forget(): void {
    if (this.#of(null)) this.#storage.kv.delete(row);
    this.#newest = null;
    this.#isWritten = true;
    this.#done = null;
  }

  /** The newest of this lobby; with null, of any. */
  #of(incarnation: string | null): Row | null {
    this.#newest ??= this.#storage.kv.get<Row>(row) ?? null;
    const found = this.#newest;
    return incarnation === null || found?.incarnation === incarnation ? found : null;
  }
}
