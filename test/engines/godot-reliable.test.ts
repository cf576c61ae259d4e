/** The addon's reliable stream and the SDK's, each other's peers over UDP that loses, doubles and delays packets. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as passed } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { reliableLimits } from "../../core/reliable/limits.ts";
import { writeSegment } from "../../core/reliable/packet.ts";
import { ReliableStream } from "../../core/reliable/stream.ts";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import type { Program } from "../../measure/kit/program.ts";
import { numbered } from "../core/reliable/a-network.ts";

const lengths = [0, 1, 1_194, 1_195, 1_196, 5_000, 65_536, 0, 17, 20_000];

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let project: GodotProject;
  let program: Program | undefined;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("reliable");
  }, installMs);
  afterEach(() => program?.stop());

  test("GDScript and TypeScript send each other messages that come once, whole and in order, over a bad network", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const stream = new ReliableStream(performance.now());
    const got: Uint8Array[] = [];
    let port = 0;
    let seed = 7;
    const chance = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    /** A fifth is lost, a tenth comes twice, and all of it takes its time. */
    const badly = (act: () => void) => {
      if (chance() < 0.2) return;
      for (let i = chance() < 0.1 ? 2 : 1; i > 0; i--) setTimeout(act, 5 + 20 * chance());
    };
    const flush = () => {
      for (const message of stream.messages.splice(0)) got.push(Uint8Array.from(message));
      for (const packet of stream.packets.splice(0))
        badly(() => {
          if (isOpen) socket.send(packet, port, "127.0.0.1");
        });
    };
    let isOpen = true;
    socket.on("message", (bytes, from) => {
      const isFirst = port === 0;
      port = from.port;
      badly(() => stream.hear(bytes, performance.now()));
      if (isFirst)
        for (const [i, length] of lengths.entries()) stream.push(numbered(i, length), performance.now());
    });
    program = project.run("reliable.gd", `${socket.address().port}`, JSON.stringify(lengths));
    const isDone = () => got.length === lengths.length && /^got /m.test(program?.output ?? "");
    for (let until = performance.now() + 50_000; !isDone() && performance.now() < until; await passed(2)) {
      stream.tick(performance.now());
      flush();
    }
    expect(program.output).toMatch(
      new RegExp(`^got \\[${lengths.map((length) => `${length}(\\.0)?`).join(",")}\\]$`, "m"),
    );
    expect(program.output).not.toContain("wrong");
    expect(program.output).toMatch(/^refused false$/m);
    expect(got).toEqual(lengths.map((length, i) => numbered(100 + i, length)));

    // A message without an end: whoever sends it is no honest peer.
    const bytes = new Uint8Array(reliableLimits.segmentBytes);
    const segments = Math.ceil(reliableLimits.messageBytes / bytes.length) + 1;
    const first = lengths.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / bytes.length)), 0);
    const flood = setInterval(() => {
      for (let i = 0; i < segments; i++)
        socket.send(writeSegment({ number: first + i, isLast: false, bytes }), port, "127.0.0.1");
    }, 50);
    expect(await program.ended).toBe(0);
    clearInterval(flood);
    expect(program.output).toMatch(/^broken$/m);
    isOpen = false;
    socket.close();
  });
});
