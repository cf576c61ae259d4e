/** Packets that are signed with the pair's key (core/wire/peer-packet.ts). */
import { packetMacBytes, type SignedPacket, writeSigned } from "../../core/wire/peer-packet.ts";
import type { Mac } from "../crypto/crypto.ts";

/** A packet for the peer. */
export function signPacket(mac: Mac, packet: SignedPacket): Uint8Array {
  const bytes = writeSigned(packet);
  bytes.set(packetMac(mac, bytes), bytes.length - packetMacBytes);
  return bytes;
}

/** Whether the packet comes from whoever has the pair's key. */
export function isSigned(mac: Mac, bytes: Uint8Array): boolean {
  const expected = packetMac(mac, bytes);
  const at = bytes.length - packetMacBytes;
  let difference = 0;
  for (let i = 0; i < packetMacBytes; i++) difference |= (expected[i] ?? 0) ^ (bytes[at + i] ?? 0);
  return difference === 0;
}

function packetMac(mac: Mac, bytes: Uint8Array): Uint8Array {
  return mac(bytes.subarray(0, bytes.length - packetMacBytes)).subarray(0, packetMacBytes);
}
