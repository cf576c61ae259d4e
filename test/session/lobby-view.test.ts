/** What a client knows of its lobby, and what it tells of each change: by messages, by pictures, and by both in any order. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Picture } from "../../core/wire/picture.ts";
import type { HeardMessage } from "../../core/wire/server-message.ts";
import {
  readServerMessage,
  type Sent,
  type ServerMethod,
  serverMessage,
} from "../../core/wire/server-message.ts";
import type { SessionEvent } from "../../session/event.ts";
import { differences, type LobbyView, pictureView, plainView, viewAfter } from "../../session/lobby-view.ts";
import { Mirror } from "../../session/mirror.ts";

const lobbyId = "AAAAA";

function heard<M extends ServerMethod>(method: M, payload: Sent<M> & object): HeardMessage {
  const message = readServerMessage(serverMessage(method, payload));
  if (!message) throw new Error(method);
  return message;
}

const member = (clientId: string, more: Partial<Picture["members"][number]> = {}) => ({
  clientId,
  name: clientId,
  displayName: clientId,
  presence: "connected" as const,
  data: {},
  ready: false,
  hidden: false,
  via: null,
  ...more,
});

function pictureOf(more: Partial<Picture> = {}): Picture {
  return {
    lobbyId,
    lobbyName: "Tea",
    title: "Tea",
    game: null,
    isPublic: false,
    maxMembers: 8,
    locked: false,
    hasPassword: false,
    lifetime: "session",
    topology: "star",
    privacy: "open",
    onLoss: "continue",
    onHostLoss: "migrate",
    signals: "peers",
    encryption: null,
    graceMs: 30_000,
    hostId: "ada",
    term: 1,
    version: 0,
    data: { map: "dust" },
    members: [member("ada"), member("bo")],
    phase: { kind: "waiting", seen: [], awaited: [] },
    ...more,
  };
}

const whole = pictureView(pictureOf(), "bo");
const plain = plainView(
  { code: lobbyId, name: "Tea", self: "bo", host: "ada", members: ["ada", "bo"], privacy: null },
  "bo-id",
);

const cy = { lobbyId, peerName: "cy", clientId: "cy" };
const bo = { lobbyId, peerName: "bo", clientId: "bo" };

/** What is told of a change, without the members' objects. */
function told(before: LobbyView, after: LobbyView): unknown[] {
  return differences(before, after).map((one) =>
    "member" in one ? [one.kind, one.member?.name] : [one.kind],
  );
}

describe("each message makes the difference that it says, and none the second time", () => {
  test.each([
    ["lobby_peerConnect", cy, [["joined", "cy"]]],
    ["lobby_peerDisconnect", bo, [["left", "bo"]]],
    ["lobby_memberAway", { ...bo, until: 1 }, [["away", "bo"]]],
    ["lobby_hostChanged", { lobbyId, host: "bo", clientId: "bo", term: 2 }, [["host-changed", "bo"]]],
    ["lobby_changed", { lobbyId, version: 1, locked: true }, [["changed"]]],
    ["lobby_changed", { lobbyId, version: 1, data: { map: null } }, [["changed"]]],
    [
      "lobby_memberChanged",
      { lobbyId, clientId: "bo", version: 1, data: { ready: true } },
      [["member-changed", "bo"]],
    ],
    [
      "lobby_memberChanged",
      { lobbyId, clientId: "bo", version: 1, displayName: "Bořek" },
      [["member-changed", "bo"]],
    ],
    ["lobby_peerConnect", bo, []],
    ["lobby_peerDisconnect", cy, []],
    ["lobby_memberBack", bo, []],
    ["lobby_hostChanged", { lobbyId, host: "bo", clientId: "bo", term: 1 }, []],
    ["lobby_changed", { lobbyId, version: 0, locked: true }, []],
    ["lobby_memberChanged", { lobbyId, clientId: "cy", version: 1, data: {} }, []],
  ] as const)("%s (%#)", (method, payload, expected) => {
    const message = heard(method, payload as never);
    const { view, isBehind } = viewAfter(whole, message);
    expect(isBehind).toBe(undefined);
    expect(told(whole, view)).toEqual(expected);
    expect(viewAfter(view, message).view).toBe(view);
  });
});

const line = { timestamp: 1, senderName: "ada", message: "Hello" };

test("a version that is not the next one shows that something was missed, and changes nothing", () => {
  for (const message of [
    heard("lobby_changed", { lobbyId, version: 2, locked: true }),
    heard("lobby_memberChanged", { lobbyId, clientId: "bo", version: 2, data: { ready: true } }),
    heard("lobby_peerConnect", { ...cy, version: 2 }),
    heard("lobby_peerDisconnect", { lobbyId, peerName: "ada", clientId: "ada", version: 3 }),
    heard("lobby_memberAway", { lobbyId, peerName: "ada", clientId: "ada", version: 2, until: 1 }),
    heard("lobby_memberBack", { lobbyId, peerName: "ada", clientId: "ada", version: 2 }),
    heard("lobby_hostChanged", { lobbyId, host: "bo", clientId: "bo", version: 2, term: 2 }),
    heard("lobby_messaging_received", { lobbyId, version: 1, message: line }),
  ]) {
    expect(viewAfter(whole, message)).toEqual({ view: whole, isBehind: true });
  }
});

test("a version that is known already is old news", () => {
  const later = pictureView(pictureOf({ version: 4 }), "bo");
  for (const message of [
    heard("lobby_peerConnect", { ...cy, version: 4 }),
    heard("lobby_peerDisconnect", { lobbyId, peerName: "ada", clientId: "ada", version: 3 }),
    heard("lobby_memberAway", { lobbyId, peerName: "ada", clientId: "ada", version: 1, until: 1 }),
    heard("lobby_messaging_received", { lobbyId, version: 4, message: line }),
  ])
    expect(viewAfter(later, message)).toEqual({ view: later });
  const { view } = viewAfter(later, heard("lobby_peerConnect", { ...cy, version: 5 }));
  expect(view).toMatchObject({ version: 5, members: [{}, {}, { name: "cy" }] });
});

test("members that have not changed stay the same objects, by messages and by pictures", () => {
  const joined = viewAfter(whole, heard("lobby_peerConnect", cy)).view;
  expect(joined.members.slice(0, 2)).toEqual(whole.members);
  expect(joined.members[0]).toBe(whole.members[0]);
  const members = [member("ada"), member("bo", { data: { ready: true }, ready: true })];
  const after = pictureView(pictureOf({ members }), "bo", whole);
  expect(after.members[0]).toBe(whole.members[0]);
  expect(after.members[1]).toMatchObject({ ready: true, isSelf: true });
});

test("a server that tells no ids is followed by names", () => {
  const joined = viewAfter(plain, heard("lobby_peerConnect", { lobbyId, peerName: "cy" } as never)).view;
  expect(told(plain, joined)).toEqual([["joined", "cy"]]);
  const left = viewAfter(joined, heard("lobby_peerDisconnect", { ...cy, clientId: "somebody's" })).view;
  expect(left.members.map(({ name }) => name)).toEqual(["ada", "bo"]);
  expect(left.members[1]).toMatchObject({ clientId: "bo-id", isSelf: true });
});

/** A lobby as its server has it, and what it says of each step. */
function server() {
  let picture = pictureOf();
  const next = () => picture.version + 1;
  const steps: ((id: string) => HeardMessage | null)[] = [
    (id) => {
      if (picture.members.some(({ clientId }) => clientId === id)) return null;
      const version = next();
      picture = { ...picture, version, members: [...picture.members, member(id)] };
      return heard("lobby_peerConnect", { lobbyId, peerName: id, clientId: id, version });
    },
    (id) => {
      // Bo is who looks.
      const mayGo = id !== picture.hostId && id !== "bo";
      if (!mayGo || !picture.members.some(({ clientId }) => clientId === id)) return null;
      const version = next();
      picture = { ...picture, version, members: picture.members.filter(({ clientId }) => clientId !== id) };
      return heard("lobby_peerDisconnect", { lobbyId, peerName: id, clientId: id, version });
    },
    (id) => {
      const before = picture.members.find(({ clientId }) => clientId === id);
      if (!before) return null;
      const isBack = before.presence === "away";
      const after = { ...before, presence: isBack ? ("connected" as const) : ("away" as const) };
      const version = next();
      const members = picture.members.map((one) => (one === before ? after : one));
      picture = { ...picture, version, members };
      const about = { lobbyId, peerName: id, clientId: id, version };
      return isBack ? heard("lobby_memberBack", about) : heard("lobby_memberAway", { ...about, until: 1 });
    },
    (id) => {
      if (id === picture.hostId || !picture.members.some(({ clientId }) => clientId === id)) return null;
      const version = next();
      picture = { ...picture, version, hostId: id, term: picture.term + 1 };
      return heard("lobby_hostChanged", { lobbyId, host: id, clientId: id, version, term: picture.term });
    },
    (id) => {
      picture = { ...picture, version: next(), data: { ...picture.data, [id]: picture.version } };
      return heard("lobby_changed", {
        lobbyId,
        version: picture.version,
        data: { [id]: picture.version - 1 },
      });
    },
    (id) => {
      const before = picture.members.find(({ clientId }) => clientId === id);
      if (!before) return null;
      const version = next();
      const data = { ...before.data, round: version };
      const members = picture.members.map((one) => (one === before ? { ...one, data } : one));
      picture = { ...picture, version, members };
      return heard("lobby_memberChanged", { lobbyId, clientId: id, version, data: { round: version } });
    },
  ];
  return {
    step: (kind: number, id: string) => steps[kind % steps.length]?.(id) ?? null,
    look: () => picture,
  };
}

test("whatever comes before, during and after a picture, the view ends as the server's lobby is, and was told step by step", async () => {
  const ids = fc.constantFrom("ada", "bo", "cy", "di");
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("step" as const), kind: fc.nat(5), id: ids }) },
    // The messages are late: they come after the picture, or after its answer.
    { weight: 2, arbitrary: fc.record({ do: fc.constant("deliver" as const), count: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), which: fc.nat(6) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("answer" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("refresh" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const lobby = server();
      const onTheWay: HeardMessage[] = [];
      const questions: (() => void)[] = [];
      const events: SessionEvent[] = [];
      const mirror = new Mirror({
        view: whole,
        clientId: "bo",
        ask: () => {
          // The server looks at once; its answer takes a while.
          const picture = lobby.look();
          return new Promise((resolve) => questions.push(() => resolve(picture)));
        },
        tell: (event) => events.push(event),
      });
      const deliver = (count: number) => {
        for (const message of onTheWay.splice(0, count)) mirror.hear(message);
      };
      const answerAll = async () => {
        for (const answer of questions.splice(0)) answer();
        await new Promise((resolve) => setImmediate(resolve));
      };
      for (const action of actions) {
        if (action.do === "step") {
          const message = lobby.step(action.kind, action.id);
          if (message) onTheWay.push(message);
        } else if (action.do === "deliver") deliver(action.count);
        else if (action.do === "lose") {
          // The next version shows that it is missing.
          onTheWay.splice(action.which, 1);
        } else if (action.do === "answer") await answerAll();
        else void mirror.refresh();
      }
      // The last change shows whatever was missed before.
      const last = lobby.step(4, "last");
      if (last) onTheWay.push(last);
      deliver(Number.POSITIVE_INFINITY);
      await answerAll();
      deliver(Number.POSITIVE_INFINITY);
      while (questions.length > 0) await answerAll();
      const now = pictureView(lobby.look(), "bo");
      expect(mirror.view).toEqual({ ...now, isPlaying: mirror.view.isPlaying });
      // Who follows the events alone knows the same members.
      const followed = new Set(whole.members.map(({ clientId }) => clientId));
      for (const event of events) {
        if (event.kind === "joined") {
          expect(followed).not.toContain(event.member.clientId);
          followed.add(event.member.clientId);
        }
        if (event.kind === "left") expect(followed.delete(event.member.clientId)).toBe(true);
      }
      expect([...followed].sort()).toEqual(now.members.map(({ clientId }) => clientId).sort());
    }),
    { numRuns: 300 },
  );
});
