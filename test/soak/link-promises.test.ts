/** What the soak says of links: it complains of each thing that may not come, and of nothing else. */
import { expect, test } from "vitest";
import { newEnd, takePacket, takeReliable, wordOf } from "../../measure/kit/link-promises.ts";

const safetyCode = "1234 5678";
const end = () => newEnd({ safetyCode, peer: { name: "Bo" } }, "Ada", "s1");
const word = (number: number, about: object = {}) =>
  wordOf({ stream: "s2", number, safetyCode, size: 100, ...about });
const cut = (bytes: Uint8Array) => bytes.slice(0, -3);
const changed = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 9 ? byte ^ 1 : byte));
const wrongs = (take: typeof takeReliable, said: Uint8Array[]) => {
  const own = end();
  return said.map((bytes) => take(own, bytes) !== null);
};

test.each<[what: string, said: Uint8Array[], isWrong: boolean[]]>([
  ["all in order", [word(1), word(2), word(3)], [false, false, false]],
  ["one twice", [word(1), word(1)], [false, true]],
  ["one missing", [word(1), word(3)], [false, true]],
  ["the first one missing", [word(2)], [true]],
  ["two exchanged", [word(2), word(1)], [true, true]],
  ["another link's", [word(1), word(2, { stream: "s3" })], [false, true]],
  ["one under other keys", [word(1, { safetyCode: "8765 4321" })], [true]],
  ["one that is cut off", [cut(word(1))], [true]],
  ["one that has changed", [changed(word(1))], [true]],
])("reliable messages: %s", (_, said, isWrong) => expect(wrongs(takeReliable, said)).toEqual(isWrong));

test.each<[what: string, said: Uint8Array[], isWrong: boolean[]]>([
  ["some missing and exchanged", [word(4), word(2), word(9)], [false, false, false]],
  ["one twice", [word(4), word(5), word(4)], [false, false, true]],
  ["one under other keys", [word(1, { safetyCode: null })], [true]],
  ["one that has changed", [changed(word(1))], [true]],
])("packets: %s", (_, said, isWrong) => expect(wrongs(takePacket, said)).toEqual(isWrong));
