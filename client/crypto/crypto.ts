/**
 * What links need of cryptography. All of it is synchronous: a packet is checked in the turn in which it comes. Node computes it by
 * `node.ts`, pages by `web.ts`.
 */
import type { Primitives } from "../../core/sealing/primitives.ts";

/** The 32 bytes of an HMAC-SHA-256. The caller may keep or cut them. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

export interface LinkCrypto extends Primitives {
  /** Bytes that nobody can foretell. */
  randomBytes(count: number): Uint8Array;
}
