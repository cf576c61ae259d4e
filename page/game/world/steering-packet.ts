/** What a guest tells its host, some 30 times a second: what it has received, and how it steered in its last ticks. */
import { ByteReader, ByteWriter } from "./bytes.ts";
import { packetKinds } from "./snapshot.ts";
import type { Steering } from "./step.ts";
import { turned } from "./world.ts";

/** Ticks that one packet tells of, two bytes each: a page that stands still for a moment, or some lost packets, leave no gap. */
export const toldTicks = 18;
/** Directions in 13 bits. Two others say how the comet turns, and the last one whether it boosts. */
const mostAim = 0x1fff;
const turns = { straight: 0, aim: 1, left: 2, right: 3 } as const;

export type SteeringPacket = {
  /** The host for which this is, and the last of its ticks of which the guest has everything; 0: none. */
  reign: number;
  known: number;
  /** The guest's last tick, and the steering of the ticks up to it, the last one last. */
  last: number;
  steering: Steering[];
};

export function writeSteering({ reign, known, last, steering }: SteeringPacket): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(64);
  const told = steering.slice(-toldTicks);
  writer.u8(packetKinds.steering);
  writer.u16(reign);
  writer.u32(known);
  writer.u32(last);
  writer.u8(told.length);
  for (const { aim, boost, turn = 0 } of told) {
    const way = turn < 0 ? turns.left : turn > 0 ? turns.right : turns.aim;
    const bits = aim === null ? 0 : Math.round(((turned(aim) + Math.PI) / (2 * Math.PI)) * mostAim);
    writer.u16((bits << 3) | ((aim === null ? turns.straight : way) << 1) | (boost ? 1 : 0));
  }
  return writer.bytes();
}

/** Null for everything that no guest sends. */
export function readSteering(bytes: Uint8Array): SteeringPacket | null {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== packetKinds.steering) return null;
  const [reign, known, last, count] = [reader.u16(), reader.u32(), reader.u32(), reader.u8()];
  if (count > toldTicks) return null;
  const steering: Steering[] = [];
  for (let i = 0; i < count; i++) {
    const bits = reader.u16();
    const aim = turned(((bits >> 3) / mostAim) * 2 * Math.PI - Math.PI);
    const way = (bits >> 1) & 3;
    const turn = way === turns.left ? -1 : way === turns.right ? 1 : 0;
    steering.push({ aim: way === turns.straight ? null : aim, boost: (bits & 1) === 1, turn });
  }
  return reader.isDone ? { reign, known, last, steering } : null;
}
