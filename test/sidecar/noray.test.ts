/** noray's clients, step by step as netfox takes them, at one gateway. The edge is not needed for any of this. */

import { networkInterfaces } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { norayLimits } from "../../core/dialects/noray/limits.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { startTestNoray, type TestGateway } from "../../measure/kit/noray.ts";
import { type Game, NorayClient, type Target } from "../../measure/kit/noray-client.ts";
import { SymmetricNat } from "../../measure/kit/symmetric-nat.ts";
import { tellTimes } from "../../measure/kit/times.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function gatewayWith(...options: Parameters<typeof startTestNoray>): Promise<TestGateway> {
  const gateway = await startTestNoray(...options);
  cleanUps.push(gateway.stop);
  return gateway;
}

async function client({ at }: TestGateway, from?: string): Promise<NorayClient> {
  const opened = await NorayClient.connect(at, from);
  cleanUps.push(() => opened.close());
  return opened;
}

async function player(gateway: TestGateway): Promise<NorayClient> {
  return await (await client(gateway)).register();
}

async function gameOf(of: NorayClient): Promise<Game> {
  const game = await of.game();
  cleanUps.push(() => game.close());
  return game;
}

const soon = { interval: 5 };

test.each(["connect", "connect-relay"] as const)("a guest joins a host and plays, by %s", async (how) => {
  const gateway = await gatewayWith();
  const host = await player(gateway);
  const guest = await player(gateway);
  expect([host.oid, host.pid]).toEqual([
    expect.stringMatching(/^[\w-]{21}$/),
    expect.stringMatching(/^[\w-]{128}$/),
  ]);
  const hostGame = await gameOf(host);
  const told = host.nextTarget(how).then(async (target) => {
    await hostGame.blast(target, 1_000);
    return target;
  });
  const { target, shaken } = await guest.join(how, host.oid);
  expect(shaken).not.toBe("failed");
  // What ENet does: each accepts packets from the one endpoint that it dials, or was dialled from.
  const guestGame = await gameOf(guest);
  guestGame.send("hello", target);
  const from = await hostGame.hears("hello");
  expect(from).toEqual(await told);
  hostGame.send("welcome", from);
  expect(await guestGame.hears("welcome")).toEqual(target);
  expect(gateway.relays()).toBe(how === "connect" ? 0 : 2);
  if (how === "connect") expect(target.port).toBe(host.localPort);
  else expect(gateway.relayPorts).toContain(target.port);
});

test("the oid is written before the pid, and registering again repeats both", async () => {
  const gateway = await gatewayWith();
  const host = await client(gateway);
  await host.registerHost();
  await host.registerHost();
  expect(host.lines).toEqual([
    `set-oid ${host.oid}`,
    `set-pid ${host.pid}`,
    `set-oid ${host.oid}`,
    `set-pid ${host.pid}`,
  ]);
});

test("the pid is known to the registrar when the client reads it", async () => {
  const gateway = await gatewayWith();
  for (let times = 0; times < 20; times++) {
    const host = await client(gateway);
    await host.registerHost();
    expect(await host.registerRemote(1_000)).toBe(true);
  }
  expect(gateway.counts.messages.registrar_unknown).toBe(0);
});

test("the host of a guest who asks many times hears of each, and so does the guest", async () => {
  const gateway = await gatewayWith();
  const [host, guest] = [await player(gateway), await player(gateway)];
  for (let times = 0; times < 5; times++) guest.say(`connect-relay ${host.oid}`);
  await vi.waitFor(() => {
    for (const { lines } of [host, guest]) {
      expect(lines.filter((line) => line.startsWith("connect-relay "))).toHaveLength(5);
    }
  }, soon);
  const relays = new Set([...host.lines, ...guest.lines].filter((line) => line.startsWith("connect-relay ")));
  expect([relays.size, gateway.relays()]).toEqual([2, 2]);
});

test("a host is introduced to so many, however many connections ask, and by whichever command", async () => {
  const gateway = await gatewayWith({}, { elapsed: () => 0 });
  const [host, other, ...guests] = await Promise.all(Array.from({ length: 4 }, () => player(gateway)));
  if (!host || !other) throw new Error("nobody registered");
  const each = norayLimits.norayCommandBurst / 2;
  for (const guest of guests) {
    guest.write(`connect ${host.oid}\n`.repeat(each - 5));
    guest.write(`connect-relay ${host.oid}\n`.repeat(10));
    await vi.waitFor(() => {
      expect(
        guest.lines.filter((line) => /^(connect|connect-relay|error) /.test(line)).length,
      ).toBeGreaterThanOrEqual(each);
    }, soon);
  }
  await vi.waitFor(() => expect(gateway.counts.drops.not_now).toBe(10), soon);
  const told = host.lines.filter((line) => line.startsWith("connect"));
  expect(told).toHaveLength(norayLimits.norayCommandBurst);
  // Others' budgets are their own.
  expect((await guests[0]?.ask("connect", other.oid))?.port).toBe(other.localPort);
});

const own = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

test.skipIf(own === undefined)(
  "a stranger who asks for one host all the time keeps it from no other guest",
  async () => {
    const gateway = await gatewayWith({ host: "0.0.0.0" }, { elapsed: () => 0 });
    const there = { ...gateway, at: { ...gateway.at, address: "127.0.0.1" } };
    const [host, guest] = [await player(there), await player(there)];
    const from = { ...gateway, at: { ...gateway.at, address: own ?? "" } };
    for (let strangers = 0; strangers < 3; strangers++) {
      const stranger = await client(from, own);
      await stranger.register();
      stranger.write(`connect ${host.oid}\n`.repeat(norayLimits.norayCommandBurst - 1));
    }
    const asked = 3 * (norayLimits.norayCommandBurst - 1);
    await vi.waitFor(() => expect(gateway.counts.messages.connect).toBe(asked), soon);
    expect(gateway.counts.drops.not_now).toBe(asked - norayLimits.norayCommandBurst / 2);
    expect((await guest.ask("connect", host.oid)).port).toBe(host.localPort);
  },
);

test("a host has one port for all its guests, and each hears the host alone", async () => {
  const gateway = await gatewayWith();
  const host = await player(gateway);
  const hostGame = await gameOf(host);
  const guests = await Promise.all([0, 1, 2].map(() => player(gateway)));
  const told: { host: Target; guest: Target; game: Game }[] = [];
  for (const guest of guests) {
    const forHost = host.nextTarget("connect-relay");
    const target = await guest.ask("connect-relay", host.oid);
    told.push({ host: await forHost, guest: target, game: await gameOf(guest) });
  }
  expect(new Set(told.map(({ guest }) => guest.port)).size).toBe(1);
  expect(new Set(told.map(({ host }) => host.port)).size).toBe(3);
  for (const [i, { host: port, guest: hosts, game }] of told.entries()) {
    game.send(`guest ${i}`, hosts);
    expect(await hostGame.hears(`guest ${i}`)).toEqual(port);
    hostGame.send(`to ${i}`, port);
    await game.hears(`to ${i}`);
  }
  expect(told.map(({ game }) => game.heard.map(({ text }) => text))).toEqual([["to 0"], ["to 1"], ["to 2"]]);
  expect(gateway.relays()).toBe(4);
});

test("a player may ask for itself", async () => {
  const gateway = await gatewayWith();
  const host = await player(gateway);
  host.say(`connect ${host.oid}`);
  host.say(`connect-relay ${host.oid}`);
  await vi.waitFor(() => expect(host.lines.slice(2)).toHaveLength(4), soon);
  const [first, second, third, fourth] = host.lines.slice(2);
  expect([first, second]).toEqual(Array(2).fill(`connect 127.0.0.1:${host.localPort}`));
  expect(third).toBe(fourth);
  const game = await gameOf(host);
  const own = { address: "127.0.0.1", port: Number(third?.split(" ")[1]) };
  game.send("echo", own);
  expect(await game.hears("echo")).toEqual(own);
});

test("two players behind symmetric NATs cannot be punched, and play over the relay", async () => {
  const gateway = await gatewayWith();
  const behindNat = async (address: string) => {
    const nat = new SymmetricNat(address);
    cleanUps.push(() => nat.close());
    const one = await NorayClient.connect(gateway.at, address, nat.open);
    cleanUps.push(() => one.close());
    return await one.register();
  };
  const [host, guest] = [await behindNat("127.0.0.2"), await behindNat("127.0.0.3")];
  const hostGame = await gameOf(host);
  void host.nextTarget("connect").then((target) => hostGame.blast(target, 1_000));
  const address = await guest.ask("connect", host.oid);
  expect(await guest.handshake(address, 1_000)).toBe("failed");
  void host.nextTarget("connect-relay").then((target) => hostGame.blast(target, 2_000));
  const { target, shaken } = await guest.join("connect-relay", host.oid);
  expect(shaken).toBe("ok");
  const guestGame = await gameOf(guest);
  guestGame.send("hello", target);
  const from = await hostGame.hears("hello");
  hostGame.send("welcome", from);
  expect(await guestGame.hears("welcome")).toEqual(target);
  expect([gateway.relays(), gateway.counts.messages.moved]).toEqual([2, 2]);
});

test("a guest that leaves TCP behind plays on over the relay", async () => {
  const gateway = await gatewayWith();
  const [host, guest] = [await player(gateway), await player(gateway)];
  const hostTarget = host.nextTarget("connect-relay");
  const guestTarget = guest.nextTarget("connect-relay");
  guest.say(`connect-relay ${host.oid}`);
  const [ofGuest, ofHost] = [await hostTarget, await guestTarget];
  guest.close();
  host.close();
  await vi.waitFor(() => expect(gateway.players()).toBe(0), soon);
  const [hostGame, guestGame] = [await gameOf(host), await gameOf(guest)];
  guestGame.send("still here", ofHost);
  expect(await hostGame.hears("still here")).toEqual(ofGuest);
});

test("what cannot be done is answered with a command that clients skip", async () => {
  const gateway = await gatewayWith({ relays: 1 });
  const stranger = await client(gateway);
  stranger.say("connect nobody");
  await vi.waitFor(() => expect(stranger.lines).toHaveLength(1), soon);
  await stranger.registerHost();
  stranger.say("connect nobody");
  await vi.waitFor(() => expect(stranger.lines).toHaveLength(4), soon);
  await stranger.registerRemote();
  stranger.say("connect nobody");
  const unseen = await client(gateway);
  await unseen.registerHost();
  stranger.say(`connect ${unseen.oid}`);
  await unseen.registerRemote();
  stranger.say(`connect-relay ${unseen.oid}`);
  await vi.waitFor(() => expect(stranger.lines).toHaveLength(7), soon);
  const failures = stranger.lines.filter((line) => !line.startsWith("set-"));
  expect(failures.every((line) => /^error connect(-relay)? /.test(line))).toBe(true);
  const { not_registered, no_address, unknown_oid, host_has_no_address, no_relay } = gateway.counts.drops;
  expect([not_registered, no_address, unknown_oid, host_has_no_address, no_relay]).toEqual([1, 1, 1, 1, 1]);
  expect(failures.filter((line) => line.includes("Unknown"))).toHaveLength(1);
});

test("the ids of a connection that has ended are unknown", async () => {
  const gateway = await gatewayWith();
  const [host, guest] = [await player(gateway), await player(gateway)];
  host.close();
  await vi.waitFor(() => expect(gateway.players()).toBe(1), soon);
  guest.say(`connect ${host.oid}`);
  await vi.waitFor(() => expect(gateway.counts.drops.unknown_oid).toBe(1), soon);
  expect(await host.registerRemote(1_000)).toBe(false);
});

test("a later datagram with the pid moves the address", async () => {
  const gateway = await gatewayWith();
  const [host, guest] = [await player(gateway), await player(gateway)];
  const before = host.localPort;
  await host.registerRemote();
  expect(host.localPort).not.toBe(before);
  const told = guest.nextTarget("connect");
  guest.say(`connect ${host.oid}`);
  expect((await told).port).toBe(host.localPort);
});

test("a host whose address moves before it has spoken hears its guest at the new one", async () => {
  const gateway = await gatewayWith();
  const [host, guest] = [await player(gateway), await player(gateway)];
  const target = await guest.ask("connect-relay", host.oid);
  await host.registerRemote();
  const [hostGame, guestGame] = [await gameOf(host), await gameOf(guest)];
  await vi.waitFor(() => {
    guestGame.send("hello", target);
    expect(hostGame.heard.length).toBeGreaterThan(0);
  }, soon);
});

test("another program at a guest's address gets a relay of its own, when it goes on", async () => {
  // A second is 20 milliseconds.
  const gateway = await gatewayWith({}, { elapsed: () => performance.now() * 50 });
  const [host, guest, other] = [await player(gateway), await player(gateway), await player(gateway)];
  const target = await guest.ask("connect-relay", host.oid);
  const [hostGame, guestGame, otherGame] = [await gameOf(host), await gameOf(guest), await gameOf(other)];
  await vi.waitFor(() => {
    guestGame.send("guest", target);
    otherGame.send("other", target);
    expect(hostGame.heard.some(({ text }) => text === "other")).toBe(true);
  }, soon);
  const from = await hostGame.hears("other");
  expect(gateway.relayPorts).toContain(from.port);
  expect(from).not.toEqual(await hostGame.hears("guest"));
  hostGame.send("answer", from);
  expect(await otherGame.hears("answer")).toEqual(target);
  expect(gateway.relays()).toBe(3);
});

test.each([
  ["LF", "echo a\necho b\n", ["echo a", "echo b"]],
  ["CRLF", "echo a\r\necho b\r\n", ["echo a", "echo b"]],
  ["CR", "echo a\recho b\r", ["echo a", "echo b"]],
  ["the end of the stream", "echo a\necho b", ["echo a", "echo b"]],
  ["spaces kept", "echo  x \n", ["echo  x "]],
  ["no data", "echo\n", ["echo "]],
  ["empty lines, and others", "\n\nhello\nConnect x\nregister\necho a\n", ["echo a"]],
  ["bytes that are no text", "\xff\xfe\0\n\necho a\n", ["echo a"]],
])("lines end as with the original: %s", async (_, text, lines) => {
  const gateway = await gatewayWith();
  const one = await client(gateway);
  one.write(Buffer.from(text, "latin1"));
  one.end();
  await one.closed();
  expect(one.lines).toEqual(lines);
});

test("a line of 256 KB is left out, read no faster than 64 KB a second, and the next one is read", async () => {
  const gateway = await gatewayWith();
  const one = await client(gateway);
  const { norayReadBurst, norayReadRate } = norayLimits;
  const startedAt = performance.now();
  one.write("x".repeat(256 * 1_024));
  one.write("\necho still here\n");
  await one.next("echo");
  // What is read in one piece has 64 KB at most.
  const leastMs = ((256 * 1_024 - norayReadBurst - 64 * 1_024) / norayReadRate) * 1_000;
  expect(performance.now() - startedAt).toBeGreaterThan(leastMs);
  expect(one.lines).toEqual(["echo still here"]);
  expect(gateway.counts.drops.line_too_long).toBe(1);
});

test("a client that asks a bit too much is answered so often, and keeps its connection", async () => {
  const gateway = await gatewayWith();
  const one = await client(gateway);
  one.write("echo x\n".repeat(150));
  await vi.waitFor(() => expect(gateway.counts.drops.too_many_commands).toBeGreaterThan(100), soon);
  expect(one.lines.length).toBeLessThanOrEqual(norayLimits.norayCommandBurst + 10);
  await vi.waitFor(async () => {
    one.say("echo still here");
    expect(one.lines.at(-1)).toBe("echo still here");
  }, soon);
});

test("a client that asks without end is disconnected, and what else it has said is not looked at", async () => {
  const gateway = await gatewayWith({}, { elapsed: () => 0 });
  const one = await client(gateway);
  one.write("echo x\n".repeat(10_000));
  await one.closed();
  expect(gateway.counts.messages.echo).toBe(norayLimits.norayCommandBurst);
  expect(gateway.counts.drops.too_many_commands).toBe(norayLimits.norayCommandsDropped + 1);
});

test("a client that does not read is disconnected before its lines fill the memory", async () => {
  const gateway = await gatewayWith({}, { elapsed: leaping() });
  const one = await client(gateway);
  one.pause();
  const line = `echo ${"x".repeat(1_000)}\n`;
  for (let times = 0; times < 20_000 && gateway.counts.drops.unread === 0; times++) {
    if (!one.write(line)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await vi.waitFor(() => expect(gateway.counts.drops.unread).toBe(1), soon);
  await vi.waitFor(() => expect(gateway.players()).toBe(0), soon);
});

test("a connection that never registers ends, and a registered one may be silent", async () => {
  const gateway = await gatewayWith({ idleMs: 1_000 });
  const [idle, host] = [await client(gateway), await client(gateway)];
  await host.registerHost();
  await idle.closed();
  // As long again: the host has been silent for longer than that.
  await (await client(gateway)).closed();
  await vi.waitFor(() => expect(gateway.players()).toBe(1), soon);
  expect([host.isClosed, gateway.counts.drops.idle]).toEqual([false, 2]);
});

test("more connections than the gateway has room for are closed, and the others go on", async () => {
  const gateway = await gatewayWith({ connections: { sessions: 3 } });
  const host = await player(gateway);
  const more = await Promise.all(Array.from({ length: 20 }, () => client(gateway)));
  await vi.waitFor(() => expect(more.filter(({ isClosed }) => isClosed)).toHaveLength(18), soon);
  expect([gateway.players(), gateway.counts.drops.gateway_full]).toEqual([3, 18]);
  host.say("echo still here");
  await vi.waitFor(() => expect(host.lines.at(-1)).toBe("echo still here"), soon);
});

test("strangers who scan all relay ports get no relay and no answer", async () => {
  const gateway = await gatewayWith({ relays: 8 });
  const [host, guest] = [await player(gateway), await player(gateway)];
  await guest.ask("connect-relay", host.oid);
  // Of another address: one of a player's own may be that player's, behind a router that has changed its port.
  const scanner = await gameOf(await (await client(gateway, "127.0.0.2")).register());
  for (let times = 0; times < 50; times++) {
    for (const port of gateway.relayPorts) scanner.send("$rwx", { address: "127.0.0.1", port });
  }
  await vi.waitFor(() => expect(gateway.counts.drops.relay_stranger).toBe(100), soon);
  expect([gateway.relays(), scanner.heard]).toEqual([2, []]);
});

test("wrong ids at the registrar are answered a few times, and honest players register meanwhile", async () => {
  const gateway = await gatewayWith();
  const host = await client(gateway);
  await host.registerHost();
  const flood = await gameOf(host);
  const registrar = { address: "127.0.0.1", port: gateway.at.registrar };
  const dealtWith = () => {
    const { registrar_unknown = 0, registrar_limited = 0 } = gateway.counts.messages;
    return registrar_unknown + registrar_limited;
  };
  // Some at a time, so that the system loses none.
  for (let sent = 50; sent <= 2_000; sent += 50) {
    for (let times = 0; times < 50; times++) flood.send("w".repeat(128), registrar);
    await vi.waitFor(() => expect(dealtWith()).toBe(sent), soon);
  }
  const late = await client(gateway);
  await late.registerHost();
  expect(await late.registerRemote()).toBe(true);
  expect(flood.heard.length).toBeLessThanOrEqual(2 * norayLimits.norayWrongPids);
});

test("a player over its rate loses packets, and nothing else", async () => {
  const bounds = {
    rate: 10_000,
    networkRate: 1e9,
    totalRate: 1e9,
    lifetimeBytes: 1e9,
    lifetimeMs: 1e9,
    idleMs: 1e9,
  };
  const gateway = await gatewayWith({ bounds });
  const [host, guest] = [await player(gateway), await player(gateway)];
  const told = guest.nextTarget("connect-relay");
  guest.say(`connect-relay ${host.oid}`);
  const target = await told;
  const [hostGame, guestGame] = [await gameOf(host), await gameOf(guest)];
  for (let times = 0; times < 100; times++) guestGame.send(Buffer.alloc(1_000, "x"), target);
  await vi.waitFor(() => expect(gateway.counts.drops.relay_rate).toBeGreaterThan(70), soon);
  await vi.waitFor(() => {
    guestGame.send("still here", target);
    expect(hostGame.heard.at(-1)?.text).toBe("still here");
  }, soon);
});

test("a relay that nobody uses gives its port back, and the next pair has it", async () => {
  const bounds = {
    rate: 1e6,
    networkRate: 1e9,
    totalRate: 1e9,
    lifetimeBytes: 1e9,
    lifetimeMs: 1e9,
    idleMs: 200,
  };
  // More ports than one pair needs, as other programs may take one that was given back; fewer than all pairs need.
  let now = 0;
  const gateway = await gatewayWith({ bounds, cleanupMs: 50, relays: 6 }, { elapsed: () => now });
  const [host, guest] = [await player(gateway), await player(gateway)];
  for (let times = 0; times < 8; times++) {
    expect(gateway.relayPorts).toContain((await guest.ask("connect-relay", host.oid)).port);
    expect(gateway.relays()).toBe(2);
    now += bounds.idleMs + 1_000;
    await vi.waitFor(() => expect(gateway.relays()).toBe(0), soon);
  }
});

test("a port that another program has is passed over", async () => {
  const first = await gatewayWith({ relays: 8 });
  const [host, guest] = [await player(first), await player(first)];
  guest.say(`connect-relay ${host.oid}`);
  await guest.next("connect-relay");
  const second = await gatewayWith({ relayPorts: first.relayPorts });
  const [other, its] = [await player(second), await player(second)];
  its.say(`connect-relay ${other.oid}`);
  await its.next("connect-relay");
  expect([first.relays(), second.relays()]).toEqual([2, 2]);
});

test("a gateway that is restarted ends its connections at once, and serves on the same ports", async () => {
  const first = await gatewayWith({ port: await freeTcpPort(), registrarPort: await freeUdpPort() });
  const host = await player(first);
  await first.stop();
  await host.closed();
  const { tcp: port, registrar: registrarPort } = first.at;
  const second = await gatewayWith({ port, registrarPort, relayPorts: first.relayPorts });
  const again = await player(second);
  expect(again.oid).not.toBe(host.oid);
});

test("a gateway whose TCP port is taken says so, and holds no other port", async () => {
  const first = await gatewayWith();
  const registrarPort = await freeUdpPort();
  await expect(startTestNoray({ port: first.at.tcp, registrarPort })).rejects.toMatchObject({
    code: "EADDRINUSE",
    port: first.at.tcp,
  });
  const second = await gatewayWith({ registrarPort });
  expect(second.at.registrar).toBe(registrarPort);
});

test("register-host is answered at once", async () => {
  const gateway = await gatewayWith();
  const clients = await Promise.all(Array.from({ length: 50 }, () => client(gateway)));
  const took: number[] = [];
  for (const one of clients) {
    const before = performance.now();
    await one.registerHost();
    took.push(performance.now() - before);
  }
  tellTimes("register-host", took);
  // Were anything waited for, no answer would be that fast.
  expect(Math.min(...took)).toBeLessThan(20);
});

/** A clock that leaps, so that no rate is ever met. */
function leaping(): () => number {
  let now = 0;
  return () => {
    now += 1_000;
    return now;
  };
}
