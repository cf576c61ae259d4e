/** noray's lines, and its commands and answers. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { answer, parseCommand } from "../../../core/dialects/noray/command.ts";
import { idBytes, idFrom, nanoidCharacters } from "../../../core/dialects/noray/ids.ts";
import { LineReader } from "../../../core/dialects/noray/lines.ts";
import vectors from "../../vectors/noray.json" with { type: "json" };

const bytes = (text: string) => new TextEncoder().encode(text);

test.each(vectors.streams)("a stream is read as lines: $why", ({ pieces, lines, atEnd }) => {
  const reader = new LineReader();
  expect(pieces.flatMap((piece) => [...reader.read(bytes(piece))])).toEqual(lines);
  expect(reader.end()).toEqual(atEnd);
});

test.each(vectors.commands)("the line $line is a command, or none", ({ line, command }) => {
  expect(parseCommand(line)).toEqual(command);
});

test("an answer is a word and its data", () => {
  const { oid, pid, address, relayPort, echo } = vectors.answers;
  expect(answer.oid("V1StGXR8_Z5jdHi6B-myT")).toBe(oid);
  expect(answer.pid("0123456789abcdef")).toBe(pid);
  expect(answer.connect({ ip: "192.0.2.7", port: 40_001 })).toBe(address);
  expect(answer.relay(49_152)).toBe(relayPort);
  expect(answer.echo("  x ")).toBe(echo);
  // No client knows the command "error": all skip it.
  expect(answer.failure("connect", "unknown_oid")).toMatch(/^error connect Unknown/);
});

test("a stream gives the same lines wherever it is cut", () => {
  const texts = fc.array(fc.constantFrom("connect abc", "é🎮", "\n", "\r", "\r\n", " ", "x".repeat(600)));
  fc.assert(
    fc.property(texts, fc.array(fc.nat(50), { minLength: 1 }), (parts, cuts) => {
      const whole = bytes(parts.join(""));
      const atOnce = new LineReader();
      const expected = [...atOnce.read(whole), ...atOnce.end()];
      const reader = new LineReader();
      const got: string[] = [];
      for (let at = 0, i = 0; at < whole.length; i++) {
        const length = 1 + (cuts[i % cuts.length] ?? 0);
        got.push(...reader.read(whole.subarray(at, at + length)));
        at += length;
      }
      expect([...got, ...reader.end()]).toEqual(expected);
      expect(reader.tooLong).toBe(atOnce.tooLong);
    }),
  );
});

test("a line that is too long is left out, and holds no memory", () => {
  const reader = new LineReader(8);
  expect([...reader.read(bytes("12345678\n123456789\nok\n"))]).toEqual(["12345678", "ok"]);
  for (let times = 0; times < 100; times++) expect([...reader.read(bytes("x".repeat(10_000)))]).toEqual([]);
  expect(reader.heldBytes).toBe(0);
  expect([...reader.read(bytes("x\nnext\n"))]).toEqual(["next"]);
  expect(reader.tooLong).toBe(2);
  expect([...reader.read(bytes("123456789"))]).toEqual([]);
  expect(reader.end()).toEqual([]);
});

test("an id has the characters and the length of its shape, and each is as likely as the others", () => {
  const shape = { length: 21, characters: nanoidCharacters };
  expect(new Set(nanoidCharacters).size).toBe(64);
  expect(idFrom(shape, new Uint8Array(idBytes(shape)))).toBe("A".repeat(21));
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: idBytes(shape), maxLength: idBytes(shape) }),
      (random) => void expect(idFrom(shape, random)).toMatch(/^[\w-]{21}$/),
    ),
  );
  const letters = { length: 6, characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" };
  expect(
    idFrom(
      letters,
      Uint8Array.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 25 : 0)),
    ),
  ).toBe("ZZZZZZ");
  expect(() => idFrom(shape, new Uint8Array(20))).toThrow();
});
