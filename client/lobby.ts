/// <reference lib="esnext.disposable" preserve="true" />
/** A lobby and this player in it, without its links (linked-lobby.ts). */
import type { Data, DataChange } from "../core/data.ts";
import type { Privacy } from "../core/wire/privacy.ts";
import type { Member } from "../session/member.ts";
import type { Session } from "../session/session.ts";
import * as wishes from "../session/wishes.ts";
import { argumentError, checkTypes } from "./argument.ts";
import { forGame, ownError } from "./error.ts";

/** What a host may change of its lobby. What is not there stays as it is. */
export type LobbyChanges = {
  name?: string;
  /** Null: the lobby's name is shown. */
  title?: string | null;
  isPublic?: boolean;
  maxMembers?: number;
  /** Null: none any more. */
  password?: string | null;
  /** Nobody may join. */
  locked?: boolean;
  /** Null deletes a key. */
  data?: DataChange;
  /** The version that this is based on. Refused with `wrong_version` if anything was changed since; who came or went is no change. */
  ifVersion?: number;
};
/** `seen` and `awaited`: those who take part in a start. */
export type Phase = {
  readonly kind: "waiting" | "gathering" | "connecting";
  readonly seen: readonly Member[];
  readonly awaited: readonly Member[];
};
/** `durable`: no crash can lose it any more. */
export type SavedSnapshot = { version: number; durable: boolean };
export type Snapshot = { bytes: Uint8Array; version: number };
/** A text is kept as its UTF-8 bytes. */
export type SnapshotBytes = string | ArrayBuffer | ArrayBufferView;
type IfVersion = { ifVersion?: number };

export abstract class Lobby {
  readonly #session: Session;

  /** Made by `host` and `join`. @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /** Five letters and digits by which others join. */
  get code(): string {
    return this.#session.code;
  }

  /** The lobby's name, as Orion has it: ASCII. */
  get name(): string {
    return this.#session.name;
  }

  /** The lobby's name to show. */
  get title(): string {
    return this.#session.view.title;
  }

  /** What game it is for; null if it does not say. */
  get game(): string | null {
    return this.#session.view.game;
  }

  /** This player's name, as Orion has it. */
  get self(): string {
    return this.#session.self;
  }

  /** The host's name, as Orion has it. */
  get host(): string {
    return this.#session.host;
  }

  /** The host's client id; empty if the server is an older one. */
  get hostId(): string {
    return this.#session.view.hostId;
  }

  /** Counts hosts, from 1. */
  get term(): number {
    return this.#session.view.term;
  }

  /** `relay-only`: no player is told another's address. Null if the server does not say. */
  get privacy(): Privacy | null {
    return this.#session.privacy;
  }

  get isHost(): boolean {
    return this.#session.isHost;
  }

  /** Whether it is in the list; null if the server does not say, as the next one. */
  get isPublic(): boolean | null {
    return this.#session.view.isPublic;
  }

  get maxMembers(): number | null {
    return this.#session.view.maxMembers;
  }

  /** Whether the host lets nobody in. */
  get locked(): boolean {
    return this.#session.view.locked;
  }

  get hasPassword(): boolean {
    return this.#session.view.hasPassword;
  }

  /** `session`: it stays while the players play. */
  get lifetime(): "mediation" | "session" {
    return this.#session.view.lifetime;
  }

  get topology(): "star" | "mesh" {
    return this.#session.view.topology;
  }

  /** Milliseconds that a player whose connection is lost has to come back. */
  get graceMs(): number {
    return this.#session.view.graceMs;
  }

  /** What the game keeps with the lobby. */
  get data(): Data {
    return this.#session.view.data;
  }

  /** Counts changes of the lobby and of what its members say of themselves. */
  get version(): number {
    return this.#session.view.version;
  }

  /** What the lobby is doing. */
  get phase(): Phase {
    const { kind, seen, awaited } = this.#session.view.phase;
    const among = (clientIds: readonly string[]) =>
      this.members.filter(({ clientId }) => clientIds.includes(clientId));
    return { kind, seen: among(seen), awaited: among(awaited) };
  }

  /** Everybody, this player too, in order of arrival. A change makes another list. */
  get members(): readonly Member[] {
    return this.#session.members;
  }

  /** This player, as the others see it; null only if a server does not name it. */
  get me(): Member | null {
    return this.#session.me ?? null;
  }

  /** For the host: whom it has banned, as far as this client knows. `refresh` asks. */
  get bans(): readonly { readonly clientId: string; readonly name: string }[] {
    return this.#session.view.bans;
  }

  /** Stands for this player as long as it is in the lobby, also when it comes back. Names it to an operator; no secret. */
  get clientId(): string {
    return this.#session.clientId;
  }

  /** Whether the connection is lost, and the SDK tries to come back. */
  get isReconnecting(): boolean {
    return this.#session.isReconnecting;
  }

  /**
   * What `orion.resume` takes, so that a page that is loaded again, or a game that has crashed, comes back as this player. A secret, and
   * good once: after `resumed` there is another. Null where the lobby has no grace period.
   */
  returnKey(): string | null {
    const key = this.#session.resumeKey();
    return key === null ? null : `${this.code} ${key}`;
  }

  /**
   * Says something to all, 1 to 250 characters. Done when it has come back as said. While the connection is lost it waits. Throws
   * `invalid_message`, `too_many_messages`, `unanswered`, `disconnected` (it may have been heard, or not), or why the lobby is over.
   */
  async chat(text: string): Promise<void> {
    if (typeof text !== "string") throw ownError("invalid_message");
    await forGame(this.#session.chat(text));
  }

  /**
   * As the host: changes keys of the lobby's data; null deletes one. Done when `data` has it. Returns the lobby's version.
   */
  async setData(change: DataChange, { ifVersion }: IfVersion = {}): Promise<number> {
    return await this.change({ data: change, ...(ifVersion !== undefined && { ifVersion }) });
  }

  /** Changes keys of this player's data, in the same way. */
  async setMyData(change: DataChange, { ifVersion }: IfVersion = {}): Promise<number> {
    checkObject(change, "setMyData");
    const given = ifVersion === undefined ? {} : { ifVersion };
    return await forGame(wishes.changeSelf(this.#session, { data: change, ...given }));
  }

  /** The key `ready` of this player's data. */
  async setReady(ready: boolean): Promise<void> {
    if (typeof ready !== "boolean") throw argumentError("setReady takes true or false.");
    await this.setMyData({ ready });
  }

  /** The name of this player to show, in any script. */
  async setDisplayName(displayName: string): Promise<void> {
    checkTypes([[displayName, "string", "invalid_display_name"]]);
    await forGame(wishes.changeSelf(this.#session, { displayName }));
  }

  /** As the host: changes the lobby. Done when this object has it. Returns the lobby's version. */
  async change({ name, ...changes }: LobbyChanges): Promise<number> {
    checkObject(changes, "change");
    const change = { ...changes, ...(name !== undefined && { lobbyName: name }) };
    return await forGame(wishes.change(this.#session, change));
  }

  /** As the host: removes a member. With `ban` it may not come back. */
  async kick(clientId: string, { reason, ban }: { reason?: string; ban?: boolean } = {}): Promise<void> {
    checkTypes([[clientId, "string", "invalid_client"]]);
    await forGame(wishes.kick(this.#session, clientId, { reason, ban }));
  }

  /** As the host: lets somebody in again that was banned. */
  async unban(clientId: string): Promise<void> {
    checkTypes([[clientId, "string", "invalid_client"]]);
    await forGame(wishes.unban(this.#session, clientId));
  }

  /** As the host: hands over to another member. */
  async makeHost(clientId: string): Promise<void> {
    checkTypes([[clientId, "string", "invalid_client"]]);
    await forGame(wishes.makeHost(this.#session, clientId));
  }

  /**
   * Sends a value to another member: JSON of up to 8 192 bytes. In a star only to the host and from it, unless the lobby allows more. Done
   * when it is on its way; `signalFailed` says if it was not passed on. Throws `invalid_signal`.
   */
  async signal(clientId: string, data: unknown): Promise<void> {
    checkTypes([[clientId, "string", "invalid_client"]]);
    await forGame(wishes.signal(this.#session, clientId, data));
  }

  /** As the host: keeps up to 64 KiB of the game's state with the lobby, for a new host and for those who come later. */
  async saveSnapshot(bytes: SnapshotBytes, { ifVersion }: IfVersion = {}): Promise<SavedSnapshot> {
    const copy = copyOf(bytes);
    return await forGame(wishes.saveSnapshot(this.#session, copy, ifVersion));
  }

  /** What was kept last, or null. Another player may have written it: do not trust it more than a packet. */
  async readSnapshot(): Promise<Snapshot | null> {
    return await forGame(wishes.readSnapshot(this.#session));
  }

  /** Has the server tell all of the lobby again. The SDK does so by itself when it has missed something. */
  async refresh(): Promise<void> {
    await forGame(this.#session.refresh());
  }

  /** Whether this player's page or window is out of sight: such a player becomes host only if there is no other. */
  setHidden(hidden: boolean): void {
    if (typeof hidden !== "boolean") throw argumentError("setHidden takes true or false.");
    this.#session.hide(hidden);
  }

  /** Leaves the lobby, for good: a new `join` is a new client. A host that leaves closes the lobby, unless another follows it. */
  async leave(): Promise<void> {
    await this.#session.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

function checkObject(value: unknown, call: string): void {
  if (typeof value !== "object" || value === null) throw argumentError(`${call} takes an object.`);
}

/** The game may go on changing what it has given. */
function copyOf(bytes: unknown): Uint8Array {
  if (typeof bytes === "string") return new TextEncoder().encode(bytes);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes).slice();
  if (!ArrayBuffer.isView(bytes)) throw ownError("invalid_snapshot");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
}
