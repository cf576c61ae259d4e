/**
 * After an update objects wake with what another version kept, and hear what objects of another version say. A lobby that
 * can be read goes on; one that cannot is over, and its object works.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import {
  type Binding,
  type Call,
  call,
  type Kept,
  keep,
  keptOf,
  namesOf,
  startKeptServer,
  withIds,
} from "../../measure/kit/kept.ts";
import { lobbyOf, Player, request, rollCall } from "../../measure/kit/player.ts";
import { freeCode, hibernate, later, putToSleep } from "../../measure/kit/server.ts";
import calls from "../vectors/kept/calls.json" with { type: "json" };
import homes from "../vectors/kept/homes.json" with { type: "json" };
import kept from "../vectors/kept/kept.json" with { type: "json" };

let server: Server;
const logged: string[] = [];
beforeAll(async () => {
  server = await startKeptServer({ logged: (text) => logged.push(...text.split("\n")) });
});
afterAll(() => server.stop());

type Live = { lobbyId: string; host: Player; guest: Player; names: Map<string, string> };

/** A lobby of two that runs, of the shape of the kept ones. */
async function liveLobby(path: string): Promise<Live> {
  const direct = path === "direct";
  const { lobbyId, host, guests } = await lobbyOf(2, server.url, {
    direct,
    isPublic: !direct,
    maxMembers: 3,
  });
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  const text = JSON.stringify(await keptOf(server.url, "LOBBY", lobbyId));
  const incarnation = /"incarnation":"([^"]+)"/.exec(text)?.[1] ?? "";
  return { lobbyId, host, guest, names: namesOf({ host, guest }, { code: lobbyId, incarnation }) };
}

/** Puts what was kept into the place of what an object has, and lets it wake with it. */
async function wakeWith(live: Live, one: Kept): Promise<void> {
  await keep(server.url, "LOBBY", live.lobbyId, one);
  await putToSleep(server, [live.lobbyId]);
}

function keptAs(name: string, { names }: Live): Kept {
  const objects: Record<string, { kept: unknown }> = kept.objects;
  return withIds<Kept>(objects[name]?.kept, names, Date.now() - kept.at);
}

/** They meet, connect and part. */
async function finishes({ host, guest, lobbyId }: Live): Promise<void> {
  for (const player of [host, guest]) await player.hears("ptpMediation_peersConnection_start");
  for (const player of [host, guest]) player.reportsSuccess();
  await ends({ host, guest, lobbyId });
}

async function ends({ host, guest, lobbyId }: Pick<Live, "host" | "guest" | "lobbyId">): Promise<void> {
  for (const player of [host, guest]) {
    await player.hears("ptpMediation_success");
    expect(await player.hears("lobby_closed")).toMatchObject({ lobbyId });
  }
}

const goesOn: Record<string, (live: Live) => Promise<void>> = {
  waiting: async (live) => {
    const { lobbyId, host, guest } = live;
    await rollCall(lobbyId, host, guest);
    const third = await Player.connect(server.url);
    expect((await third.join(lobbyId, "Third")).status).toBe(200);
    await third.leave();
    expect((await host.start(lobbyId)).status).toBe(200);
    await finishes(live);
  },
  aborted: async (live) => {
    expect((await live.host.start(live.lobbyId)).status).toBe(200);
    await finishes(live);
  },
  gathering: async (live) => {
    const third = await Player.connect(server.url);
    expect(await third.join(live.lobbyId, "Third")).toMatchObject({ body: { codes: ["lobby_locked"] } });
    live.guest.sendDatagram(server.sidecar?.port ?? 0);
    await finishes(live);
  },
  connecting: async ({ host, guest, lobbyId }) => {
    // The guest had reported.
    host.reportsSuccess();
    await ends({ host, guest, lobbyId });
  },
  closing: async ({ host, guest, lobbyId }) => {
    const third = await Player.connect(server.url);
    expect(await third.join(lobbyId, "Third")).toMatchObject({ body: { codes: ["no_such_lobby"] } });
    for (const player of [host, guest]) await player.hears("lobby_closed");
    expect((await host.host()).status).toBe(201);
  },
};

describe("a lobby that this version has kept goes on", () => {
  for (const name of Object.keys(kept.objects).filter((one) => one.includes(", "))) {
    const [path = "", phase = ""] = name.split(", ");
    test(`by the ${path} path, ${phase}`, async () => {
      const live = await liveLobby(path);
      await wakeWith(live, keptAs(name, live));
      await goesOn[phase]?.(live);
    });
  }

  test("and so do the sessions of a lounge", async () => {
    const live = await liveLobby("plain");
    const lounge = live.guest.holder;
    await keep(server.url, "LOUNGE", lounge, keptAs("lounge", live));
    await putToSleep(server, [lounge]);
    await rollCall(live.lobbyId, live.host, live.guest);
  });
});

/** What no version of this code can read. */
const unreadable: Record<string, (row: object) => unknown> = {
  "of a newer version": (row) => ({ ...row, v: 2 }),
  "without a version": ({ ...row }) => ({ ...row, v: undefined }),
  "in a phase nobody knows": (row) => ({ ...row, phase: { kind: "dancing" } }),
  "with a deadline that is none": (row) => ({ ...row, phase: { kind: "gathering" } }),
  "with members that are none": (row) => ({ ...row, members: [null] }),
  "of another lobby": (row) => ({ ...row, lobbyId: "AAAAA" }),
  "that is a text": () => "a lobby",
};

describe("a lobby that cannot be read is over, its members hear of it, and its object works", () => {
  for (const [what, spoil] of Object.entries(unreadable)) {
    for (const path of ["plain", "direct"]) {
      test(`${what}, by the ${path} path`, async () => {
        const before = logged.length;
        const live = await liveLobby(path);
        const { lobbyId, host, guest } = live;
        const { rows, attachments } = keptAs(`${path}, waiting`, live);
        await wakeWith(live, {
          rows: rows.map(([key, row]) => [key, spoil(Object(row))]),
          attachments: attachments.map((one) =>
            "hosted" in one && one.hosted ? { ...one, hosted: spoil(one.hosted) } : one,
          ),
        });
        const third = await Player.connect(server.url);
        expect(await third.join(lobbyId, "Third")).toMatchObject({ body: { codes: ["no_such_lobby"] } });
        // Those elsewhere hear it when they speak.
        for (const player of [host, guest]) {
          if (path === "plain") player.chat(lobbyId, "Hello?");
          expect(await player.hears("lobby_closed")).toMatchObject({ lobbyId });
        }
        expect(logged.slice(before).filter((line) => line.includes("kept_lobby_unreadable"))).toHaveLength(1);
        // The object takes the next lobby.
        const { status, body } = await host.host();
        expect(status).toBe(201);
        expect((await guest.join(String(body?.lobbyId), "Guest")).status).toBe(200);
        await rollCall(String(body?.lobbyId), host, guest);
      });
    }
  }

  test("a client whose session cannot be read has to connect again", async () => {
    const { lobbyId, host, guest } = await liveLobby("direct");
    // One that has never spoken would be ended by the platform only 10 s after the close.
    guest.socket.send("alive");
    await guest.settled();
    const { rows, attachments } = await keptOf(server.url, "LOBBY", lobbyId);
    const spoilt = attachments.map((one) => (one.id === guest.clientId ? { id: one.id, newer: true } : one));
    await keep(server.url, "LOBBY", lobbyId, { rows, attachments: spoilt });
    await putToSleep(server, [lobbyId]);
    await host.pings();
    host.chat(lobbyId, "Hello?");
    expect(await guest.closed).toMatchObject({ code: 1012 });
    await host.hears("lobby_peerDisconnect");
  });
});

describe("objects of another version call", () => {
  const recorded: Call[] = calls.calls;
  const findCall = (binding: Binding, method: string, holds = "") => {
    const found = recorded.find(
      (one) => one.class === binding && one.method === method && JSON.stringify(one.args).includes(holds),
    );
    if (!found) throw new Error(`there is no call of ${method}`);
    return found;
  };

  test("a Worker: host, join, start, observe and take back", async () => {
    const [host, guest] = await Player.crowd(2, server.url);
    if (!host || !guest) throw new Error("no players");
    const names = namesOf({ host, guest }, {});
    const asked = async (holder: string, method: string) => {
      const { args, answer } = withIds<Call>(findCall("LOUNGE", method), names, Date.now() - calls.at);
      return { answer: await call(server.url, "LOUNGE", holder, { method, args }), recorded: answer };
    };
    const hosted = await asked(host.holder, "hostLobby");
    expect(hosted.answer).toMatchObject({ ok: true, value: { lobbyName: "Lobby" } });
    const { lobbyId } = Object(hosted.answer).value;
    names.set("code", lobbyId);
    const joined = await asked(guest.holder, "joinLobby");
    const { ok, value } = Object(joined.recorded);
    expect(joined.answer).toEqual({ ok, value: { ...value, privacy: "open" } });
    await rollCall(lobbyId, host, guest);
    for (const player of [host, guest]) player.answersOverUdp = false;
    const started = await asked(host.holder, "startMediation");
    expect(started.answer).toEqual(started.recorded);
    await host.hears("ptpMediation_send");
    expect((await asked(host.holder, "observe")).answer).toEqual([]);
    const taken = findCall("LOUNGE", "takeBack").args[1];
    const request = withIds<Call>(findCall("LOUNGE", "hostLobby"), names, 0).args[0];
    expect(taken).toBeTypeOf("string");
    const args = [host.clientId, Object(request).requestId];
    await call(server.url, "LOUNGE", host.holder, { method: "takeBack", args });
    expect(await guest.hears("lobby_closed")).toMatchObject({ lobbyId });
  });

  test("a lounge: open and enter, ask and start", async () => {
    const live = await liveLobby("plain");
    const asked = async (lobbyId: string, method: string) => {
      const { args, answer } = withIds<Call>(findCall("LOBBY", method), live.names, Date.now() - calls.at);
      return { answer: await call(server.url, "LOBBY", lobbyId, { method, args }), recorded: answer };
    };
    for (const method of ["isMember", "start"]) {
      const { answer, recorded } = await asked(live.lobbyId, method);
      expect(answer).toEqual(recorded);
    }
    // The sessions are in another lobby: nothing that this one sends reaches them.
    const code = await freeCode(server.url);
    live.names.set("code", code);
    const opened = await asked(code, "open");
    expect(opened.answer).toMatchObject({ ok: true, value: { answer: { lobbyId: code } } });
    const { incarnation } = Object(opened.answer).value;
    expect((await asked(code, "enter")).answer).toMatchObject({ ok: true, value: { incarnation } });
  });

  for (const kind of [
    "message-sent",
    "endpoint-seen",
    "silence-reported",
    "connection-reported",
    "member-left",
  ]) {
    test(`a lounge, with news of the kind ${kind}`, async () => {
      const live = await liveLobby("plain");
      const { method, args } = withIds<Call>(
        findCall("LOBBY", "receive", kind),
        live.names,
        Date.now() - calls.at,
      );
      // The news may be of somebody who is not there: of a member they are taken, so nobody is a stray.
      expect(await call(server.url, "LOBBY", live.lobbyId, { method, args })).toEqual([]);
      if (kind === "message-sent") await live.guest.hearsChat("Ready?");
      await rollCall(live.lobbyId, live.host, live.guest);
    });
  }

  test("a lobby: frames for its members, and the word that it is over", async () => {
    const live = await liveLobby("plain");
    for (const [holds, method] of [
      ["memberJoined", "lobby_peerConnect"],
      ["release", "lobby_closed"],
    ] as const) {
      const one = withIds<Call>(findCall("LOUNGE", "receive", holds), live.names, 0);
      expect(await call(server.url, "LOUNGE", live.host.holder, one)).toEqual([]);
      await live.host.hears(method, method === "lobby_peerConnect" ? 2 : 1);
    }
  });

  test("the directory and the fleet", async () => {
    const names = new Map([["code", await freeCode(server.url)]]);
    const asked = async (binding: Binding, name: string, method: string) =>
      await call(
        server.url,
        binding,
        name,
        withIds<Call>(findCall(binding, method), names, Date.now() - calls.at),
      );
    await asked("DIRECTORY", "shard-0", "put");
    expect(await asked("DIRECTORY", "shard-0", "all")).toContain(names.get("code"));
    expect(await asked("DIRECTORY", "shard-0", "list")).toMatchObject({
      lobbies: expect.any(String),
      count: 1,
    });
    await asked("DIRECTORY", "shard-0", "remove");
    expect(await asked("DIRECTORY", "shard-0", "all")).not.toContain(names.get("code"));
    expect(await asked("FLEET", "fleet", "hear")).toBeTypeOf("boolean");
    expect(await asked("FLEET", "fleet", "live")).toMatchObject([{ name: "local", relays: true }]);
  });
});

describe("rows of the release in which lobbies lived in homes", () => {
  test("the directory drops them, and lists what is opened", async () => {
    const live = await liveLobby("plain");
    const directory = withIds<Kept>(homes.directory, new Map(), Date.now() - homes.at);
    const { rows } = await keptOf(server.url, "DIRECTORY", "shard-0");
    await keep(server.url, "DIRECTORY", "shard-0", { ...directory, rows: [...directory.rows, ...rows] });
    await hibernate(server, { className: "Directory", name: "shard-0" });
    const { text } = await request(server.url, "/lobbies");
    expect(text).toContain(live.lobbyId);
    expect(text).not.toContain("Old Lobby");
    const after = await keptOf(server.url, "DIRECTORY", "shard-0");
    expect(after.rows.map(([key]) => key).filter((key) => !key.startsWith("listed:"))).toEqual([]);
  });

  test("the fleet goes on with its sidecars, and forgets those that are silent", async () => {
    const old = withIds<Kept>(homes.fleet, new Map(), Date.now() - homes.at);
    await keep(server.url, "FLEET", "fleet", old);
    await hibernate(server, { className: "Fleet", name: "fleet" });
    const live = () => call(server.url, "FLEET", "fleet", { method: "live", args: [] });
    expect(await live()).toMatchObject([{ name: "old", host: "sidecar.example", load: 12 }]);
    await later(server.url, 40_000);
    await vi.waitFor(async () => expect(await live()).not.toMatchObject([{ name: "old" }]));
    await later(server.url, -40_000);
  });
});
