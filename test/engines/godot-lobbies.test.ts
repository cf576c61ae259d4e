/** Lobbies of the addon in the real engine: what hosts and players can do, and what happens when a program, a network or a server fails. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { GodotPlayer } from "../../measure/kit/godot-player.ts";
import { type GodotProject, makeGodotProject } from "../../measure/kit/godot-project.ts";
import { type Puppet, startPuppet } from "../../measure/kit/godot-puppet.ts";
import { installGodot4, installMs, mayHaveGodot4 } from "../../measure/kit/godot4.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { layCable } from "../client/cable.ts";

/** Milliseconds after which the server keeps a place for a player whose connection is lost, and some more. */
const presentMs = 10_500;
const session = { name: "Ada", lifetime: "session" };

const hasCaddy = spawnSync("caddy", ["version"]).error === undefined;
if (!hasCaddy) console.warn("Skipped: servers over HTTPS need caddy.");

describe.skipIf(!mayHaveGodot4)("In Godot 4", () => {
  let project: GodotProject;
  let server: Server;
  let one: Puppet;
  let other: Puppet;
  beforeAll(async () => {
    await installGodot4("test/engines/godot4");
    project = makeGodotProject("lobbies");
    server = await startTestServer();
    [one, other] = await Promise.all([startPuppet(project), startPuppet(project)]);
  }, installMs);
  afterAll(async () => {
    await Promise.all([one?.stop(), other?.stop()]);
    await server?.stop();
  });

  const playerOf = (puppet: Puppet, who: string, url = server.url.href) => GodotPlayer.at(url, puppet, who);

  /** Two players with the engine's multiplayer over their link, who have called each other. */
  async function playing(
    host: GodotPlayer,
    guest: GodotPlayer,
    { migrates = false, ...options }: { migrates?: boolean } = {},
  ) {
    const { lobby, own_id: hostId } = await host.enters("host", { ...session, ...options });
    const { own_id: guestId, return_key: returnKey } = await guest.enters("join", lobby, { name: "Bo" });
    const joinedAt = performance.now();
    const started = host.lobby("start");
    await Promise.all([host.plays({ migrates }), guest.plays({ migrates })]);
    expect(await started).toMatchObject({ is_ok: true, links: 1 });
    const [[guestPeer]] = await Promise.all([
      host.hears("peer_connected"),
      guest.hears("connected_to_server"),
    ]);
    expect(await guest.calls("hello", host)).toEqual([guestPeer, "hello"]);
    expect(await host.calls("welcome", guest)).toEqual([1, "welcome"]);
    /** Until the server would keep a place for each of them. */
    const present = () => delay(Math.max(0, presentMs - (performance.now() - joinedAt)));
    return { lobby, hostId, guestId, guestPeer, returnKey, present };
  }

  test("a host bans a player, who hears why, and cannot come back", async () => {
    const [ada, bo] = [await playerOf(one, "ada bans"), await playerOf(other, "bo is banned")];
    const { lobby } = await ada.enters("host", session);
    const { own_id: id, return_key: key } = await bo.enters("join", lobby, { name: "Bo" });
    expect(await ada.lobby("ban", id, "Enough.")).toMatchObject({ is_ok: true });
    expect(await bo.hears("closed")).toEqual(["kicked"]);
    expect(await bo.look()).toMatchObject({
      close_code: "kicked",
      close_message: "Enough.",
      was_banned: true,
    });
    expect(await ada.hears("player_left")).toEqual([id, true]);
    expect((await ada.look()).bans).toMatchObject([{ clientId: id, name: "Bo" }]);
    expect(await bo.edge("resume", key)).toMatchObject({ code: "banned" });
    expect(await ada.lobby("unban", id)).toMatchObject({ is_ok: true });
    expect(await bo.edge("resume", key)).toMatchObject({ code: "no_such_member" });
    expect((await ada.look()).bans).toEqual([]);
    expect(await ada.lobby("unban", id)).toMatchObject({ code: "no_such_ban" });
    await bo.enters("join", lobby, { name: "Bo" });
    await Promise.all([ada.lobby("close"), bo.lobby("close")]);
  });

  test("a password is asked for, a wrong one is refused, and the right one lets in, to hear any text", async () => {
    const [ada, bo] = [await playerOf(one, "ada hides"), await playerOf(other, "bo guesses")];
    const { lobby } = await ada.enters("host", { ...session, password: "sesame" });
    expect(await bo.edge("join", lobby, { name: "Bo" })).toMatchObject({ code: "password_needed" });
    expect(await bo.edge("join", lobby, { name: "Bo", password: "x" })).toMatchObject({
      code: "wrong_password",
    });
    const { own_id: id } = await bo.enters("join", lobby, { name: "Bo", password: "sesame" });
    // All texts arrive as they are: the engine's own JSON would leave the bell in it, which no other program reads.
    const value = { text: 'bell \u0007, tab \t, "quoted" \\ 👋' };
    expect(await ada.lobby("signal_player", id, value)).toMatchObject({ is_ok: true });
    expect((await bo.hears("signal_received"))[1]).toEqual(value);
    await Promise.all([ada.lobby("close"), bo.lobby("close")]);
  });

  test("players are matched, and find lobbies by conditions, in order and page by page", async () => {
    const [ada, bo, cy] = [
      await playerOf(one, "ada"),
      await playerOf(other, "bo"),
      await playerOf(other, "cy"),
    ];
    const skilled = (name: string, skill: number) => ({
      name,
      game: "duel",
      where: [`skill:lte:${skill}`],
      create: { lifetime: "session", max_players: 2, data: { skill } },
    });
    const opened = await ada.enters("match", skilled("Ada", 900));
    expect(opened.was_created).toBe(true);
    const found = await bo.enters("match", skilled("Bo", 1_000));
    expect(found).toMatchObject({ was_created: false, lobby: opened.lobby });
    await ada.hears("player_joined", ([id]) => id === found.own_id);
    const apart = await cy.enters("match", skilled("Cy", 100));
    expect(apart.was_created).toBe(true);
    expect(await cy.edge("match", { name: "Cy" })).toMatchObject({ code: "invalid_game" });

    const list = (options: object) => cy.edge("list", { game: "duel", ...options });
    const codes = async (options: object) => (await list(options)).lobbies.map(({ code }) => code);
    expect(await codes({ sort: "-skill" })).toEqual([opened.lobby, apart.lobby]);
    expect(await codes({ where: ["skill:lt:500"] })).toEqual([apart.lobby]);
    expect(await codes({ where: ["full:eq:false"], is_open: true })).toEqual([apart.lobby]);
    expect(await codes({ is_open: false })).toEqual([opened.lobby]);
    const first = await list({ sort: "skill", limit: 1 });
    expect(first.lobbies).toMatchObject([{ code: apart.lobby }]);
    const second = await list({ sort: "skill", limit: 1, cursor: first.cursor });
    expect(second.lobbies).toMatchObject([{ code: opened.lobby }]);
    expect(await list({ where: ["skill"] })).toMatchObject({ code: "invalid_search" });
    expect(await list({ size: 3 })).toMatchObject({ code: "invalid_argument" });
    await Promise.all([ada, bo, cy].map((player) => player.lobby("close")));
  });

  test("a link that has died is asked for at once, and then in pauses that grow to half a minute", async () => {
    const ms = 5 * 60_000;
    const misses = (first: string, then: string) => one.ask<number[]>("misses", { ms, first, then });
    const asked = await misses("MISSED", "OVER");
    expect(asked[0]).toBeLessThan(1_000);
    // 5 + 10 + 20 + 30 s and so on, each give or take half.
    expect(asked.length).toBeGreaterThan(6);
    expect(asked.length).toBeLessThan(24);
    expect(asked.at(-1)).toBeLessThanOrEqual(ms);
    const later = await misses("LATER", "MISSED");
    expect(later[0]).toBeGreaterThan(ms);
    expect(await misses("OVER", "MISSED")).toEqual([]);
  });

  describe.concurrent("a game goes on", () => {
    test("when a player's program is killed: it comes back as the same player, with the same peer id", async () => {
      const [doomed, ada] = [await startPuppet(project), await playerOf(one, "ada stays")];
      const bo = await playerOf(doomed, "bo crashes");
      const { guestId, guestPeer, returnKey, present } = await playing(ada, bo);
      await present();
      process.kill(-doomed.program.pid, "SIGKILL");
      await ada.hears("player_went_away", ([id]) => id === guestId);
      await ada.hears("peer_disconnected", ([id]) => id === guestPeer);
      const again = await playerOf(other, "bo again");
      expect(await again.edge("resume", "nokey")).toMatchObject({ code: "invalid_argument" });
      const resumed = await again.enters("resume", returnKey);
      expect(resumed.own_id).toBe(guestId);
      expect(await again.plays()).toBe(guestPeer);
      await Promise.all([again.hears("connected_to_server"), ada.hears("player_returned")]);
      expect(await again.calls("I am back", ada)).toEqual([guestPeer, "I am back"]);
      expect(await ada.calls("you are", again)).toEqual([1, "you are"]);
      // The key was good once, and the player hears that somebody has tried.
      const thief = await playerOf(one, "a thief");
      expect(await thief.edge("resume", returnKey)).toMatchObject({ code: "resume_key_used" });
      await again.hears("resume_refused");
      expect((await again.look()).return_key).not.toBe(returnKey);
      await Promise.all([ada.lobby("close"), again.lobby("close")]);
    });

    test("when a player's program is suspended until the links are dead, and keeps its WebSocket: both are linked again", async ({
      onTestFinished,
    }) => {
      const [sleeper, ada] = [await startPuppet(project), await playerOf(one, "ada is awake")];
      const signal = (name: NodeJS.Signals) => process.kill(-sleeper.program.pid, name);
      onTestFinished(() => void signal("SIGKILL"));
      const bo = await playerOf(sleeper, "bo nods off");
      const { guestId, guestPeer } = await playing(ada, bo, { migrates: true });
      signal("SIGSTOP");
      expect(await ada.hears("link_closed")).toEqual([guestId, "path-lost"]);
      expect(await ada.hears("peer_disconnected")).toEqual([guestPeer]);
      signal("SIGCONT");
      // At the guest the new link may come before the old one is over.
      expect(await bo.hears("peer_disconnected")).toEqual([1]);
      expect(await bo.hears("host_migrated")).toEqual([false]);
      await vi.waitFor(() => expect(ada.count("peer_connected")).toBe(2), 20_000);
      expect(bo.count("peer_connected")).toBe(2);
      expect(await bo.calls("I am awake", ada)).toEqual([guestPeer, "I am awake"]);
      expect(await ada.calls("good morning", bo)).toEqual([1, "good morning"]);
      expect([ada.count("player_went_away"), bo.count("connection_lost")]).toEqual([0, 0]);
      expect(sleeper.program.output).not.toMatch(/SCRIPT ERROR|Invalid call|Resumed function/);
      await Promise.all([ada.lobby("close"), bo.lobby("close")]);
    }, 90_000);

    test("when the server cannot be reached for 10 s: calls go on, and both come back", async ({
      onTestFinished,
    }) => {
      const cable = await layCable(server.url);
      onTestFinished(() => cable.close());
      const [ada, bo] = [
        await playerOf(one, "ada far away", cable.url.href),
        await playerOf(other, "bo far away", cable.url.href),
      ];
      const { guestPeer, present } = await playing(ada, bo);
      await present();
      cable.cutNext(Number.POSITIVE_INFINITY);
      cable.cut();
      await Promise.all([ada.hears("connection_lost"), bo.hears("connection_lost")]);
      // Asked for meanwhile: done when the player is back.
      const changed = ada.lobby("set_data", { round: 2 });
      await delay(10_000);
      expect(await bo.calls("without a server", ada)).toEqual([guestPeer, "without a server"]);
      cable.cutNext(0);
      await Promise.all([ada.hears("resumed"), bo.hears("resumed")]);
      expect(await changed).toMatchObject({ is_ok: true });
      await bo.hears("data_changed");
      expect(await ada.calls("with a server", bo)).toEqual([1, "with a server"]);
      expect([ada.count("peer_disconnected"), bo.count("server_disconnected")]).toEqual([0, 0]);
      await Promise.all([ada.lobby("close"), bo.lobby("close")]);
    });

    test("when the server is restarted: the lobby is over, calls go on, and another lobby can be opened", async ({
      onTestFinished,
    }) => {
      const [httpPort, udpPort] = [await freeTcpPort(), await freeUdpPort()];
      const start = () => startTestServer({ httpPort, udpPort });
      const first = await start();
      const [ada, bo] = [
        await playerOf(one, "ada of old", first.url.href),
        await playerOf(other, "bo of old", first.url.href),
      ];
      const { guestPeer } = await playing(ada, bo);
      await first.stop();
      const second = await start();
      onTestFinished(() => second.stop());
      for (const player of [ada, bo]) expect(await player.hears("closed")).toEqual(["disconnected"]);
      expect(await bo.calls("without a lobby", ada)).toEqual([guestPeer, "without a lobby"]);
      expect(await ada.calls("so what", bo)).toEqual([1, "so what"]);
      expect(await ada.lobby("chat", "hello?")).toMatchObject({ code: "disconnected" });
      const { lobby } = await ada.enters("host", session);
      await bo.enters("join", lobby, { name: "Bo" });
      await Promise.all([ada.lobby("close"), bo.lobby("close")]);
    });
  });

  test("a server that is not there, and one without a name, are said to be unreachable", async () => {
    const nobody = await freeTcpPort();
    const hosts = [`http://127.0.0.1:${nobody}`, "http://orion.invalid"].map(async (url) => {
      const player = await playerOf(one, `lost at ${url}`, url);
      return (await player.edge("host", session)).code;
    });
    expect(await Promise.all(hosts)).toEqual(["unreachable", "unreachable"]);
  });

  test.skipIf(!hasCaddy)("a certificate that the game trusts is enough, and any other is not", async () => {
    const folder = mkdtempSync(join(tmpdir(), "orion-edge-godot-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const site = `localhost:${await freeTcpPort()}`;
    const config = join(folder, "Caddyfile");
    const apart = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n";
    writeFileSync(
      config,
      `${apart}https://${site} {\n\ttls internal\n\treverse_proxy 127.0.0.1:${server.url.port}\n}\n`,
    );
    const caddy = startProgram("caddy", ["run", "--config", config, "--adapter", "caddyfile"], {
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
    });
    onTestFinished(() => caddy.stop());
    await caddy.prints(/certificate obtained successfully/);
    const trusts = readFileSync(join(folder, "caddy/pki/authorities/local/root.crt"), "utf8");
    const at = (puppet: Puppet, who: string, more = {}) =>
      GodotPlayer.at(`https://${site}`, puppet, who, more);
    const wary = await at(one, "wary");
    expect(await wary.edge("host", session)).toMatchObject({ code: "tls_error" });
    const [ada, bo] = [await at(one, "ada trusts", { trusts }), await at(other, "bo trusts", { trusts })];
    await playing(ada, bo);
    await Promise.all([ada.lobby("close"), bo.lobby("close")]);
  });

  test("no script of the addon has failed in all of this", () => {
    for (const { program } of [one, other])
      expect(program.output).not.toMatch(/SCRIPT ERROR|Invalid call|Resumed function/);
  });
});
