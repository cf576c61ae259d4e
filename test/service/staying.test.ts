import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ProblemCode, problems } from "../../core/problem.ts";
import type { Server } from "../../local/server.ts";
import { type Answer, lobbyOf, Player, rollCall } from "../../measure/kit/player.ts";
import { expectRefused } from "../../measure/kit/refusal.ts";
import { crash, ring, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { informedPlayer, stayingLobby as lobbyThatStays } from "../../measure/kit/staying.ts";
import { openRaw } from "../fuzz/raw-connection.ts";

let server: Server;
beforeAll(async () => {
  // However long a test takes, nobody is asked twice.
  server = await startFaultyServer({ timing: { ptpmConnectRequestIntervalMs: 3_600_000 } });
  await setLimits(server.url, { presentMs: 0 });
});
afterAll(() => server.stop());

type Picture = {
  hostId: string;
  term: number;
  version: number;
  data: object;
  members: { clientId: string; name: string; presence: string; data: object; ready: boolean }[];
};

const stayingLobby = (size: number, options: Parameters<typeof lobbyThatStays>[2] = {}) =>
  lobbyThatStays(server.url, size, options);

/** With the status that belongs to the code. */
function refuses(answer: Answer | undefined, code: ProblemCode): void {
  if (!answer) throw new Error("no answer");
  expectRefused(answer, problems[code][0], code);
}

async function picture(player: Player, lobbyId: string): Promise<Picture> {
  const answer = await player.asks("GET", `/lobbies/${lobbyId}`);
  expect(answer.status).toBe(200);
  return answer.body as unknown as Picture;
}

for (const direct of [true, false]) {
  describe(direct ? "by the direct path" : "by the plain path", () => {
    test("a member that loses its connection is away, comes back, and has its place", async () => {
      const { lobbyId, host, guests, keys, connect } = await stayingLobby(3, { direct });
      const [guest, other] = guests;
      if (!guest || !other) throw new Error("too few");
      guest.vanish();
      const away = await host.hears("lobby_memberAway");
      expect(away).toMatchObject({ peerName: "Guest 1", clientId: guest.clientId });
      host.chat(lobbyId, "Where is she?");
      await other.hearsChat("Where is she?");

      const back = await connect();
      const answer = await back.post(`/lobbies/${lobbyId}/resume`, { resumeKey: keys[1] });
      expect(answer.status).toBe(200);
      expect(answer.body?.missed).toMatchObject({
        isComplete: true,
        lines: [{ from: "Host", text: "Where is she?" }],
      });
      expect(answer.body?.lobbyMembers).toEqual(["Host", "Guest 1", "Guest 2"]);
      expect(answer.body?.resumeKey).not.toBe(keys[1]);
      expect(await host.hears("lobby_memberBack")).toMatchObject({ clientId: guest.clientId });
      await rollCall(lobbyId, back, host, other);
      expect((await picture(back, lobbyId)).members.map(({ presence }) => presence)).toEqual(
        Array(3).fill("connected"),
      );
      expect(host.all("lobby_peerDisconnect")).toEqual([]);
    });

    test("a key is good once, and the member is told of who tries it again", async () => {
      const { lobbyId, guests, keys, connect } = await stayingLobby(2, { direct });
      guests[0]?.vanish();
      const back = await connect();
      expect((await back.post(`/lobbies/${lobbyId}/resume`, { resumeKey: keys[1] })).status).toBe(200);
      const thief = await connect();
      refuses(await thief.post(`/lobbies/${lobbyId}/resume`, { resumeKey: keys[1] }), "resume_key_used");
      await back.hears("lobby_resumeRefused");
      const wrong = `${guests[0]?.clientId}.1.${"A".repeat(22)}`;
      refuses(await thief.post(`/lobbies/${lobbyId}/resume`, { resumeKey: wrong }), "wrong_resume_key");
      await rollCall(lobbyId, back);
    });

    test("who comes back while its old connection seems to live takes its place", async () => {
      const { lobbyId, host, guests, keys, connect } = await stayingLobby(2, { direct });
      const back = await connect();
      const resume = { resumeKey: keys[1], requestId: "the same" };
      const first = await back.post(`/lobbies/${lobbyId}/resume`, resume);
      await guests[0]?.hears("lobby_resumedElsewhere");
      expect((await guests[0]?.closed)?.code).toBe(1008);
      // Its answer was lost: the same again, by the same connection or a newer one.
      const again = await back.post(`/lobbies/${lobbyId}/resume`, resume);
      expect(again.body?.resumeKey).toBe(first.body?.resumeKey);
      const newer = await connect();
      const third = await newer.post(`/lobbies/${lobbyId}/resume`, resume);
      expect(third.body?.resumeKey).toBe(first.body?.resumeKey);
      await rollCall(lobbyId, newer, host);
      expect(host.all("lobby_memberAway")).toEqual([]);
    });

    test("the evening goes on when the host leaves, and a former host cannot act", async () => {
      const { lobbyId, host, guests } = await stayingLobby(3, { direct });
      const [next, third] = guests;
      if (!next || !third) throw new Error("too few");
      expect((await host.post(`/lobbies/${lobbyId}/leave`, {})).status).toBe(200);
      expect(await next.hears("lobby_hostChanged")).toMatchObject({ clientId: next.clientId, term: 2 });
      expect(await third.hears("lobby_peerDisconnect")).toMatchObject({ clientId: host.clientId });
      const kick = { clientId: third.clientId };
      refuses(await host.post(`/lobbies/${lobbyId}/kick`, kick), "not_the_host");
      refuses(await next.post(`/lobbies/${lobbyId}/kick`, { ...kick, term: 1 }), "old_term");
      // The same socket may join again.
      expect((await host.join(lobbyId, "Host")).status).toBe(200);
      expect(
        (await next.post(`/lobbies/${lobbyId}/host`, { clientId: third.clientId, term: 2 })).status,
      ).toBe(200);
      expect(await host.hears("lobby_hostChanged")).toMatchObject({ clientId: third.clientId, term: 3 });
    });

    test("the host removes a player, who cannot come back if it is banned", async () => {
      const { lobbyId, host, guests, keys, connect } = await stayingLobby(3, { direct });
      const [guest, other] = guests;
      if (!guest || !other) throw new Error("too few");
      const kick = { clientId: guest.clientId, reason: "Go to bed.", ban: true };
      expect((await host.post(`/lobbies/${lobbyId}/kick`, kick)).status).toBe(200);
      expect(await guest.hears("lobby_kicked")).toEqual({ lobbyId, reason: "Go to bed.", banned: true });
      expect(await other.hears("lobby_peerDisconnect")).toMatchObject({
        clientId: guest.clientId,
        kicked: true,
      });
      refuses(await guest.join(lobbyId, "Somebody"), "banned");
      const back = await connect();
      refuses(await back.post(`/lobbies/${lobbyId}/resume`, { resumeKey: keys[1] }), "banned");
      const path = `/lobbies/${lobbyId}/bans/${guest.clientId}`;
      refuses(await other.asks("DELETE", path), "not_the_host");
      expect((await host.asks("DELETE", path)).status).toBe(200);
      refuses(await host.asks("DELETE", path), "no_such_ban");
      expect((await guest.join(lobbyId, "Guest 1")).status).toBe(200);
    });

    test("lobby and members have data, and every change has the next version", async () => {
      const { lobbyId, host, guests } = await stayingLobby(2, { direct, data: { map: "dust", bots: 3 } });
      const [guest] = guests;
      if (!guest) throw new Error("too few");
      const changed = await host.asks("PATCH", `/lobbies/${lobbyId}`, {
        body: { data: { map: "ice", bots: null, hard: true }, locked: true, maxMembers: 5 },
      });
      // The guest's arrival was the first.
      expect(changed.body).toEqual({ version: 2 });
      expect(await guest.hears("lobby_changed")).toEqual({
        lobbyId,
        version: 2,
        locked: true,
        maxMembers: 5,
        data: { map: "ice", bots: null, hard: true },
      });
      const ready = await guest.asks("PATCH", `/lobbies/${lobbyId}/members/me`, {
        body: { data: { ready: true }, displayName: "Zoë" },
      });
      expect(ready.body).toEqual({ version: 3 });
      expect(await host.hears("lobby_memberChanged")).toMatchObject({ version: 3, displayName: "Zoë" });
      const { data, version, members } = await picture(host, lobbyId);
      expect({ data, version }).toEqual({ data: { map: "ice", hard: true }, version: 3 });
      expect(members[1]).toMatchObject({ ready: true, displayName: "Zoë", name: "Guest 1" });
      const stale = { body: { data: { map: "old" }, ifVersion: 2 } };
      refuses(await host.asks("PATCH", `/lobbies/${lobbyId}`, stale), "wrong_version");
      refuses(await guest.asks("PATCH", `/lobbies/${lobbyId}`, { body: { locked: false } }), "not_the_host");
      const stranger = await Player.connect(server.url);
      refuses(await stranger.join(lobbyId, "Late"), "locked_by_host");
      refuses(await stranger.asks("GET", `/lobbies/${lobbyId}`), "not_a_member");
    });

    test("a password keeps others out", async () => {
      const { lobbyId, host } = await stayingLobby(1, { direct, password: "sesame" });
      const guest = await Player.connect(server.url);
      refuses(await guest.join(lobbyId, "Guest"), "password_needed");
      refuses(await guest.join(lobbyId, "Guest", { password: "simsalabim" }), "wrong_password");
      expect((await guest.join(lobbyId, "Guest", { password: "sesame" })).status).toBe(200);
      const open = await host.asks("PATCH", `/lobbies/${lobbyId}`, { body: { password: null } });
      expect(open.status).toBe(200);
      const other = await Player.connect(server.url);
      expect((await other.join(lobbyId, "Other")).status).toBe(200);
    });

    test("members signal to those they are to be connected to", async () => {
      const { lobbyId, host, guests } = await stayingLobby(3, { direct });
      const [guest, other] = guests;
      if (!guest || !other) throw new Error("too few");
      guest.say("lobby_signal", { to: host.clientId, data: { sdp: "v=0" } });
      expect(await host.hears("lobby_signal")).toEqual({
        lobbyId,
        from: guest.clientId,
        data: { sdp: "v=0" },
      });
      guest.say("lobby_signal", { to: other.clientId, data: 1 });
      expect(await guest.hears("lobby_signalFailed")).toMatchObject({ code: "cannot_signal" });
      guest.say("lobby_signal", { to: "nobody", data: 1 });
      expect(await guest.hears("lobby_signalFailed", 2)).toMatchObject({ code: "no_such_member" });
      expect(other.all("lobby_signal")).toEqual([]);
    });

    test("a lobby and its snapshot outlive all sockets and a restart of its object", async () => {
      const { lobbyId, host, guests, all, keys, connect } = await stayingLobby(3, { direct });
      const raw = new TextEncoder().encode("round 7");
      const put = await host.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw });
      expect(put.body).toEqual({ version: 1, durable: true });
      const again = await host.asks("PUT", `/lobbies/${lobbyId}/snapshot`, {
        raw,
        headers: { "if-match": '"0"' },
      });
      refuses(again, "wrong_version");
      refuses(await guests[0]?.asks("PUT", `/lobbies/${lobbyId}/snapshot`, { raw }), "not_the_host");
      for (const player of all) player.vanish();
      await crash(server.url, { holder: lobbyId });
      const back = await Promise.all(
        keys.map(async (resumeKey) => {
          const player = await connect();
          const answer = await player.post(`/lobbies/${lobbyId}/resume`, { resumeKey });
          expect(answer.status).toBe(200);
          return player;
        }),
      );
      const [first] = back;
      if (!first) throw new Error("nobody");
      await rollCall(lobbyId, first, ...back.slice(1));
      const { members, hostId } = await picture(first, lobbyId);
      expect(members.map(({ name, presence }) => `${name} ${presence}`)).toEqual([
        "Host connected",
        "Guest 1 connected",
        "Guest 2 connected",
      ]);
      expect(hostId).toBe(host.clientId);
      const snapshot = await first.asks("GET", `/lobbies/${lobbyId}/snapshot`);
      expect(snapshot.text).toBe("round 7");
      expect(snapshot.headers.get("etag")).toBe('"1"');
    });

    test("who comes late is connected to those who play", async () => {
      const { lobbyId, host, guests, connect } = await stayingLobby(2, { direct });
      const [guest] = guests;
      if (!guest) throw new Error("too few");
      expect((await host.start(lobbyId)).status).toBe(200);
      for (const player of [host, guest]) {
        await player.hears("ptpMediation_peersConnection_start");
        player.reportsSuccess();
      }
      await guest.hears("ptpMediation_success");
      expect(guest.all("lobby_closed")).toEqual([]);
      const late = await connect();
      expect((await late.join(lobbyId, "Late")).status).toBe(200);
      await late.hears("ptpMediation_peersConnection_start");
      await host.hears("ptpMediation_peersConnection_start", 2);
      expect(guest.all("ptpMediation_send")).toHaveLength(1);
      late.reportsSuccess();
      host.reportsSuccess();
      await late.hears("ptpMediation_success");
      const { members } = await picture(host, lobbyId);
      expect(members.map((one) => Object(one).via)).toEqual(Array(3).fill("unknown"));
    });
  });
}

test("a client that closes its connection properly has left", async () => {
  const { lobbyId, host, guests } = await stayingLobby(2);
  await guests[0]?.leave();
  expect(await host.hears("lobby_peerDisconnect")).toMatchObject({ lobbyId, clientId: guests[0]?.clientId });
  expect(host.all("lobby_memberAway")).toEqual([]);
});

test("a thief of the token, which goes over UDP in clear, can do nothing that Orion does not know", async () => {
  const { lobbyId, host, guests } = await stayingLobby(2);
  const [guest] = guests;
  if (!guest) throw new Error("too few");
  const { token } = host;
  const path = `/lobbies/${lobbyId}`;
  const asked = [
    host.post(`${path}/kick`, { token, clientId: guest.clientId }),
    host.post(`${path}/host`, { token, clientId: guest.clientId }),
    host.post(`${path}/leave`, { token }),
    host.asks("PATCH", path, { body: { token, locked: true } }),
    host.asks("PATCH", `${path}/members/me`, { body: { token, data: {} } }),
    ...["GET /snapshot", "PUT /snapshot", "GET ", "DELETE /bans/x"].map((line) => {
      const [method = "", rest = ""] = line.split(" ");
      const raw = method === "PUT" ? { raw: new Uint8Array(1) } : {};
      return host.asks(method, path + rest, { ...raw, headers: { authorization: `Bearer ${token}` } });
    }),
  ];
  for (const answer of await Promise.all(asked)) refuses(answer, "needs_secret_token");
  expect(guest.methods).toEqual([]);
});

test("a thief of the token does not get the secret one, nor says what the client can do", async () => {
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest] = guests;
  if (!guest) throw new Error("too few");
  guest.answersOverUdp = false;
  const wish = { hostName: "Thief", lobbyName: "Trap", isPublic: false, maxMembers: 2, features: ["links"] };
  refuses(await host.post("/lobbies", wish), "already_in_lobby");
  await host.post(`/lobbies/${lobbyId}/resume`, { resumeKey: `a.0.${"A".repeat(22)}`, features: ["links"] });
  expect((await host.start(lobbyId)).status).toBe(200);
  refuses(await host.steer(lobbyId, "stop"), "needs_links");

  const idle = await Player.connect(server.url);
  const answers = [await idle.post("/lobbies", wish), await idle.host(), await guest.host()];
  for (const { text } of answers) expect(text).not.toContain(idle.secretToken.split(".").at(-1));
  expect(Object.keys(answers[0]?.body ?? {}).sort()).toEqual(["lobbyId", "lobbyName", "privacy"]);
});

test("who comes back is not told what was said before it first came", async () => {
  const { lobbyId, host, connect } = await stayingLobby(1);
  host.chat(lobbyId, "Nobody else may know.");
  await host.hearsChat("Nobody else may know.");
  await new Promise((resolve) => setTimeout(resolve, 2));
  const guest = await connect();
  const { body } = await guest.join(lobbyId, "Guest");
  host.chat(lobbyId, "Hello.");
  await guest.hearsChat("Hello.");
  const back = await guest.post(`/lobbies/${lobbyId}/resume`, { resumeKey: body?.resumeKey, heardAt: 0 });
  expect(back.body?.missed).toMatchObject({ lines: [{ text: "Hello." }] });
});

test("a stranger's snapshot is refused before its body has come", async () => {
  const { lobbyId } = await stayingLobby(1);
  // What comes of it then is thrown away.
  await setLimits(server.url, { drainPauseMs: 100 });
  const connection = openRaw(server.url);
  connection.say(
    `PUT /lobbies/${lobbyId}/snapshot HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer nobody\r\nContent-Length: 60000\r\n\r\n1`,
  );
  // A body that is read has ten seconds, and then the answer is another one.
  await connection.hears((heard) => heard.includes("invalid_token"));
  expect(connection.heard).toMatch(/^HTTP\/1\.1 400 /);
  connection.drop();
});

test("members whose grace ends have left", async () => {
  const { lobbyId, host, guests } = await stayingLobby(2, { graceMs: 50 });
  guests[0]?.vanish();
  await host.hears("lobby_memberAway");
  await new Promise((resolve) => setTimeout(resolve, 60));
  await ring(server.url, lobbyId);
  expect(await host.hears("lobby_peerDisconnect")).toMatchObject({ clientId: guests[0]?.clientId });
});

test("a plain client never becomes host: not by the host's will, and without another the lobby closes", async () => {
  const { lobbyId, host } = await stayingLobby(1, { isPublic: true });
  const plain = await Player.connect(server.url);
  expect((await plain.join(lobbyId, "Plain")).status).toBe(200);
  refuses(await host.post(`/lobbies/${lobbyId}/host`, { clientId: plain.clientId }), "cannot_lead");
  const guest = await informedPlayer(server.url, `/lobbies/${lobbyId}`);
  expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
  await host.leave();
  expect(await guest.hears("lobby_hostChanged")).toMatchObject({ clientId: guest.clientId, term: 2 });
  await guest.leave();
  await plain.hears("lobby_closed");
  expect(plain.methods).toEqual(["lobby_peerConnect", "lobby_peerDisconnect", "lobby_closed"]);
});

test("a plain client hears nothing that Orion does not say", async () => {
  const { lobbyId, host } = await stayingLobby(1, { isPublic: true });
  const plain = await Player.connect(server.url);
  const answer = await plain.join(lobbyId, "Plain");
  expect(Object.keys(answer.body ?? {}).sort()).toEqual([
    "host",
    "lobbyId",
    "lobbyMembers",
    "lobbyName",
    "privacy",
  ]);
  await host.asks("PATCH", `/lobbies/${lobbyId}`, { body: { data: { map: "ice" } } });
  const guest = await Player.connect(server.url);
  await guest.join(lobbyId, "Guest");
  await guest.leave();
  await plain.hears("lobby_peerDisconnect");
  expect(plain.methods).toEqual(["lobby_peerConnect", "lobby_peerDisconnect"]);
  expect(plain.all("lobby_peerConnect")).toEqual([{ lobbyId, peerName: "Guest" }]);
});

test("what a client can do may be said with its request, which may overtake its message", async () => {
  const host = await Player.connect(server.url, "/lobbies");
  const told = { features: ["pings", "of tomorrow"], token: host.secretToken };
  const opened = await host.host({ graceMs: 60_000, ...told });
  expect(opened.body).toMatchObject({ resumeKey: expect.any(String), lobby: { graceMs: 60_000 } });
  const lobbyId = String(opened.body?.lobbyId);
  const guest = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  const joined = await guest.post(`/lobbies/${lobbyId}/join`, {
    ...{ peerName: "Guest", features: [], token: guest.secretToken },
  });
  expect(joined.body).toMatchObject({ resumeKey: expect.any(String) });
  guest.vanish();
  await host.hears("lobby_memberAway");
  const back = await Player.connect(server.url, `/lobbies/${lobbyId}`);
  const { resumeKey } = joined.body ?? {};
  const resumed = await back.post(`/lobbies/${lobbyId}/resume`, {
    ...{ resumeKey, features: [], token: back.secretToken },
  });
  expect(resumed.body).toMatchObject({ resumeKey: expect.any(String) });
  await Promise.all([host.leave(), back.leave()]);
});
