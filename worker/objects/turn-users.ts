/**
 * The TURN credentials that a lobby's members were given, so that they end with the membership: who was removed must not go on by a server that
 * the operator pays for. Kept in a row of its own, beside the lobby's, as long as there are any.
 */
import type { IceServer } from "../../core/wire/ice.ts";
import type { Env } from "../platform/env.ts";
import { hasTurn, newTurnCredential, revokeTurnCredential } from "../platform/turn.ts";
import { objectLimits } from "./limits.ts";

/** `incarnation`: of which lobby of this code. */
type Row = { incarnation: string; users: { clientId: string; username: string }[] };

const row = "turn";

export class TurnUsers {
  readonly #env: Env;
  readonly #storage: DurableObjectStorage;
  /** Undefined until storage is read. */
  #kept: Row | null | undefined;

  constructor(env: Env, storage: DurableObjectStorage) {
    this.#env = env;
    this.#storage = storage;
  }

  /** Whether the operator has a key for TURN. */
  get isOffered(): boolean {
    return hasTurn(this.#env);
  }

  /** A new credential for a member. Null if there is none to be had. `isStillMember`: asked when it is there. */
  async issue(
    incarnation: string,
    clientId: string,
    isStillMember: () => boolean,
  ): Promise<IceServer[] | null> {
    const credential = await newTurnCredential(this.#env);
    if (!credential) return null;
    const { servers, username } = credential;
    if (!isStillMember()) {
      await revokeTurnCredential(this.#env, username);
      return null;
    }
    const before = this.#read()?.incarnation === incarnation ? (this.#kept?.users ?? []) : [];
    const own = before.filter((user) => user.clientId === clientId);
    // One that asks again and again keeps the newest.
    const over = own.slice(0, Math.max(0, own.length + 1 - objectLimits.turnCredentials));
    this.#revoke(over);
    const users = [...before.filter((user) => !over.includes(user)), { clientId, username }];
    this.#write({ incarnation, users });
    return servers;
  }

  /** Ends the credentials of all who are no members. */
  keepOnly(incarnation: string | undefined, isMember: (clientId: string) => boolean): void {
    if (!this.isOffered && this.#kept === undefined) return;
    const kept = this.#read();
    if (!kept) return;
    const gone = kept.users.filter((user) => kept.incarnation !== incarnation || !isMember(user.clientId));
    if (gone.length === 0) return;
    this.#revoke(gone);
    const users = kept.users.filter((user) => !gone.includes(user));
    this.#write(users.length > 0 ? { ...kept, users } : null);
  }

  /** The lobby is over, and its members play on: their credentials end by themselves. */
  letGo(): void {
    if ((this.isOffered || this.#kept !== undefined) && this.#read()) this.#write(null);
  }

  #read(): Row | null {
    if (this.#kept === undefined) this.#kept = this.#storage.kv.get<Row>(row) ?? null;
    return this.#kept;
  }

  #write(kept: Row | null): void {
    this.#kept = kept;
    if (kept) this.#storage.kv.put<Row>(row, kept);
    else this.#storage.kv.delete(row);
  }

  #revoke(users: Row["users"]): void {
    for (const { username } of users) void revokeTurnCredential(this.#env, username);
  }
}
