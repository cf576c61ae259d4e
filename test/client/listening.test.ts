/** How a game listens: to all events, to one, and no more. And how it sends to everybody at once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { expectError } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Ada hosts, the others join, and all are linked. */
async function playing(...names: string[]): Promise<[Lobby, ...Lobby[]]> {
  const ada = await orion.host({ name: "Ada" });
  const guests: Lobby[] = [];
  for (const name of names) guests.push(await orion.join(ada.code, { name }));
  await Promise.all([ada.start(), ...guests.map((guest) => guest.started())]);
  return [ada, ...guests];
}

async function end(lobbies: readonly Lobby[]): Promise<void> {
  await Promise.all(lobbies.flatMap((lobby) => lobby.links.map((link) => link.close())));
  await Promise.all(lobbies.map((lobby) => lobby.leave()));
}

test("a listener for one event hears one, and a promise of an event is that event", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const heard: string[] = [];
  ada.once("chat", ({ text }) => heard.push(text));
  ada.on("chat", ({ text }) => heard.push(text.toUpperCase()));
  const next = ada.once("chat");
  await ada.chat("one");
  await ada.chat("two");
  expect((await next).text).toBe("one");
  expect(heard).toEqual(["one", "ONE", "TWO"]);
});

test("a listener that was removed hears nothing more, also if another one removes it", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const heard: string[] = [];
  const listener = ({ text }: { text: string }) => void heard.push(text);
  const last = ({ text }: { text: string }) => void heard.push(`last ${text}`);
  ada.on("chat", listener);
  ada.on("chat", listener);
  ada.once("chat", listener);
  const forget = ada.once("chat", () => heard.push("never"));
  forget();
  await ada.chat("one");
  ada.off("chat", listener);
  ada.off("chat", listener);
  ada.once("chat", () => ada.off("chat", last));
  ada.on("chat", last);
  await ada.chat("two");
  expect(heard).toEqual(["one", "one", "one"]);
});

test("who waits for what cannot come any more is told why, and the end itself is told later, too", async () => {
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const [link, unheard, closed] = [bo.once("link"), bo.once("back"), bo.once("closed")];
  void unheard;
  await ada.leave();
  await expectError(link, "lobby_closed");
  expect(await closed).toMatchObject({ reason: "host_left" });
  await expectError(bo.once("chat"), "lobby_closed");
  expect(await bo.once("closed")).toMatchObject({ reason: "host_left" });
  await bo.leave();
});

test("an event that does not exist can neither be awaited nor forgotten", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const invalid = expect.objectContaining({ code: "invalid_argument" });
  for (const method of ["once", "off"]) {
    const call = (...args: unknown[]) => Reflect.apply(Reflect.get(ada, method), ada, args);
    expect(() => call("typo", () => {})).toThrow(invalid);
    expect(() => call("typo")).toThrow(invalid);
  }
  expect(() => Reflect.apply(ada.once, ada, ["chat", "no listener"])).toThrow(invalid);
});

test("packets that come while nobody listens wait for the next listener, one by one", async () => {
  const all = await playing("Bo");
  const [ada, bo] = all;
  const [toBo] = ada.links;
  const [toAda] = bo?.links ?? [];
  if (!toBo || !toAda) throw new Error("no link");
  for (const message of ["one", "two", "three"]) await toBo.sendReliable(message);
  await toBo.delivered();
  expect(text(await toAda.once("reliable"))).toBe("one");
  expect(text(await toAda.once("reliable"))).toBe("two");
  const heard: string[] = [];
  toAda.on("reliable", (bytes) => void heard.push(text(bytes)));
  await expect.poll(() => heard).toEqual(["three"]);
  const settled = await toAda.once("settled");
  expect(settled).toEqual({ cause: null });
  const closed = toAda.once("closed");
  await toBo.close();
  await closed;
  await expectError(toAda.once("path"), "link_closed");
  await end(all);
});

test("a host sends to everybody at once, and knows its peers by their ids", async () => {
  const all = await playing("Bo", "Cy");
  const [ada, ...guests] = all;
  const ids = guests.map(({ clientId }) => clientId);
  expect([...ada.peers.keys()].sort()).toEqual([...ids].sort());
  for (const guest of guests) {
    expect([...guest.peers.keys()]).toEqual([ada.clientId]);
    expect(ada.peers.get(guest.clientId)).toMatchObject({ name: guest.self, clientId: guest.clientId });
  }
  const heard = guests.map((guest) => {
    const link = guest.peers.get(ada.clientId)?.link;
    return Promise.all([link?.once("message"), link?.once("reliable")]);
  });
  expect(ada.broadcast("to all")).toBe(2);
  expect(await ada.broadcastReliable(new TextEncoder().encode("for sure").buffer)).toBe(2);
  for (const [packet, message] of await Promise.all(heard)) {
    expect([text(packet ?? new Uint8Array()), text(message ?? new Uint8Array())]).toEqual([
      "to all",
      "for sure",
    ]);
  }
  const lost = ada.peers.get(ids[0] ?? "")?.link.once("closed");
  await guests[0]?.links[0]?.close();
  await lost;
  expect([...ada.peers.keys()]).toEqual([ids[1]]);
  expect(ada.broadcast("to the rest")).toBe(1);
  await end(all);
  expect([ada.peers.size, ada.broadcast("to nobody"), await ada.broadcastReliable("to nobody")]).toEqual([
    0, 0, 0,
  ]);
});

test("what is no packet is refused for all, even if nobody is there", async () => {
  await using ada = await orion.host({ name: "Ada" });
  const broadcast = (packet: unknown) => Reflect.apply(ada.broadcast, ada, [packet]);
  const reliable = (packet: unknown) => Reflect.apply(ada.broadcastReliable, ada, [packet]);
  for (const packet of [5, null, undefined, {}, [1]]) {
    expect(() => broadcast(packet)).toThrow(TypeError);
    await expect(reliable(packet)).rejects.toThrow(TypeError);
  }
  expect(() => broadcast("x".repeat(1_201))).toThrow(expect.objectContaining({ code: "packet_too_large" }));
  await expectError(reliable("x".repeat(65_537)), "message_too_large");
});
