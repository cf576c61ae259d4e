import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Turns } from "../../client/link/turns.ts";
import { ExtraSockets } from "../../client/udp/udp-sockets.ts";
import { root, startProgram } from "../../measure/kit/program.ts";

test("where the system gives no 256 sockets, some of those it gives are used, and the game can still open files", async () => {
  const script = `
    const { ExtraSockets } = await import(${JSON.stringify(join(root, "client/udp/udp-sockets.ts"))});
    const sockets = new ExtraSockets(() => {});
    const count = await sockets.open(256);
    sockets.send(Buffer.from("hello"), 0, { ip: "127.0.0.1", port: 9 });
    console.log(count > 5 && count < 50 ? "some" : count);
    const { openSync } = await import("node:fs");
    console.log(Array.from({ length: 16 }, () => openSync("/dev/null")).length);
    sockets.close();
  `;
  const shell = `ulimit -n 80 && exec "$0" --input-type=module-typescript -e "$1"`;
  const program = startProgram("sh", ["-c", shell, process.execPath, script]);
  expect(await program.ended).toBe(0);
  expect(program.output).toBe("some\n16\n");
});

test("each of the sockets has a port of its own, and only one is kept", async () => {
  const server = createSocket("udp4").bind(0, "127.0.0.1");
  await once(server, "listening");
  const ports: number[] = [];
  server.on("message", (bytes, { port }) => {
    ports.push(port);
    server.send(bytes, port, "127.0.0.1");
  });
  const heard: unknown[] = [];
  let tell = () => {};
  const sockets = new ExtraSockets((bytes, local) => {
    heard.push([local, String(Buffer.from(bytes))]);
    tell();
  });
  onTestFinished(() => {
    sockets.close();
    server.close();
  });
  const { port } = server.address();
  const say = async (number: number) => {
    const next = new Promise<void>((resolve) => {
      tell = resolve;
    });
    sockets.send(Buffer.from(`from ${number}`), number, { ip: "127.0.0.1", port });
    await next;
  };
  expect(await sockets.open(70)).toBe(70);
  for (const number of [0, 1, 69]) await say(number);
  expect(new Set(ports).size).toBe(3);
  sockets.closeAllBut(1);
  sockets.send(Buffer.from("closed"), 0, { ip: "127.0.0.1", port });
  await say(1);
  expect(heard).toEqual([
    [0, "from 0"],
    [1, "from 1"],
    [69, "from 69"],
    [1, "from 1"],
  ]);
});

test("sockets that are still being opened when nobody needs them any more are closed", async () => {
  for (const end of [
    (sockets: ExtraSockets) => sockets.close(),
    (sockets: ExtraSockets) => sockets.closeAllBut(null),
    (sockets: ExtraSockets) => sockets.closeAllBut(3),
  ]) {
    const sockets = new ExtraSockets(() => {});
    const opening = sockets.open(256);
    end(sockets);
    expect(await opening).toBe(0);
    await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain("UDPWrap"));
  }
});

test("the game goes on while sockets are opened", async () => {
  const sockets = new ExtraSockets(() => {});
  let turns = 0;
  let isOpen = false;
  const opening = sockets.open(256).then(() => {
    isOpen = true;
  });
  while (!isOpen) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  await opening;
  sockets.close();
  // Once for each step at least.
  expect(turns).toBeGreaterThanOrEqual(8);
  await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain("UDPWrap"));
});

test("links whose peers cannot be reached hold up the others for a moment each, four of them at once", async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const turns = new Turns<string>();
  const given: string[] = [];
  const over: string[] = [];
  for (const who of ["a", "b", "c", "d", "e", "f"])
    turns.ask(
      who,
      () => given.push(who),
      () => over.push(who),
    );
  await vi.advanceTimersByTimeAsync(0);
  expect(given.join("")).toBe("a");
  await vi.advanceTimersByTimeAsync(1_500);
  expect(given.join("")).toBe("ab");
  // One that is done makes room at once.
  turns.end("b");
  await vi.advanceTimersByTimeAsync(0);
  expect(given.join("")).toBe("abc");
  await vi.advanceTimersByTimeAsync(60_000);
  // The fifth and the sixth end the oldest ones' turns: nobody who asks goes without.
  expect(given.join("")).toBe("abcdef");
  expect(over.join("")).toBe("a");
  for (const who of ["c", "d", "e", "f"]) turns.end(who);
  expect(vi.getTimerCount()).toBe(0);
});

test("one link at a time has the turn, in the order in which they asked, and each once", async () => {
  const turns = new Turns<string>();
  const given: string[] = [];
  const over: string[] = [];
  const ask = (who: string) =>
    turns.ask(
      who,
      () => given.push(who),
      () => over.push(who),
    );
  for (const who of ["a", "a", "b", "c", "d"]) ask(who);
  expect(given).toEqual([]);
  await Promise.resolve();
  expect(given).toEqual(["a"]);
  turns.end("b");
  turns.end("a");
  turns.end("a");
  await Promise.resolve();
  expect(given).toEqual(["a", "c"]);
  turns.end("c");
  // Given back before it was given.
  turns.end("d");
  await Promise.resolve();
  expect(given).toEqual(["a", "c"]);
});
