/** A gateway of Rabid at a real edge, and clients that do what its plugin does, over real sockets. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { rabidLimits } from "../../../core/dialects/rabid/limits.ts";
import type { Server } from "../../../local/server.ts";
import { gatherPlugins, type RabidSidecar, startRabidSidecar } from "../../../measure/kit/rabid.ts";
import { RabidPlugin } from "../../../measure/kit/rabid-plugin.ts";
import { secret } from "../../../measure/kit/secret.ts";
import { startTestServer } from "../../../measure/kit/server.ts";

let server: Server;
let [paris, oslo]: RabidSidecar[] = [];
beforeAll(async () => {
  server = await startTestServer({ secret, udpPort: null });
  [paris, oslo] = await Promise.all([
    startRabidSidecar(server.url, { name: "paris" }),
    startRabidSidecar(server.url, { name: "oslo" }),
  ]);
});
afterAll(async () => {
  for (const plugin of plugins) plugin.close();
  await Promise.all([paris?.stop(), oslo?.stop()]);
  await server.stop();
});

/** All that were started. They play on until the end. */
const plugins: RabidPlugin[] = [];
let sessions = 0;
const newSession = () => `Room${++sessions}`;
const both = () => [paris, oslo].flatMap((one) => one ?? []);
async function gather(session: string, names: string[], options: { password?: string; haste?: number } = {}) {
  const gathered = await gatherPlugins(session, names, both(), options);
  plugins.push(...gathered);
  return gathered as [RabidPlugin, ...RabidPlugin[]];
}
function plugin(session: string, name: string, gateway = paris): RabidPlugin {
  if (!gateway) throw new Error("no gateway");
  const made = new RabidPlugin({ server: gateway.at, session, name });
  plugins.push(made);
  return made;
}
/** The text of the error on which the plugin gives up. */
async function errorOf(plugin: RabidPlugin): Promise<string> {
  const outcome = await plugin.outcome;
  return "error" in outcome ? outcome.error : "none";
}

// First: nobody else is there yet.
test("Pings of any number ask the edge for nothing", async () => {
  const all = await gather(newSession(), ["Ann", "Bob", "Cy", "Dee"]);
  const asked = [vi.spyOn(globalThis, "fetch"), vi.spyOn(WebSocket.prototype, "send")];
  const pings = () => both().reduce((sum, { gateway }) => sum + (gateway.counts.messages.ping ?? 0), 0);
  const pingsBefore = pings();
  await vi.waitFor(() => expect(pings() - pingsBefore).toBeGreaterThan(4 * 4));
  for (const spy of asked) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
  expect(all.every(({ state }) => state === "in-session")).toBe(true);
});

test("A start waits 15 s at most for players who are not heard", async () => {
  const [ann] = await gather(newSession(), ["Ann", "Bob"]);
  const asked = vi.spyOn(globalThis, "fetch");
  ann.startSession();
  await ann.until("the start", () => ann.state === "finishing");
  const starts = asked.mock.calls.filter(([url]) => String(url).endsWith("/ptp/start"));
  asked.mockRestore();
  expect(starts.map(([, wish]) => JSON.parse(String(wish?.body)))).toEqual([
    expect.objectContaining({ patienceMs: rabidLimits.rabidStartForMs }),
  ]);
});

describe.concurrent("Players of two gateways", () => {
  test("are in one session, and each hears who comes, in order", async () => {
    const [ann, bob, cy] = await gather(newSession(), ["Ann", "Bob", "Cy"]);
    expect([ann, bob, cy].map((one) => one?.isHost)).toEqual([true, false, false]);
  });

  test("are told the start with all others, each with the address that its own gateway saw", async () => {
    const all = await gather(newSession(), ["Ann", "Bob", "Cy"]);
    all[0].startSession();
    for (const one of all) {
      await one.until("the start", () => one.state === "finishing");
      const others = all.filter((other) => other !== one);
      const entries = others.map(({ name, port }) => `${name}:127.0.0.1:${port}`).join(";");
      expect(one.heard.at(-1)?.text).toBe(`s:${one.port}:${entries}`);
    }
  });

  test("see who leaves, who is removed, and who is host then", async () => {
    const [ann, bob, cy, dee] = await gather(newSession(), ["Ann", "Bob", "Cy", "Dee"]);
    ann.kickPlayer("Dee");
    expect(await errorOf(dee ?? ann)).toBe("kicked_by_host");
    await ann.hasNames("Ann", "Bob", "Cy");
    await bob?.hasNames("Ann", "Bob", "Cy");
    const again = plugin(ann.session, "Dee", oslo);
    await again.joinSession();
    expect(await errorOf(again)).toBe("kicked_by_host");
    ann.exitSession();
    expect(await errorOf(ann)).toBe("player_exited_session");
    await bob?.hasNames("Bob", "Cy");
    await cy?.hasNames("Bob", "Cy");
    expect(bob?.isHost).toBe(true);
  });
});

describe.concurrent("A player that may not join is told why:", () => {
  test("no such session", async () => {
    const ann = plugin(newSession(), "Ann");
    await ann.joinSession();
    expect(await errorOf(ann)).toBe("session_non_existent");
  });

  test("a session of this name, at either gateway", async () => {
    const session = newSession();
    await gather(session, ["Ann"]);
    for (const gateway of both()) {
      const zoe = plugin(session, "Zoe", gateway);
      await zoe.createSession(4);
      expect(await errorOf(zoe)).toBe("session_exists");
    }
  });

  test("a wrong password, before its name, and none needed where there is none", async () => {
    const session = newSession();
    await gather(session, ["Ann", "Bob"], { password: "secret" });
    for (const password of [undefined, "wrong", "Secret"]) {
      const bob = plugin(session, "Bob");
      await bob.joinSession(password);
      expect(await errorOf(bob)).toBe("password_mismatch");
    }
    const open = newSession();
    await gather(open, ["Ann"]);
    const cy = plugin(open, "Cy");
    await cy.joinSession("anything");
    await cy.hasNames("Ann", "Cy");
  });

  test("a name that somebody has, but not one in other letters", async () => {
    const session = newSession();
    await gather(session, ["Ann"]);
    const other = plugin(session, "Ann", oslo);
    await other.joinSession();
    expect(await errorOf(other)).toBe("player_name_in_use");
    const ann = plugin(session, "ann", oslo);
    await ann.joinSession();
    await ann.hasNames("Ann", "ann");
  });

  test("a full session, before its name; and one who fills it is answered again", async () => {
    const session = newSession();
    const ann = plugin(session, "Ann");
    await ann.createSession(2);
    await ann.hasNames("Ann");
    const bob = plugin(session, "Bob", oslo);
    await bob.joinSession();
    await bob.hasNames("Ann", "Bob");
    // Weakness 1: the answer was lost, and the plugin asks again.
    const before = bob.heard.length;
    bob.say(`c:${session}:Bob`);
    await bob.until("an answer", () => bob.heard.length > before);
    expect(bob.heard.slice(before).map(({ text }) => text)).not.toContain("error:session_full");
    for (const name of ["Bob", "Cy"]) {
      const late = plugin(session, name);
      await late.joinSession();
      expect(await errorOf(late)).toBe("session_full");
    }
  });

  test("a session that has started", async () => {
    const session = newSession();
    const all = await gather(session, ["Ann", "Bob"]);
    all[0].startSession();
    await all[0].until("the start", () => all[0].state === "finishing");
    for (const gateway of both()) {
      const late = plugin(session, "Cy", gateway);
      await late.joinSession();
      expect(await errorOf(late)).toBe("session_non_existent");
    }
  });
});

describe.concurrent("A host", () => {
  test("that starts alone hears that, and goes on", async () => {
    const [ann] = await gather(newSession(), ["Ann"]);
    ann.startSession();
    await ann.until("the error", () => ann.heard.at(-1)?.text === "error:only_one_player_in_session");
    await ann.until("a ping", () => ann.heard.at(-1)?.text === "i:Ann");
    expect(ann.state).toBe("in-session");
  });

  test("and nobody else starts", async () => {
    const [, bob] = await gather(newSession(), ["Ann", "Bob"]);
    bob?.startSession();
    await bob?.until("the error", () => bob.heard.at(-1)?.text === "error:non_host_player");
    expect(bob?.state).toBe("in-session");
  });
});

test.concurrent("A player keeps its place when its router gives it another port", async () => {
  const [ann, bob] = await gather(newSession(), ["Ann", "Bob"]);
  await bob?.rebind();
  const before = bob?.heard.length ?? 0;
  await bob?.until("an answer at the new port", () => bob.heard.length > before);
  ann.startSession();
  await ann.until("the start", () => ann.state === "finishing");
  expect(ann.heard.at(-1)?.text).toBe(`s:${ann.port}:Bob:127.0.0.1:${bob?.port}`);
});

test.concurrent("A session's name is free when all have gone, and the edge knows none of them", async () => {
  const session = newSession();
  const all = await gather(session, ["Ann", "Bob"]);
  for (const one of all) one.say(`x:${session}:${one.name}`);
  for (const one of all) expect(await errorOf(one)).toBe("player_exited_session");
  const [zoe] = await gather(session, ["Zoe"]);
  expect(zoe.names).toEqual(["Zoe"]);
});
