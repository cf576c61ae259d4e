/** What packets of a game cost a host in Godot: one process with eight links over UDP, whose processor time is taken from the system. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import type { Program } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";

const framesPerSecond = 60;

describe.skipIf(!mayHaveGodot4)("A host in Godot 4", () => {
  let project: GodotProject;
  let server: Server;
  const programs: Program[] = [];
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("cost");
    server = await startTestServer();
  }, installMs);
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    await server?.stop();
  });

  /** Milliseconds of processor time for a frame of this phase. Time in which the process waits for a processor does not count. */
  async function costOfFrame(host: Program, phase: string) {
    await host.prints(new RegExp(`^begin ${phase}$`, "m"));
    const before = processorMs(host.pid);
    await host.prints(new RegExp(`^end ${phase} `, "m"));
    const used = processorMs(host.pid) - before;
    const counts = new RegExp(`^end ${phase} (\\d+) (\\d+) (\\d+)`, "m").exec(host.output) ?? [];
    const [frames = 0, sent = 0, received = 0] = counts.slice(1).map(Number);
    return { ms: used / frames, sent, received };
  }

  test("sends 60 encrypted packets a second to 8 peers, and takes as many, with a small part of a processor", async () => {
    const host = project.run("traffic.gd", server.url.href);
    programs.push(host);
    await host.prints(/^code \w+$/m);
    const [, code = ""] = /^code (\w+)$/m.exec(host.output) ?? [];
    programs.push(project.run("traffic.gd", server.url.href, code));
    const idle = await costOfFrame(host, "idle");
    const sending = await costOfFrame(host, "sending");
    const both = await costOfFrame(host, "both");
    expect(sending.sent).toBeGreaterThan(0);
    expect(both.received).toBeGreaterThan(0.5 * both.sent);
    const share = (ms: number) => (ms * framesPerSecond) / 1000;
    const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
    const [more, most] = [share(sending.ms - idle.ms), share(both.ms - idle.ms)];
    console.log(
      `Of a processor, at 60 frames a second: ${percent(share(idle.ms))} with 8 silent links, ${percent(more)} more to send, ${percent(most)} more to send and receive`,
    );
    // Twice what it takes on a machine that does ten other things: caches are shared with them.
    expect(more).toBeLessThan(0.1);
    expect(most).toBeLessThan(0.2);
  }, 120_000);
});

/** Of all threads of a process. */
function processorMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}
