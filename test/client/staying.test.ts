/** Lobbies that people stay in, through the SDK: who comes back, who leads, who is removed, what is kept, and who comes late. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { connect, type HostOptions, type Link, type Lobby, type Orion } from "../../client/index.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { Server } from "../../local/server.ts";
import { failCalls, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { tellTimes } from "../../measure/kit/times.ts";
import { type Cable, layCable } from "./cable.ts";
import { expectError, names, next, nextOn, record } from "./heard.ts";

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startFaultyServer();
  await setLimits(server.url, { presentMs: 0 });
  orion = await connect(server.url);
});
afterAll(() => server.stop());

const session = { lifetime: "session", onHostLoss: "migrate" } as const;

async function far(): Promise<{ cable: Cable; there: Orion<Lobby> }> {
  const cable = await layCable(server.url);
  onTestFinished(() => cable.close());
  return { cable, there: await connect(cable.url) };
}

/** Ada and Bo; Bo's connection can be cut. */
async function withBoFar(options: Partial<HostOptions> = {}) {
  const { cable, there } = await far();
  const ada = await orion.host({ name: "Ada", ...session, ...options });
  const bo = await there.join(ada.code, { name: "Bo" });
  onTestFinished(async () => {
    await Promise.all([ada.leave(), bo.leave()]);
  });
  return { ada, bo, cable, there };
}

/** The host starts, the others are linked, and the server knows that all are connected. */
async function play(host: Lobby, ...others: Lobby[]): Promise<Link[]> {
  const connected = next(host, "connected");
  const links = await Promise.all([host.start(), ...others.map((other) => other.started())]);
  await connected;
  return links.flat();
}

async function close(...links: Link[]): Promise<void> {
  await Promise.all(links.map((link) => link.close()));
}

async function hears(from: Link | undefined, to: Link | undefined, word: string): Promise<void> {
  const heard = to && nextOn(to, "message");
  from?.send(word);
  expect(new TextDecoder().decode(await heard)).toBe(word);
}

test("a player whose connection is cut comes back, is still the same, and has heard all that was said", async () => {
  const { ada, bo, cable } = await withBoFar();
  const told = record(ada, "away", "back", "left", "joined");
  const heard = record(bo, "reconnecting", "chat", "changed", "resumed", "closed");
  const away = next(ada, "away");
  const resumed = next(bo, "resumed");
  cable.cut();
  cable.cutNext(2);
  expect((await away).member).toMatchObject({ name: "Bo", presence: "away", clientId: bo.clientId });
  await ada.chat("Where is he?");
  await ada.setData({ map: "dust" });
  expect(await resumed).toEqual({ isComplete: true });
  expect(heard.map(([event]) => event)).toEqual(["reconnecting", "changed", "chat", "resumed"]);
  expect(heard[2]?.[1]).toMatchObject({ from: "Ada", text: "Where is he?", missed: true });
  expect(bo).toMatchObject({ self: "Bo", data: { map: "dust" }, isReconnecting: false });
  await bo.chat("Here I am.");
  await vi.waitFor(() => expect(told.map(([event]) => event)).toEqual(["away", "back"]));
  expect(ada.members.map(({ name, presence }) => `${name} ${presence}`)).toEqual([
    "Ada connected",
    "Bo connected",
  ]);
});

test("a player who has heard no chat yet misses none of what is said since it came, and hears nothing of before", async () => {
  const { cable, there } = await far();
  await using ada = await orion.host({ name: "Ada" });
  await ada.chat("before");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await using bo = await there.join(ada.code, { name: "Bo" });
  const heard = record(bo, "chat");
  cable.silence();
  await ada.chat("after");
  const resumed = next(bo, "resumed");
  cable.cut();
  expect(await resumed).toEqual({ isComplete: true });
  expect(heard.map(([, { text }]) => text)).toEqual(["after"]);
});

test("what is said before anybody notices that a connection is dead is not lost either, and told once", async () => {
  const { ada, bo, cable } = await withBoFar();
  const heard = record(bo, "chat");
  await Promise.all(["one", "two", "three"].map((text) => ada.chat(text)));
  await vi.waitFor(() => expect(heard).toHaveLength(3));
  cable.silence();
  await Promise.all(["four", "five"].map((text) => ada.chat(text)));
  const resumed = next(bo, "resumed");
  cable.cut();
  expect(await resumed).toEqual({ isComplete: true });
  expect(heard.map(([, { text }]) => text)).toEqual(["one", "two", "three", "four", "five"]);
});

test("a player whom the server could not reach for a while comes back by itself, and has heard all", async () => {
  const ada = await orion.host({ name: "Ada", isPublic: true, game: "reach", ...session });
  // Another object than the lobby has the connection of a player who is matched.
  const { lobby: bo } = await orion.match({ name: "Bo", game: "reach" });
  onTestFinished(async () => {
    await Promise.all([ada.leave(), bo.leave()]);
  });
  expect(bo.code).toBe(ada.code);
  const heard = record(bo, "reconnecting", "chat", "resumed", "closed");
  const away = next(ada, "away");
  await failCalls(server.url, "receive", "throw", 1);
  await ada.chat("Where is he?");
  await away;
  const resumed = next(bo, "resumed");
  const said = bo.chat("Here I am.").catch(() => {});
  expect(await resumed).toEqual({ isComplete: true });
  await said;
  expect(heard.map(([event]) => event)).toEqual(["reconnecting", "chat", "chat", "resumed"]);
  expect(heard.slice(1, 3).map(([, event]) => event)).toMatchObject([
    { from: "Ada", text: "Where is he?", missed: true },
    { from: "Bo", text: "Here I am.", missed: true },
  ]);
  await vi.waitFor(() =>
    expect(ada.members.map(({ presence }) => presence)).toEqual(["connected", "connected"]),
  );
});

test("a player who was away when the others were linked is linked when it is back", async () => {
  await setLimits(server.url, { stragglerMs: 100 });
  const { ada, bo, cable } = await withBoFar();
  await using cy = await orion.join(ada.code, { name: "Cy" });
  const away = next(ada, "away");
  cable.cutNext(1_000);
  cable.cut();
  await away;
  const started = await play(ada, cy);
  const [link, toBo] = [next(bo, "link"), next(ada, "link")];
  cable.cutNext(0);
  const toAda = await link;
  await hears(toAda, await toBo, "I am back.");
  await setLimits(server.url, { stragglerMs: lobbyLimits.stragglerMs });
  await close(...started, toAda);
});

test("a player comes back again and again, each time with another key", async () => {
  const { bo, cable } = await withBoFar();
  const keys = new Set([bo.returnKey()]);
  for (let time = 0; time < 5; time++) {
    const resumed = next(bo, "resumed");
    cable.cut();
    await resumed;
    keys.add(bo.returnKey());
    await bo.chat(`time ${time}`);
  }
  expect(keys.size).toBe(6);
});

test("a game that reconnects has the whole lobby at once", async () => {
  const { bo, cable } = await withBoFar();
  const times: number[] = [];
  for (let round = 0; round < 100; round++) {
    const [reconnecting, resumed] = [next(bo, "reconnecting"), next(bo, "resumed")];
    cable.cut();
    await reconnecting;
    const began = performance.now();
    await resumed;
    times.push(performance.now() - began);
  }
  // The figure is in docs/promises.md. A busy machine takes longer, but if the SDK waited for anything, it would each time.
  tellTimes("resume by the SDK", times);
  expect(Math.min(...times)).toBeLessThan(1_000);
});

test("what is asked and said while the connection is lost waits until it is back", async () => {
  const { ada, bo, cable } = await withBoFar();
  const reconnecting = next(bo, "reconnecting");
  cable.cut();
  await reconnecting;
  expect(bo.isReconnecting).toBe(true);
  const heard = next(ada, "chat");
  await Promise.all([bo.chat("Wait for me!"), bo.setReady(true), bo.refresh()]);
  expect(await heard).toMatchObject({ from: "Bo", text: "Wait for me!" });
  expect(bo.me).toMatchObject({ ready: true, data: { ready: true } });
  await vi.waitFor(() => expect(ada.members[1]).toMatchObject({ name: "Bo", ready: true }));
});

test("a host comes back as the host", async () => {
  const { cable, there } = await far();
  const ada = await there.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  onTestFinished(async () => {
    await Promise.all([ada.leave(), bo.leave()]);
  });
  const back = next(bo, "back");
  const closed = record(bo, "closed");
  cable.cut();
  expect((await back).member).toMatchObject({ name: "Ada", isHost: true });
  await ada.setData({ still: "mine" });
  expect([ada.isHost, bo.host, closed]).toEqual([true, "Ada", []]);
});

test("a player who does not come back in time is out, and is told so when it is back", async () => {
  const { ada, bo, cable } = await withBoFar({ graceMs: 400 });
  const left = next(ada, "left");
  const closed = next(bo, "closed");
  cable.cut();
  cable.cutNext(12);
  expect(await left).toMatchObject({ name: "Bo", kicked: false });
  expect(await closed).toEqual({ reason: "disconnected" });
  await expectError(bo.chat("Hello?"), "disconnected");
});

test("a game that has crashed comes back as the same player, and its older self is told", async () => {
  const { ada, bo } = await withBoFar();
  const key = bo.returnKey();
  const closed = next(bo, "closed");
  const again = await orion.resume(key ?? "");
  onTestFinished(() => again.leave());
  expect(await closed).toEqual({ reason: "resumed_elsewhere" });
  expect(again).toMatchObject({ self: "Bo", clientId: bo.clientId, code: ada.code, isHost: false });
  expect(names(again)).toEqual(["Ada", "Bo"]);
  const warned = next(again, "resumeRefused");
  await expectError(orion.resume(key ?? ""), "resume_key_used", { status: 409 });
  await warned;
  await expectError(orion.resume(`${ada.code} ${bo.clientId}.0.${"A".repeat(22)}`), "wrong_resume_key");
  for (const none of ["", "typo", "a b c", 5])
    await expectError(orion.resume(none as string), "invalid_argument");
  await again.chat("It is me.");
});

test("a resumed player whose older self tries to come back is not disturbed", async () => {
  const { bo, cable } = await withBoFar();
  const key = bo.returnKey();
  cable.silence();
  const again = await orion.resume(key ?? "");
  onTestFinished(() => again.leave());
  const closed = next(bo, "closed");
  const warned = next(again, "resumeRefused");
  cable.cut();
  expect(await closed).toEqual({ reason: "resume_refused" });
  await warned;
  await again.chat("Still here.");
});

test("lobby and player data are known to all, with versions, and only the host changes the lobby's", async () => {
  const { ada, bo } = await withBoFar({ data: { map: "dust", round: 1 }, title: "Čaj o páté" });
  const heard = record(bo, "changed", "memberChanged");
  expect(bo).toMatchObject({ title: "Čaj o páté", data: { map: "dust", round: 1 }, version: 1 });
  expect(await ada.setData({ map: null, round: 2 }, { ifVersion: 1 })).toBe(2);
  expect(ada.data).toEqual({ round: 2 });
  await expectError(ada.setData({ round: 3 }, { ifVersion: 1 }), "wrong_version", { status: 412 });
  await expectError(bo.setData({ round: 3 }), "not_the_host");
  await bo.setMyData({ hat: "red" });
  await bo.setReady(true);
  await bo.setDisplayName("Bořivoj");
  expect(bo.me).toMatchObject({ displayName: "Bořivoj", data: { hat: "red", ready: true }, ready: true });
  expect(await ada.change({ locked: true, maxMembers: 3, password: "sesame", title: null })).toBe(6);
  expect(ada).toMatchObject({ locked: true, maxMembers: 3, hasPassword: true, title: "Ada" });
  await vi.waitFor(() => expect(bo).toMatchObject({ version: 6, locked: true, hasPassword: true }));
  expect(heard.map(([event, payload]) => [event, { ...payload, member: undefined }])).toEqual([
    ["changed", { version: 2, data: { map: null, round: 2 } }],
    ["memberChanged", { data: { hat: "red" } }],
    ["memberChanged", { data: { ready: true } }],
    ["memberChanged", { displayName: "Bořivoj" }],
    ["changed", { version: 6, locked: true, maxMembers: 3, hasPassword: true, title: "Ada" }],
  ]);
  await expectError(orion.join(ada.code, { name: "Cy" }), "password_needed");
  await expectError(orion.join(ada.code, { name: "Cy", password: "open" }), "wrong_password");
  await expectError(orion.join(ada.code, { name: "Cy", password: "sesame" }), "locked_by_host");
  await ada.change({ locked: false });
  await using cy = await orion.join(ada.code, {
    name: "Cy",
    password: "sesame",
    memberData: { hat: "blue" },
  });
  expect(cy.me).toMatchObject({ data: { hat: "blue" }, ready: false });
});

test("the host removes a player, with a reason, for now or for good", async () => {
  const { ada, bo, there } = await withBoFar();
  const cy = await orion.join(ada.code, { name: "Cy" });
  const closed = next(cy, "closed");
  const left = next(bo, "left");
  await expectError(bo.kick(cy.clientId), "not_the_host");
  await ada.kick(cy.clientId, { reason: "Too loud.", ban: true });
  expect(await closed).toEqual({ reason: "kicked", message: "Too loud.", banned: true });
  expect(await left).toMatchObject({ name: "Cy", kicked: true });
  await expectError(cy.chat("But…"), "kicked");
  await ada.refresh();
  expect(ada.bans).toEqual([{ clientId: cy.clientId, name: "Cy" }]);
  await ada.unban(cy.clientId);
  await expectError(ada.unban(cy.clientId), "no_such_ban");
  const again = next(bo, "closed");
  await ada.kick(bo.clientId);
  expect(await again).toEqual({ reason: "kicked", message: "", banned: false });
  await using _bo = await there.join(ada.code, { name: "Bo" });
});

test("the host hands over, and the lobby outlives its host", async () => {
  const { ada, bo } = await withBoFar();
  const changed = [ada, bo].map((player) => next(player, "hostChanged"));
  await ada.makeHost(bo.clientId);
  for (const told of await Promise.all(changed))
    expect(told).toMatchObject({ member: { name: "Bo", isHost: true }, term: 2 });
  expect([ada.isHost, ada.host, bo.isHost, bo.hostId, bo.term]).toEqual([false, "Bo", true, bo.clientId, 2]);
  await expectError(ada.setData({ mine: true }), "not_the_host");
  const next3 = next(ada, "hostChanged");
  await bo.leave();
  expect(await next3).toMatchObject({ member: { name: "Ada", isSelf: true }, term: 3 });
  await ada.setData({ mine: true });
});

test("the game's state is kept with the lobby for those who come later", async () => {
  const { ada, bo } = await withBoFar();
  expect(await bo.readSnapshot()).toBe(null);
  const saved = await ada.saveSnapshot(Uint8Array.of(1, 2, 3));
  expect(saved).toMatchObject({ version: 1 });
  expect(await bo.readSnapshot()).toEqual({ bytes: Uint8Array.of(1, 2, 3), version: 1 });
  await expectError(bo.saveSnapshot("mine"), "not_the_host");
  await expectError(ada.saveSnapshot(new Uint8Array(65_537)), "invalid_snapshot");
  await expectError(ada.saveSnapshot(5 as unknown as string), "invalid_snapshot");
});

test("a signal reaches one player, and the sender hears if it does not", async () => {
  const { ada, bo } = await withBoFar();
  const cy = await orion.join(ada.code, { name: "Cy" });
  onTestFinished(() => cy.leave());
  const heard = [record(bo, "signal"), record(cy, "signal")];
  const signal = next(bo, "signal");
  await ada.signal(bo.clientId, { offer: [1, "two", null] });
  expect(await signal).toEqual({
    from: ada.clientId,
    member: bo.members[0],
    data: { offer: [1, "two", null] },
  });
  const failed = next(bo, "signalFailed");
  await bo.signal(cy.clientId, "psst");
  expect(await failed).toEqual({ to: cy.clientId, code: "cannot_signal" });
  expect(heard.map((some) => some.length)).toEqual([1, 0]);
  const circle: { self?: object } = {};
  circle.self = circle;
  for (const none of ["x".repeat(8_191), undefined, 5n, circle])
    await expectError(ada.signal(bo.clientId, none), "invalid_signal");
});

test("in a lobby that stays, late players are linked to those who play, whose links go on, and rounds follow", async () => {
  const ada = await orion.host({ name: "Ada", ...session });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const closed = record(ada, "closed");
  const adas = record(ada, "link");
  const bos = record(bo, "link");
  const [toBo, toAda] = await play(ada, bo);
  await hears(toBo, toAda, "first");

  const cy = await orion.join(ada.code, { name: "Cy" });
  const linked = next(ada, "connected");
  const [cyToAda] = await cy.started();
  expect(cyToAda?.peer.name).toBe("Ada");
  await vi.waitFor(() => expect(adas.map(([, link]) => link.peer.name)).toEqual(["Bo", "Cy"]));
  expect(bos).toHaveLength(1);
  await hears(toBo, toAda, "as before");
  await hears(cyToAda, adas[1]?.[1], "late");
  expect(ada.links.map(({ peer }) => peer.name)).toEqual(["Bo", "Cy"]);

  await linked;
  const round = await Promise.all([ada.start(), bo.started(), cy.started()]);
  expect(round.map((links) => links.map(({ peer }) => peer.name))).toEqual([["Bo", "Cy"], ["Ada"], ["Ada"]]);
  await hears(toBo, toAda, "still");
  await hears(round[0][0], round[1][0], "second");
  expect(closed).toEqual([]);
  await close(...ada.links, ...bo.links, ...cy.links);
  await Promise.all([ada, bo, cy].map((player) => player.leave()));
});

test("a start while a late player is being linked is for all", async () => {
  const ada = await orion.host({ name: "Ada", ...session });
  const bo = await orion.join(ada.code, { name: "Bo" });
  await play(ada, bo);
  for (const name of ["Cy", "Di"]) {
    const late = await orion.join(ada.code, { name });
    const asked = new Promise<void>((resolve) => late.on("introduced", () => resolve()));
    const starting = name === "Cy" ? ada.start() : asked.then(() => ada.start());
    const links = await Promise.all([starting, late.started()]);
    expect(links[0].map(({ peer }) => peer.name).sort()).toEqual(names(ada).slice(1));
    await expect.poll(() => late.links.length).toBeGreaterThan(0);
  }
  expect(names(ada)).toEqual(["Ada", "Bo", "Cy", "Di"]);
  await close(...ada.links);
  await ada.leave();
});

test("when the host of a game leaves, the next one links the others to itself, unless its game does not want to", async () => {
  for (const acceptsHost of [true, false]) {
    const ada = await orion.host({ name: "Ada", ...session });
    const bo = await orion.join(ada.code, { name: "Bo", acceptsHost });
    const cy = await orion.join(ada.code, { name: "Cy" });
    const links = await play(ada, bo, cy);
    const changed = next(bo, "hostChanged");
    const bos = record(bo, "link");
    const cys = record(cy, "link");
    await Promise.all([...links.map((link) => link.close()), ada.leave()]);
    expect((await changed).member).toMatchObject({ name: "Bo" });
    if (acceptsHost) await vi.waitFor(() => expect([bos.length, cys.length]).toEqual([1, 1]));
    else {
      await bo.chat("I would rather not.");
      expect([bos, cys]).toEqual([[], []]);
      const [[toCy]] = await Promise.all([bo.start(), cy.started()]);
      expect(toCy?.peer.name).toBe("Cy");
    }
    await close(...bo.links, ...cy.links);
    await Promise.all([bo.leave(), cy.leave()]);
  }
});

test("a link to a player that the host has removed ends", async () => {
  const { ada, bo } = await withBoFar();
  const [toBo, toAda] = await play(ada, bo);
  const ended = [toBo, toAda].map((link) => link && nextOn(link, "closed"));
  await ada.kick(bo.clientId);
  await Promise.all(ended);
  expect(ada.links).toEqual([]);
});

test("a player whose connection is cut keeps its links, and a game that has crashed is linked again", async () => {
  const { ada, bo, cable } = await withBoFar();
  const adas = record(ada, "link");
  const [toBo, toAda] = await play(ada, bo);
  const resumed = next(bo, "resumed");
  cable.cut();
  await resumed;
  await hears(toBo, toAda, "as if nothing had been");
  expect(adas).toHaveLength(1);
  const again = await orion.resume(bo.returnKey() ?? "");
  const [link] = await again.started();
  await vi.waitFor(() => expect(adas).toHaveLength(2));
  await hears(link, adas[1]?.[1], "back");
  await close(...ada.links, ...bo.links, ...again.links);
  await again.leave();
});

test("a player whose connection is cut as it is linked says again that it is", async () => {
  const { ada, bo, cable } = await withBoFar();
  bo.on("link", () => cable.cut());
  const resumed = next(bo, "resumed");
  const [toBo, toAda] = await play(ada, bo);
  await resumed;
  await hears(toBo, toAda, "all the same");
  await close(...ada.links, ...bo.links);
});

test("in a mesh all are linked to each other, and to who comes late", async () => {
  const ada = await orion.host({ name: "Ada", ...session, topology: "mesh" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const cy = await orion.join(ada.code, { name: "Cy" });
  const all = [ada, bo, cy];
  const links = await Promise.all([ada.start(), bo.started(), cy.started()]);
  expect(
    links.map((some) =>
      some
        .map(({ peer }) => peer.name)
        .sort()
        .join(),
    ),
  ).toEqual(["Bo,Cy", "Ada,Cy", "Ada,Bo"]);
  const di = await orion.join(ada.code, { name: "Di" });
  expect((await di.started()).map(({ peer }) => peer.name).sort()).toEqual(["Ada", "Bo", "Cy"]);
  await vi.waitFor(() => expect(all.map((player) => player.links.length)).toEqual([3, 3, 3]));
  await close(...[...all, di].flatMap((player) => player.links));
  await Promise.all([...all, di].map((player) => player.leave()));
});
