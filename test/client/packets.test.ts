/** What a game may send on a link, and what arrives. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Link, type Lobby } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
let ada: Lobby;
let bo: Lobby;
let toBo: Link;
let toAda: Link;
const arrived: Uint8Array[] = [];
let wake = () => {};

beforeAll(async () => {
  server = await startTestServer();
  const orion = await connect(server.url);
  ada = await orion.host({ name: "Ada" });
  bo = await orion.join(ada.code, { name: "Bo" });
  const [[hers], [his]] = await Promise.all([ada.start(), bo.started()]);
  if (!hers || !his) throw new Error("no link");
  [toBo, toAda] = [hers, his];
  toAda.on("message", (bytes) => {
    arrived.push(bytes);
    wake();
  });
});
afterAll(async () => {
  await Promise.all([toBo.close(), toAda.close(), ada.leave(), bo.leave()]);
  await server.stop();
});

/** Sends by a link of a game that has no types. */
function send(packet: unknown): void {
  Reflect.apply(toBo.send, toBo, [packet]);
}

async function nextPacket(): Promise<number[]> {
  while (arrived.length === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  return [...(arrived.shift() ?? [])];
}

const backing = Uint8Array.of(9, 1, 2, 3, 4, 9).buffer;
const words = new Uint16Array(backing, 2, 1);

test.each([
  ["a text", "héllo 🎲", [...new TextEncoder().encode("héllo 🎲")]],
  ["an empty text", "", []],
  ["half an emoji, as the sign for what cannot be read", "\ud83d", [0xef, 0xbf, 0xbd]],
  ["an ArrayBuffer", Uint8Array.of(1, 2, 3).buffer, [1, 2, 3]],
  ["an empty ArrayBuffer", new ArrayBuffer(0), []],
  ["bytes", Uint8Array.of(1, 2, 3), [1, 2, 3]],
  ["a part of larger memory", new Uint8Array(backing, 1, 4), [1, 2, 3, 4]],
  ["a DataView", new DataView(backing, 1, 2), [1, 2]],
  ["words", words, [2, 3]],
  ["floats", new Float64Array([0, 0]), Array(16).fill(0)],
  ["a Node Buffer", Buffer.from("abc"), [97, 98, 99]],
  ["a full packet", "x".repeat(1200), Array(1200).fill(120)],
])("%s arrives as its bytes", async (_, packet, bytes) => {
  send(packet);
  expect(await nextPacket()).toEqual(bytes);
});

test("a game may use its memory again at once", async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  toBo.send(bytes);
  bytes.fill(9);
  expect(await nextPacket()).toEqual([1, 2, 3]);
  toBo.send(bytes.buffer);
  bytes.fill(8);
  expect(await nextPacket()).toEqual([9, 9, 9]);
});

function transferred(): ArrayBuffer {
  const buffer = new ArrayBuffer(4);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function viewOfTransferred(): Uint8Array {
  const bytes = new Uint8Array(4);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function dataViewOfTransferred(): DataView {
  const view = new DataView(new ArrayBuffer(4));
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

test.each([
  ["a number", 5],
  ["nothing", undefined],
  ["null", null],
  ["an object", { length: 5 }],
  ["a list of numbers", [1, 2, 3]],
  ["a Blob", new Blob(["abc"])],
  ["memory that was transferred", transferred()],
  ["a view of memory that was transferred", viewOfTransferred()],
  ["a DataView of memory that was transferred", dataViewOfTransferred()],
  ["shared memory", new SharedArrayBuffer(4)],
  ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(4))],
  ["memory that may grow", new ArrayBuffer(4, { maxByteLength: 8 })],
])("%s is refused, and nothing is sent", async (_, packet) => {
  expect(() => send(packet)).toThrow(TypeError);
  expect(() => send(packet)).toThrow(expect.objectContaining({ code: "invalid_packet" }));
  // A packet that was sent before would arrive before.
  send("end");
  expect(await nextPacket()).toEqual([101, 110, 100]);
});

test.each([
  ["bytes", new Uint8Array(1201)],
  ["an ArrayBuffer", new ArrayBuffer(1201)],
  ["a text whose UTF-8 is too long", "é".repeat(601)],
  ["a very long text", "x".repeat(10_000_000)],
])("more than 1 200 bytes are refused: %s", (_, packet) => {
  expect(() => send(packet)).toThrow(expect.objectContaining({ code: "packet_too_large" }));
});
