/** A player's program that stands still until its links are dead, while its WebSocket lives: a laptop that nods off, a browser's tab. */
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../client/index.ts";
import { linkLimits } from "../../core/link/limits.ts";
import { root, startProgram } from "../../measure/kit/program.ts";
import { startFaultyServer } from "../../measure/kit/server.ts";
import { next, nextOn } from "../client/heard.ts";

test(
  "who was suspended until the links were dead, and kept the WebSocket, is linked again by itself",
  async () => {
    const server = await startFaultyServer({ udpPort: null });
    onTestFinished(() => server.stop());
    const ada = await (await connect(server.url)).host({ name: "Ada", lifetime: "session", graceMs: 60_000 });
    onTestFinished(() => ada.leave());
    const script = `
      import { connect } from "${root}client/index.ts";
      const bo = await (await connect("${server.url.href}")).join("${ada.code}", { name: "Bo" });
      bo.on("reconnecting", () => console.log("reconnecting"));
      bo.on("link", (link) => link.on("message", () => link.send("heard")));`;
    const joined = next(ada, "joined");
    const bo = startProgram(process.execPath, ["--input-type=module-typescript", "--eval", script]);
    onTestFinished(() => void process.kill(bo.pid, "SIGKILL"));
    await joined;
    await ada.start();
    const [before] = ada.links;
    if (!before) throw new Error("Ada has no link");
    const closed = nextOn(before, "closed");
    const link = next(ada, "link");
    process.kill(bo.pid, "SIGSTOP");
    expect(await closed).toEqual({ cause: "path-lost" });
    process.kill(bo.pid, "SIGCONT");
    const again = await link;
    const heard = nextOn(again, "message");
    again.send("are you back?");
    expect(new TextDecoder().decode(await heard)).toBe("heard");
    expect(bo.output).toBe("");
  },
  linkLimits.graceMs + 90_000,
);
