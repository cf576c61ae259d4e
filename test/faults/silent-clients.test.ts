/** Clients that do not read, or stopped: what is sent to them piles up in the server. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import type { Server } from "../../local/server.ts";
import { type Deaf, deafClient, deafMember, maskedText } from "../../measure/kit/deaf.ts";
import { lobbyOf, Player, refusedUpgrade, rollCall } from "../../measure/kit/player.ts";
import { type Watch, watch } from "../../measure/kit/promises.ts";
import { later, lifeOf, sendFrames, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { encode } from "../../measure/kit/wire.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

const mebibyte = 1024 ** 2;
/** MiB that the kernel holds for a socket on this machine, and some: what is sent beyond waits in the server. */
const kernel = 6;
/** MiB that may wait for one client, instead of what a deployment has. */
const most = 4;
const few = { unreadBytes: most * mebibyte, unansweredBytes: most * mebibyte };
const { objectUnreadBytes, stuckUnreadBytes, unreadMs, objectUnansweredBytes, stuckBytes, closingMs } =
  holderLimits;
const { loungeSockets } = sharedLimits;
const rest = {
  objectUnreadBytes: 64 * mebibyte,
  stuckUnreadBytes,
  unreadMs,
  objectUnansweredBytes,
  stuckBytes,
  closingMs,
  loungeSockets,
};

let server: Server;
let watcher: Watch;
async function begin(blind: boolean) {
  server = await startFaultyServer({ udpPort: null, blind });
  await setLimits(server.url, { ...few, ...rest });
}
beforeEach(() => {
  watcher = watch(server.url);
});
afterEach(async () => {
  await setLimits(server.url, { ...few, ...rest });
  await watcher.settles();
  watcher.stop();
});

const bigFrame = encode("a_method_nobody_knows", { text: "x".repeat((mebibyte * 3) / 4) });

/** Sends a client so many MiB, as its lobby would. */
async function sendMuch(client: { holder: string; clientId: string }, mebibytes: number): Promise<void> {
  for (let i = 0; i < mebibytes; i++) await sendFrames(server.url, client, bigFrame);
}

/** Has said something: the connection of one that never has is ended by the platform 10 s after its close. */
async function hasSpoken(player: Player): Promise<void> {
  player.socket.send("alive");
  await player.settled();
}

/** Two guests of a lobby, and their host. */
async function twoGuests(): Promise<{ lobbyId: string; host: Player; guests: [Player, Player] }> {
  const { lobbyId, host, guests } = await lobbyOf(3, server.url, { direct: true });
  const [one, other] = guests;
  if (!one || !other) throw new Error("too few guests");
  return { lobbyId, host, guests: [one, other] };
}

/** What holds however the server knows what waits. */
function common(): void {
  test("a member that does not read is thrown out once much waits for it, and its lobby goes on", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { maxMembers: 4 });
    const deaf = await deafMember(server.url, lobbyId, "Deaf");
    await sendMuch(deaf, most - 1);
    await rollCall(lobbyId, host);
    expect(host.methods).not.toContain("lobby_peerDisconnect");
    await sendMuch(deaf, kernel + 2);
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Deaf" });
    await rollCall(lobbyId, host);
    expect((await (await Player.connect(server.url)).join(lobbyId, "Deaf")).status).toBe(200);
    deaf.socket.destroy();
  });

  const signs: [string, (player: Player) => Promise<void>][] = [
    ["reads, and says something now and then,", hasSpoken],
    ["reads, and pings,", (player) => player.pings()],
  ];
  for (const [does, sign] of signs) {
    test(`one that ${does} stays, however much is sent to it`, async () => {
      const { lobbyId, host, guests } = await twoGuests();
      for (let i = 0; i < 4; i++) {
        await sendMuch(guests[0], most - 1);
        await sign(guests[0]);
      }
      await rollCall(lobbyId, guests[0], host);
    });
  }

  test("an object that cannot be rid of those who do not read ends itself, and goes on with those who go when they are told to", async () => {
    await setLimits(server.url, { stuckBytes: 12 * mebibyte, stuckUnreadBytes: 12 * mebibyte, closingMs: 0 });
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 16 });
    const before = await lifeOf(server.url, { holder: host.holder });
    const going = [1, 2, 3].map((nr) =>
      deafMember(server.url, lobbyId, `Going ${nr}`, `/lobbies/${lobbyId}`),
    );
    for (const [i, one] of (await Promise.all(going)).entries()) {
      await sendMuch(one, kernel + most + 1);
      await host.hears("lobby_peerDisconnect", i + 1);
      one.socket.destroy();
    }
    await rollCall(lobbyId, host);
    expect(await lifeOf(server.url, { holder: host.holder })).toBe(before);
    const deaf: Deaf[] = [];
    while (host.socket.readyState === host.socket.OPEN && deaf.length < 8) {
      const one = await deafMember(server.url, lobbyId, `Deaf ${deaf.length}`, `/lobbies/${lobbyId}`);
      deaf.push(one);
      await sendMuch(one, kernel + most + 1).catch(() => {});
      await Promise.race([host.closed, host.hears("lobby_peerDisconnect", 3 + deaf.length).catch(() => {})]);
    }
    await host.closed;
    expect(deaf.length).toBeGreaterThan(1);
    expect(await lifeOf(server.url, { holder: host.holder })).not.toBe(before);
    for (const { socket } of deaf) socket.destroy();
  });

  test("one that is thrown out for what it says, and does not go, keeps what waits for it as well", async () => {
    await setLimits(server.url, { stuckBytes: 5 * mebibyte, stuckUnreadBytes: 5 * mebibyte, closingMs: 0 });
    await setLimits(server.url, { unreadBytes: 64 * mebibyte, unansweredBytes: 64 * mebibyte });
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
    for (const name of ["Deaf 1", "Deaf 2"]) {
      const deaf = await deafMember(server.url, lobbyId, name, `/lobbies/${lobbyId}`);
      // In the second way to know, what the kernel holds counts too.
      await sendMuch(deaf, name === "Deaf 1" ? 3 : kernel + 5);
      // Far too much at once, and none of it a sign that it reads.
      deaf.socket.write(maskedText("x".repeat(wireLimits.frameBytes + 1)));
      if (name === "Deaf 1") await host.hears("lobby_peerDisconnect");
      else await host.closed;
    }
  });
}

describe("where the platform says what waits for a socket", () => {
  beforeAll(() => begin(false));
  afterAll(() => server.stop());
  common();

  test("a member that talks and does not read is thrown out as well", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
    const deaf = await deafMember(server.url, lobbyId, "Deaf", `/lobbies/${lobbyId}`);
    for (let i = 0; i < kernel + most + 1; i++) {
      await sendMuch(deaf, 1);
      deaf.socket.write(maskedText("alive"));
    }
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Deaf" });
    deaf.socket.destroy();
  });

  test("a member that reads slowly but steadily stays, although something always waits for it", async () => {
    await setLimits(server.url, { unreadMs: 0 });
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
    const slow = await deafMember(server.url, lobbyId, "Slow", `/lobbies/${lobbyId}`);
    await sendMuch(slow, most);
    for (let i = 0; i < 20; i++) {
      await sendMuch(slow, 1);
      for (let read = 0; read < mebibyte; ) {
        slow.socket.resume();
        const [bytes] = await once(slow.socket, "data");
        slow.socket.pause();
        read += bytes.length;
      }
    }
    await rollCall(lobbyId, host);
    expect(host.methods).not.toContain("lobby_peerDisconnect");
    slow.socket.destroy();
  });

  test("a burst of chat that costs more than may wait throws out nobody who reads", async () => {
    const { unreadBytes } = holderLimits;
    await setLimits(server.url, { unreadBytes, objectUnreadBytes });
    const { lobbyId, host, guests } = await twoGuests();
    const chat = encode("a_method_nobody_knows", { text: "x".repeat(250) });
    for (let i = 0; i < 5; i++) await sendFrames(server.url, guests[0], chat, 5_000);
    await rollCall(lobbyId, host, ...guests);
    expect(host.methods).not.toContain("lobby_peerDisconnect");
  });

  test("one burst is enough for those who do not read: nothing more need be sent", async () => {
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
    const deaf = await deafMember(server.url, lobbyId, "Deaf", `/lobbies/${lobbyId}`);
    await sendFrames(server.url, deaf, bigFrame, kernel + most + 1);
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Deaf" });
    deaf.socket.destroy();
  });

  test("when too much waits for all of an object, the one goes that most waits for", async () => {
    await setLimits(server.url, { objectUnreadBytes: 6 * mebibyte, unreadBytes: 64 * mebibyte });
    const { lobbyId, host, guests } = await twoGuests();
    const path = `/lobbies/${lobbyId}`;
    await host.hears("lobby_peerConnect", 2);
    await guests[1].leave();
    const little = await deafMember(server.url, lobbyId, "Little", path).catch(() => null);
    if (!little) throw new Error("Little could not join");
    await sendMuch(little, kernel + 1);
    await sendMuch(guests[0], kernel + most);
    await rollCall(lobbyId, host, guests[0]);
    await guests[0].leave();
    const much = await deafMember(server.url, lobbyId, "Much", path);
    await sendMuch(much, kernel + 6);
    expect(await host.hears("lobby_peerDisconnect", 3)).toEqual({ lobbyId, peerName: "Much" });
    await rollCall(lobbyId, host);
    expect(host.all("lobby_peerDisconnect")).toHaveLength(3);
    for (const { socket } of [little, much]) socket.destroy();
  });

  test("those who were thrown out, and do not go, take up their lounge's room", async () => {
    const own = await startFaultyServer({ udpPort: null, vars: { clientsPerLounge: 2 } });
    const deaf = [await deafClient(own.url), await deafClient(own.url)];
    const [{ holder } = { holder: "" }] = deaf;
    expect(deaf.map((one) => one.holder)).toEqual([holder, holder]);
    for (const { socket } of deaf) socket.write(maskedText("x".repeat(wireLimits.frameBytes + 1)));
    expect((await refusedUpgrade(own.url, `/test/socket?holder=${holder}`)).status).toBe(409);
    const late = await Player.connect(own.url);
    expect(late.holder).not.toBe(holder);
    for (const { socket } of deaf) socket.destroy();
    await own.stop();
  });

  // Real time, because only an object that nobody asks anything for ten seconds is put to sleep.
  test("an object sleeps when everybody has read what was sent, and not while anything waits", async () => {
    const { host, guests } = await twoGuests();
    const { lobbyId, host: other } = await lobbyOf(1, server.url, { direct: true, maxMembers: 4 });
    await sendMuch(guests[0], 3);
    const deaf = await deafMember(server.url, lobbyId, "Deaf", `/lobbies/${lobbyId}`);
    await sendMuch(deaf, kernel + 1);
    const lives = () => Promise.all([host, other].map(({ holder }) => lifeOf(server.url, { holder })));
    const before = await lives();
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    const after = await lives();
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    deaf.socket.destroy();
  }, 40_000);
});

describe("where it does not say so", () => {
  beforeAll(() => begin(true));
  afterAll(() => server.stop());
  common();

  test("when too much may wait for all of an object, the one goes to which most was sent of those who give no sign of life", async () => {
    await setLimits(server.url, { objectUnansweredBytes: 5 * mebibyte });
    const { lobbyId, host, guests } = await lobbyOf(4, server.url, { direct: true });
    const [pinging, much, little] = guests;
    if (!pinging || !much || !little) throw new Error("too few guests");
    for (const guest of guests) await hasSpoken(guest);
    await sendMuch(pinging, 3);
    await pinging.pings();
    await sendMuch(little, 1);
    await sendMuch(much, 2);
    await rollCall(lobbyId, host, pinging, little, much);
    expect(host.methods).not.toContain("lobby_peerDisconnect");
    await sendMuch(host, 2);
    await sendMuch(little, 1);
    expect(await host.hears("lobby_peerDisconnect")).toEqual({ lobbyId, peerName: "Guest 2" });
    expect(await much.closed).toMatchObject({ code: 1013 });
    await rollCall(lobbyId, host, pinging, little);
  });

  test("one that pings has the time to its next ping, however much is sent to it meanwhile", async () => {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url);
    const [guest] = guests;
    if (!guest) throw new Error("no guest");
    guest.say("client_pings");
    await guest.settled();
    await sendMuch(guest, most + 2);
    await rollCall(lobbyId, host, guest);
    await sendMuch(guest, most + 2);
    await later(server.url, sharedLimits.pingMs + sharedLimits.pongMs + 1_000);
    await sendMuch(guest, 1);
    expect(await guest.closed).toMatchObject({ code: 1013 });
    await later(server.url, -(sharedLimits.pingMs + sharedLimits.pongMs + 1_000));
  });

  test("what a client says after a ping is heard when it has read what was sent before: a ping is a sign of that", async () => {
    await setLimits(server.url, { unansweredBytes: 64 * mebibyte });
    const { lobbyId, host } = await lobbyOf(1, server.url, { direct: true });
    const deaf = await deafMember(server.url, lobbyId, "Deaf", `/lobbies/${lobbyId}`);
    await sendMuch(deaf, 20);
    const chat = encode("lobby_messaging_send", { token: deaf.token, lobbyId, message: "At last." });
    for (const text of ["ping", chat]) deaf.socket.write(maskedText(text));
    for (let i = 0; i < 10; i++) await rollCall(lobbyId, host);
    expect(host.chats).not.toContain("At last.");
    deaf.socket.resume();
    await host.hearsChat("At last.");
    deaf.socket.destroy();
  });
});
