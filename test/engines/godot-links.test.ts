/** The addon's lobbies and links in the real engine: with each other, with the SDK, on every kind of path, and when something goes wrong. */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { connect, type Link, type Lobby } from "../../client/index.ts";
import { Line } from "../../conformance/line.ts";
import { openStage } from "../../conformance/stage.ts";
import { type Entry, Transcript } from "../../conformance/transcript.ts";
import type { Server } from "../../local/server.ts";
import {
  GodotPlayer,
  type GodotLook as Look,
  type GodotResult as Result,
} from "../../measure/kit/godot-player.ts";
import { makeGodotProject } from "../../measure/kit/godot-project.ts";
import { type Puppet, startPuppet } from "../../measure/kit/godot-puppet.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import { Player } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let server: Server;
  let one: Puppet;
  let other: Puppet;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    const project = makeGodotProject("links");
    server = await startTestServer();
    [one, other] = await Promise.all([startPuppet(project), startPuppet(project)]);
  }, installMs);
  afterAll(async () => {
    await Promise.all([one?.stop(), other?.stop()]);
    await server?.stop();
  });

  /** A player in this process, and what it came to that it hosts or joins. */
  async function enter(puppet: Puppet, who: string, how: object | string, options: object = {}, more = {}) {
    await puppet.ask("new", { who, url: String(server.url), ...more });
    const ask =
      typeof how === "string" ? { method: "join", args: [how, options] } : { method: "host", args: [how] };
    const result = await puppet.ask<Result>("edge", { who, ...ask });
    expect(result).toMatchObject({ is_ok: true });
    return result;
  }

  const call = async (puppet: Puppet, who: string, method: string, ...args: unknown[]) =>
    await puppet.ask<Result>("lobby", { who, method, args });
  const look = async (puppet: Puppet, who: string) => await puppet.ask<Look>("look", { who });
  const isFine = (result: Result) => expect(result).toMatchObject({ is_ok: true });
  const linkTo = async (puppet: Puppet, who: string, id: string) => (await look(puppet, who)).links[id];

  /** Packets both ways. */
  async function talk(host: string, guest: string, hostId: string, guestId: string): Promise<void> {
    const [there, back] = [`from ${host} to ${guest}`, `from ${guest} to ${host}`];
    // The first may come before the other end has the link.
    await vi.waitFor(async () => {
      await one.ask("send", { who: host, to: guestId, text: there });
      await other.ask("send", { who: guest, to: hostId, text: back });
      expect(other.events).toContainEqual({ who: guest, event: "packet", args: [hostId, there] });
      expect(one.events).toContainEqual({ who: host, event: "packet", args: [guestId, back] });
    }, 10_000);
  }

  test("two processes meet, and play over a direct, encrypted link, whatever one frame brings", async () => {
    const { lobby, own_id: ada } = await enter(one, "ada", {
      name: "Ada",
      lifetime: "session",
      topology: "mesh",
    });
    const { own_id: bo } = await enter(other, "bo", lobby, { name: "Bö" });
    const joinedAt = performance.now();
    const [started, followed] = await Promise.all([call(one, "ada", "start"), call(other, "bo", "started")]);
    expect([started, followed]).toMatchObject([
      { is_ok: true, links: 1 },
      { is_ok: true, links: 1 },
    ]);
    await talk("ada", "bo", ada, bo);
    await Promise.all([one.hears("ada", "connected"), other.hears("bo", "connected")]);
    const [ours, theirs] = [await linkTo(one, "ada", bo), await linkTo(other, "bo", ada)];
    expect(ours).toMatchObject({ path: "direct", cause: "", is_encrypted: true });
    expect(ours?.safety_code).toMatch(/^\d{4} \d{4}$/);
    expect(theirs?.safety_code).toBe(ours?.safety_code);
    expect(ours?.round_trip_ms).toBeGreaterThan(0);
    // No address and no secret is in a report that players show to each other.
    expect(ours?.report).not.toMatch(/\d+\.\d+\.\d+\.\d+|[\w-]{22}/);

    // The longest packet, one that is longer, and a segment of the reliable stream.
    const key = `bo ${ada}`;
    const before = (await other.ask<Record<string, number>>("packets"))[key] ?? 0;
    expect(await one.ask("send", { who: "ada", to: bo, bytes: 1200 })).toEqual([0]);
    expect(await one.ask("send", { who: "ada", to: bo, bytes: 1201 })).toEqual([31]);
    expect(one.program.output).toMatch(/A packet may have 1200 bytes at most, and this one has 1201/);
    await vi.waitFor(async () => {
      expect((await other.ask<Record<string, number>>("packets"))[key]).toBe(before + 1);
    });
    // 2 000 in one frame, to a program that stands still for 2 s: some come, the link stays, and so does the game.
    const standing = other.ask("block", { ms: 2_000 });
    expect(await one.ask("send", { who: "ada", to: bo, bytes: 200, count: 2_000 })).toEqual([0]);
    await standing;
    await other.ask("pause", { paused: true });
    await vi.waitFor(async () => {
      expect((await other.ask<Record<string, number>>("packets"))[key]).toBeGreaterThan(before + 100);
    });
    // A paused tree goes on.
    await talk("ada", "bo", ada, bo);
    await other.ask("pause", { paused: false });

    // Who comes later is linked to all by itself.
    const { own_id: cy } = await enter(other, "cy", lobby, { name: "Cy" });
    await one.hears("ada", "link_opened", ([id]) => id === cy);
    await other.hears("bo", "link_opened", ([id]) => id === cy);
    // The start of latecomers is over by then: before, its end would be theirs.
    await other.hears("cy", "connected");
    await call(other, "cy", "close");
    expect(await one.hears("ada", "link_closed", ([id]) => id === cy)).toEqual([cy, "peer-left"]);
    expect(await one.hears("ada", "player_left", ([id]) => id === cy)).toEqual([cy, false]);

    // A lost connection: the player is away, and comes back. Its link goes on meanwhile.
    // The server keeps the place of who was there for 10 s.
    await delay(Math.max(0, 10_500 - (performance.now() - joinedAt)));
    const said = one.hears("ada", "player_went_away");
    await other.ask("break", { who: "bo" });
    await said;
    isFine(await call(one, "ada", "chat", "are you there?"));
    await other.hears("bo", "resumed");
    await one.hears("ada", "player_returned");
    await other.hears("bo", "chat_received", ([from, text]) => from === "Ada" && text === "are you there?");
    expect(Object.keys((await look(other, "bo")).links)).toEqual([ada]);

    // A node that is freed leaves, and the links tell.
    await other.ask("free", { who: "bo" });
    expect(await one.hears("ada", "link_closed", ([id]) => id === bo)).toEqual([bo, "peer-left"]);
    await call(one, "ada", "close");
    expect(await one.hears("ada", "closed")).toEqual(["left"]);
  }, 60_000);

  test.each([
    [
      "relay",
      "over the relay, where nobody may learn an address",
      { privacy: "relay-only" },
      {},
      "relay-only",
    ],
    ["websocket", "over WebSocket, where one has no UDP", {}, { uses_udp: false }, "no-udp"],
  ])("two processes are connected by the path %s: %s", async (path, _, options, more, cause) => {
    const [host, guest] = [`host by ${path}`, `guest by ${path}`];
    const { lobby, own_id: ada } = await enter(one, host, { name: "Ada", lifetime: "session", ...options });
    const { own_id: bo } = await enter(other, guest, lobby, { name: "Bo" }, more);
    isFine(await call(one, host, "start"));
    await talk(host, guest, ada, bo);
    expect(await linkTo(one, host, bo)).toMatchObject({ path, cause, is_encrypted: true });
    await Promise.all([call(one, host, "close"), call(other, guest, "close")]);
  });

  test("where UDP is blocked, and without a sidecar, the game goes over WebSocket, with a renewed ticket, and says why", async () => {
    const stage = await openStage();
    const transcript = new Transcript();
    const line = await Line.open(stage, transcript);
    const bare = await startTestServer({ udpPort: null });
    try {
      line.datagrams.faults.isDead = true;
      line.faults.rewrite = (message) => {
        const { peers } = message.payload;
        if (message.method !== "ptpMediation_peersConnection_start" || !Array.isArray(peers)) return message;
        const hurried = peers.map((peer) => ({ ...peer, webSocket: { ...peer.webSocket, lifeMs: 4_000 } }));
        return { ...message, payload: { ...message.payload, peers: hurried } };
      };
      const places = [
        ["udp-blocked", stage.url, line.url],
        ["no-sidecar", bare.url, bare.url],
      ] as const;
      await Promise.all(
        places.map(async ([cause, hostUrl, guestUrl]) => {
          const ada = await GodotPlayer.at(hostUrl, one, `ada by ${cause}`);
          const bo = await GodotPlayer.at(guestUrl, other, `bo by ${cause}`);
          const { lobby, own_id: adaId } = await ada.enters("host", { name: "Ada", lifetime: "session" });
          const { own_id: boId } = await bo.enters("join", lobby, { name: "Bo" });
          expect(await ada.lobby("start")).toMatchObject({ is_ok: true, links: 1 });
          await talk(ada.who, bo.who, adaId, boId);
          const look = (await bo.look()).links[adaId];
          expect(look).toMatchObject({ path: "websocket", cause, is_encrypted: true });
          if (cause === "udp-blocked") {
            const renewed = ({ kind, ...entry }: Entry) =>
              (kind === "told" && "message" in entry && entry.message?.method === "ptpRelay_renewed") ||
              undefined;
            expect(await transcript.until(renewed, 0, 40_000)).toBe(true);
            await ada.ask("send", { to: boId, text: "with a new ticket" });
            await bo.hears("packet", ([, text]) => text === "with a new ticket");
          }
          await Promise.all([ada.lobby("close"), bo.lobby("close")]);
        }),
      );
    } finally {
      await line.close();
      await Promise.all([stage.stop(), bare.stop()]);
    }
  });

  test("a secret that both have, and that the server never saw, links them, and any other links nobody", async () => {
    const secrets = [
      ["same", "s3cret", "s3cret", { is_ok: true, links: 1 }],
      ["different", "s3cret", "other", { is_ok: false, code: "keys-differ" }],
      ["missing", "s3cret", undefined, { is_ok: false, code: "keys-differ" }],
    ] as const;
    await Promise.all(
      secrets.map(async ([which, adas, bos, outcome]) => {
        const ada = await GodotPlayer.at(server.url, one, `ada, ${which} secret`);
        const bo = await GodotPlayer.at(server.url, other, `bo, ${which} secret`);
        const required = { name: "Ada", lifetime: "session", encryption: "required", on_loss: "abort" };
        const { lobby } = await ada.enters("host", { ...required, secret: adas });
        await bo.enters("join", lobby, { name: "Bo", ...(bos && { secret: bos }) });
        expect(await ada.lobby("start")).toMatchObject(outcome);
        await Promise.all([ada.lobby("close"), bo.lobby("close")]);
      }),
    );
  });

  test("an older client is in the lobby, and there is no link to it: the addon says why", async () => {
    const ada = await GodotPlayer.at(server.url, one, "ada of today");
    const { lobby } = await ada.enters("host", { name: "Ada" });
    const old = await Player.connect(server.url, `/lobbies/${lobby}`);
    expect((await old.join(lobby, "Old")).status).toBe(200);
    expect(await ada.lobby("start")).toMatchObject({ is_ok: false, code: "no-additions" });
    await ada.lobby("close");
    // A lobby whose links must be encrypted does not let it in.
    const { lobby: closed } = await ada.enters("host", { name: "Ada", encryption: "required" });
    const older = await Player.connect(server.url, `/lobbies/${closed}`);
    expect((await older.join(closed, "Old")).body).toMatchObject({ codes: ["encryption_required"] });
    await ada.lobby("close");
    await Promise.all([old.leave(), older.leave()]);
  });

  test("when the host goes, another player becomes host, and connects the others", async () => {
    const options = { name: "Ada", lifetime: "session", on_host_loss: "migrate" };
    const { lobby } = await enter(one, "old host", options);
    const { own_id: bo } = await enter(other, "new host", lobby, { name: "Bo" });
    const { own_id: cy } = await enter(one, "third", lobby, { name: "Cy" });
    isFine(await call(one, "old host", "start"));
    await other.hears("new host", "connected");
    await call(one, "old host", "close");
    expect(await one.hears("third", "host_changed")).toEqual([bo, 2]);
    await one.hears("third", "link_opened", ([id]) => id === bo);
    await other.hears("new host", "link_opened", ([id]) => id === cy);
    expect(await look(other, "new host")).toMatchObject({ is_host: true, term: 2 });
    // It hands over, and a program that has crashed comes back.
    isFine(await call(other, "new host", "make_host", cy));
    await other.hears("new host", "host_changed", ([id]) => id === cy);
    await Promise.all([call(one, "third", "close"), call(other, "new host", "close")]);
  });

  test("players of the engine and of the SDK are in one lobby, with either as host", async () => {
    const orion = await connect(server.url);
    const received: string[] = [];
    const listen = (lobby: Lobby) =>
      lobby.on("link", (link: Link) => {
        link.on("message", (bytes) => received.push(new TextDecoder().decode(bytes)));
        link.send("from the SDK");
      });
    await using sdk = await orion.host({ name: "Señor", lifetime: "session", isPublic: true, game: "pairs" });
    listen(sdk);
    await enter(one, "engine", sdk.code, { name: "Zoë", data_of_player: { color: "red" } });
    const [link] = await sdk.start();
    if (!link) throw new Error("no link");
    expect(link.encrypted).toBe(true);
    const seen = await look(one, "engine");
    expect(seen.links[sdk.clientId]).toMatchObject({ path: "direct", safety_code: link.safetyCode });
    await one.hears("engine", "packet", ([from, text]) => from === sdk.clientId && text === "from the SDK");
    await one.ask("send", { who: "engine", to: sdk.clientId, text: "from the engine" });
    await vi.waitFor(() => expect(received).toContain("from the engine"));
    const [, zoe] = sdk.members;
    expect(zoe).toMatchObject({ name: "Zoe", displayName: "Zoë", data: { color: "red" } });
    isFine(await call(one, "engine", "chat", "¿qué tal? 👋"));
    await sdk.kick(zoe?.clientId ?? "", { reason: "a test" });
    expect(await one.hears("engine", "closed")).toEqual(["kicked"]);

    // The engine as host: all that a host can do.
    const { lobby } = await enter(one, "boss", {
      name: "Boss",
      lifetime: "session",
      is_public: true,
      game: "pairs",
      password: "x",
      data: { map: "moon" },
    });
    const listed = await one.ask<Result>("edge", {
      who: "boss",
      method: "list",
      args: [{ game: "pairs", where: ["map:eq:moon"] }],
    });
    expect(listed.lobbies).toMatchObject([{ code: lobby, members: 1 }]);
    await expect(orion.join(lobby, { name: "Bo" })).rejects.toMatchObject({ code: "password_needed" });
    isFine(await call(one, "boss", "set_password", ""));
    await using guest = await orion.join(lobby, { name: "Bo" });
    listen(guest);
    await one.hears("boss", "player_joined", ([id]) => id === guest.clientId);
    isFine(await call(one, "boss", "set_data", { map: null, round: 2 }));
    await vi.waitFor(() => expect(guest.data).toEqual({ round: 2 }));
    await guest.setReady(true);
    await one.hears("boss", "player_changed", ([id]) => id === guest.clientId);
    expect((await look(one, "boss")).players[guest.clientId]).toMatchObject({ is_ready: true });
    isFine(await call(one, "boss", "lock"));
    await expect(orion.join(lobby, { name: "Cy" })).rejects.toMatchObject({ code: "locked_by_host" });
    isFine(await one.ask<Result>("bytes", { who: "boss", text: "a snapshot" }));
    expect(new TextDecoder().decode((await guest.readSnapshot())?.bytes)).toBe("a snapshot");
    expect(await call(one, "boss", "read_snapshot")).toMatchObject({
      is_ok: true,
      text: "a snapshot",
      version: 1,
    });
    const starting = guest.started();
    isFine(await call(one, "boss", "start"));
    await starting;
    await one.hears("boss", "packet", ([from]) => from === guest.clientId);
    isFine(await call(one, "boss", "signal_player", guest.clientId, { hello: true }));
    await guest.signal((await look(one, "boss")).own_id, [1, "two"]);
    expect(await one.hears("boss", "signal_received")).toEqual([guest.clientId, [1, "two"]]);
    await call(one, "boss", "close");
  }, 60_000);

  test("a packet of 200 bytes costs little, encrypted, sent and received", async () => {
    const { lobby } = await enter(one, "sender", { name: "Sender", lifetime: "session" });
    for (const name of ["A", "B"]) await enter(one, `receiver ${name}`, lobby, { name });
    isFine(await call(one, "sender", "start"));
    await Promise.all(["A", "B"].map((name) => one.hears(`receiver ${name}`, "link_opened")));
    const cost = await one.ask<{ sent: number; received: number; send_us: number; poll_us: number }>(
      "bench",
      {
        from: "sender",
        bytes: 200,
        rounds: 300,
      },
    );
    expect(cost.sent).toBe(600);
    expect(cost.received).toBeGreaterThan(0);
    const [send, receive] = [cost.send_us / cost.sent, cost.poll_us / cost.received];
    console.log(`GDScript: ${send.toFixed(1)} us to send, ${receive.toFixed(1)} us to receive 200 bytes`);
    for (const who of ["receiver A", "receiver B", "sender"]) await call(one, who, "close");
  });

  describe("what cannot work says why:", () => {
    let strange: HttpServer;
    beforeAll(async () => {
      strange = createServer((_, response) => response.end("<html>")).listen(0, "127.0.0.1");
      await once(strange, "listening");
      await one.ask("new", { who: "lost", url: "" });
    });
    afterAll(() => strange.close());

    const portOf = () => {
      const address = strange.address();
      return typeof address === "object" ? (address?.port ?? 0) : 0;
    };
    const host = async (url: string) => {
      await one.ask("new", { who: url, url });
      return await one.ask<Result>("edge", { who: url, method: "host", args: [{ name: "Ada" }] });
    };

    test("a URL that is none, a server that is none, and one without a good certificate", async () => {
      const codes = await Promise.all(
        [
          "ftp://example",
          "http://user@host",
          `http://127.0.0.1:${portOf()}`,
          `https://127.0.0.1:${portOf()}`,
        ].map(host),
      );
      expect(codes.map(({ code }) => code)).toEqual(["invalid_url", "invalid_url", "not_orion", "tls_error"]);
    });

    test("a code of no lobby, a name that is none, an option that is none, and a second call at once", async () => {
      await one.ask("new", { who: "joiner", url: String(server.url) });
      const join = async (code: string, options: object) =>
        await one.ask<Result>("edge", { who: "joiner", method: "join", args: [code, options] });
      expect(await join("ZZZZZ", { name: "Bo" })).toMatchObject({ code: "no_such_lobby" });
      expect(await join("../x", { name: "Bo" })).toMatchObject({ code: "no_such_lobby" });
      expect(await join("ZZZZZ", { name: "" })).toMatchObject({ code: "invalid_peer_name" });
      expect(await join("ZZZZZ", { nmae: "Bo" })).toMatchObject({ code: "invalid_argument" });
      const [, second] = await Promise.all([join("ZZZZZ", { name: "Bo" }), join("ZZZZZ", { name: "Bo" })]);
      expect(second).toMatchObject({ code: "busy" });
    });

    test("a node that is freed while a request is awaited, which then is called off", async () => {
      const silent = createServer(() => {}).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const address = silent.address();
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
      const asked = host(url);
      await vi.waitFor(async () => {
        expect(await new Promise((resolve) => silent.getConnections((_, count) => resolve(count)))).toBe(1);
      }, 10_000);
      await one.ask("free", { who: url });
      expect(await asked).toMatchObject({ is_ok: false, code: "aborted" });
      silent.closeAllConnections();
      silent.close();
    });

    test("no script of the addon has failed in all of this", () => {
      for (const { program } of [one, other]) {
        expect(program.output).not.toMatch(/SCRIPT ERROR|Invalid call|Resumed function/);
      }
    });
  });
});
