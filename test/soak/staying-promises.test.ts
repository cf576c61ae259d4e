/**
 * That each check of lobbies in which people stay fires, and fires alone: small histories with one broken promise each, and beside
 * each the same without it.
 */
import { expect, test } from "vitest";
import { lobbiesOf } from "../../measure/kit/ledger.ts";
import { membershipsOf } from "../../measure/kit/memberships.ts";
import { newcomers, type Player } from "../../measure/kit/player.ts";
import { watch } from "../../measure/kit/promises.ts";
import { accountOfStaying, isStaying, strangeWords } from "../../measure/kit/staying-promises.ts";
import { code, HandMadeLobby, type Seat } from "./hand-made-lobby.ts";

type Judged = { broken: string[]; owed: string[] };

function judged({ players }: HandMadeLobby, mayLose = false): Judged {
  const read = players.map(membershipsOf);
  const broken = [
    ...read.flatMap(({ violations }) => violations),
    ...players.flatMap(strangeWords),
    ...lobbiesOf(read.flatMap(({ memberships }) => memberships)).broken,
  ];
  const { lobbies } = lobbiesOf(read.flatMap(({ memberships }) => memberships));
  expect(lobbies.filter(isStaying)).toHaveLength(1);
  const accounts = lobbies.map((lobby) => accountOfStaying(lobby, { mayLose }));
  const sentences = (some: { sentence: string }[]) => some.map(({ sentence }) => sentence);
  return {
    broken: [...sentences(broken), ...accounts.flatMap((each) => sentences(each.broken))],
    owed: accounts.flatMap((each) => sentences(each.owed)),
  };
}

const clean: Judged = { broken: [], owed: [] };

/** The sentences that do not have the key part, and whether any has. */
function ofKind(sentences: readonly string[], key: RegExp): { fires: boolean; others: string[] } {
  return {
    fires: sentences.some((one) => key.test(one)),
    others: sentences.filter((one) => !key.test(one)),
  };
}

type History = (lobby: HandMadeLobby, isFaulty: boolean) => void;
/** The host, who is there from the beginning, and one who joins. */
function two(lobby: HandMadeLobby, wish: { plain?: boolean; holder?: string } = {}): [Seat, Seat] {
  return [lobby.opens("Ada"), lobby.joins("Bo", wish)];
}

const lastOf = <T>(all: readonly T[]): T => {
  const last = all.at(-1);
  if (last === undefined) throw new Error("nothing has happened");
  return last;
};

/** The picture of the lobby that this player was answered last, to be spoilt. */
function pictureFor({ story }: Player): Record<string, unknown> & { members: Record<string, unknown>[] } {
  const answers = story.flatMap((entry) => (entry.kind === "answered" && entry.body ? [entry.body] : []));
  const body = lastOf(answers);
  return Object(body.lobby ?? body);
}

const broken: [promise: string, key: RegExp, history: History][] = [
  // What each hears, by its version.
  [
    "each change has a version",
    /without a version/,
    (lobby, isFaulty) => {
      const seats = two(lobby);
      lobby.changes({}, { map: "ice" });
      if (isFaulty) for (const { player } of seats) delete lastOf(player.heard).payload.version;
    },
  ],
  [
    "no version is heard twice",
    /heard version 2 after 2/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.changes({}, { map: "ice" });
      if (isFaulty) lobby.repeats("lobby_changed", { data: { map: "ice" } }, [bo]);
    },
  ],
  [
    "no version is missing",
    /heard version 3 after 1/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.tells("lobby_changed", { data: { map: "ice" } }, isFaulty ? [ada] : [ada, bo]);
      lobby.tells("lobby_changed", { data: { map: "ice" } });
    },
  ],
  [
    "no version is skipped for all",
    /heard version 3 after 1/,
    (lobby, isFaulty) => {
      two(lobby);
      if (isFaulty) lobby.version += 1;
      lobby.changes({}, { map: "ice" });
    },
  ],
  [
    "all hear the same of a version",
    /heard "lobby_changed.*where others heard "lobby_changed/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.changes({}, { map: "ice" });
      if (isFaulty) lastOf(bo.player.heard).payload.data = { map: "dust" };
    },
  ],
  [
    "chat does not come before the change after which it was said",
    /heard chat of 3 after 2/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.changes({}, { map: "dust" });
      lobby.says(ada.player, "lobby_messaging_send", { lobbyId: code, message: "there" });
      lobby.tells("lobby_changed", { data: { map: "ice" } }, isFaulty ? [ada] : [ada, bo]);
      lobby.hearChat(ada, "there");
      if (isFaulty) lobby.repeats("lobby_changed", { data: { map: "ice" } }, [bo]);
    },
  ],
  [
    "chat is not the first to tell of a version that was missed",
    /heard chat of 2 after 1/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.tells("lobby_changed", { data: { map: "ice" } }, isFaulty ? [ada] : [ada, bo]);
      lobby.chats(ada, "there");
      lobby.leaves(bo);
    },
  ],
  [
    "chat does not come after a change before which it was said",
    /heard chat of 1 after 2/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.says(ada.player, "lobby_messaging_send", { lobbyId: code, message: "there" });
      lobby.hearChat(ada, "there", isFaulty ? [ada] : [ada, bo]);
      lobby.changes({}, { map: "ice" });
      lobby.version -= 1;
      if (isFaulty) lobby.hearChat(ada, "there", [bo]);
      lobby.version += 1;
    },
  ],
  [
    "all hear the chat of a version in one order",
    /heard "lobby_messaging.*where others heard "lobby_messaging/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.says(ada.player, "lobby_messaging_send", { lobbyId: code, message: "one" });
      lobby.says(bo.player, "lobby_messaging_send", { lobbyId: code, message: "two" });
      lobby.hearChat(bo, "two", isFaulty ? [bo] : []);
      lobby.hearChat(ada, "one");
      lobby.hearChat(bo, "two", isFaulty ? [ada] : [ada, bo]);
    },
  ],

  // What may come in which state.
  [
    "nobody joins who is there",
    /joined, who was there already/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      if (isFaulty) lobby.tells("lobby_peerConnect", { peerName: "Bo", clientId: bo.member.clientId });
    },
  ],
  [
    "nobody leaves who is not there",
    /left, who was not there/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.leaves(bo);
      if (isFaulty) lobby.tells("lobby_peerDisconnect", { peerName: "Bo", clientId: bo.member.clientId });
    },
  ],
  [
    "nobody is away who is away already",
    /is away, who was away or not there/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      const { clientId } = bo.member;
      lobby.goesAway(bo);
      if (isFaulty) lobby.tells("lobby_memberAway", { peerName: "Bo", clientId, until: 0 });
      lobby.comesBack(bo);
    },
  ],
  [
    "nobody is away who is not there",
    /is away, who was away or not there/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      const { clientId } = bo.member;
      lobby.leaves(bo);
      if (isFaulty) lobby.tells("lobby_memberAway", { peerName: "Bo", clientId, until: 0 });
    },
  ],
  [
    "nobody is back who was not away",
    /is back, who was not away/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      if (isFaulty) lobby.tells("lobby_memberBack", { peerName: "Bo", clientId: bo.member.clientId });
    },
  ],
  [
    "each host has the next term",
    /term 3 came after 1/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      if (isFaulty) lobby.term += 1;
      lobby.follows(bo);
    },
  ],
  [
    "nobody becomes host who is not there",
    /became host, who is not there/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.leaves(bo);
      lobby.follows(isFaulty ? bo : ada);
    },
  ],
  [
    "nobody changes who is not there",
    /changed something, who is not there/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.leaves(bo);
      if (isFaulty)
        lobby.tells("lobby_memberChanged", { clientId: bo.member.clientId, data: { ready: true } });
    },
  ],

  // What must hold in each state.
  [
    "nobody is in beyond the limit",
    /there were 2 members and room for 1/,
    (lobby, isFaulty) => {
      if (isFaulty) lobby.maxMembers = 1;
      two(lobby);
    },
  ],
  [
    "no two have one name",
    /two had one name/,
    (lobby, isFaulty) => {
      two(lobby);
      lobby.joins(isFaulty ? "Bo" : "Cy", { clientId: "id-Cy" });
    },
  ],
  [
    "nobody is in twice",
    /one was in twice/,
    (lobby, isFaulty) => {
      const { player } = lobby.opens("Ada");
      const { members } = pictureFor(player);
      if (isFaulty) members.push({ ...lastOf(members), name: "Cy" });
      lobby.loses(player);
    },
  ],
  [
    "another host follows before anything else happens",
    /the host was gone, and lobby_peerConnect came before another one/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.leaves(ada);
      if (!isFaulty) lobby.follows(bo);
      lobby.joins("Cy");
      if (isFaulty) lobby.follows(bo);
    },
  ],
  [
    "terms do not go back while nobody looks",
    /term 1 came after 2/,
    (lobby, isFaulty) => {
      lobby.term = 2;
      const ada = lobby.opens("Ada");
      lobby.goesAway(ada);
      if (isFaulty) lobby.term = 1;
      lobby.comesBack(ada);
    },
  ],
  [
    "names do not change while nobody looks",
    /Ada was called Eve later/,
    (lobby, isFaulty) => {
      const ada = lobby.opens("Ada");
      lobby.goesAway(ada);
      if (isFaulty) lobby.members = lobby.members.map((one) => ({ ...one, name: "Eve" }));
      lobby.comesBack(ada);
    },
  ],
  [
    "a term has one host",
    /term 1 had two hosts/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.goesAway(bo);
      lobby.goesAway(ada);
      lobby.version += 1;
      lobby.hostId = bo.member.clientId;
      if (!isFaulty) lobby.term += 1;
      lobby.comesBack(ada);
      lobby.comesBack(bo);
    },
  ],
  [
    "a plain client never leads",
    /a plain client was host of term 2/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby, { plain: isFaulty });
      lobby.follows(bo);
    },
  ],
  [
    "nobody who is away follows a host while others are connected",
    /became host, who is away/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      const cy = lobby.joins("Cy");
      lobby.goesAway(bo);
      lobby.leaves(ada);
      lobby.follows(isFaulty ? bo : cy);
      lobby.comesBack(bo);
    },
  ],

  // Mediations.
  [
    "nobody is introduced who was not asked for a datagram",
    /is introduced when none/,
    (lobby, isFaulty) => {
      const [, { player }] = two(lobby);
      if (!isFaulty) lobby.hears(player, "ptpMediation_send");
      lobby.hears(player, "ptpMediation_peersConnection_start");
    },
  ],
  [
    "nobody is introduced twice",
    /is introduced when connecting/,
    (lobby, isFaulty) => {
      const [, { player }] = two(lobby);
      lobby.hears(player, "ptpMediation_send");
      lobby.hears(player, "ptpMediation_peersConnection_start");
      if (isFaulty) lobby.hears(player, "ptpMediation_peersConnection_start");
    },
  ],
  [
    "nobody succeeds who was not introduced",
    /is told of a success when gathering/,
    (lobby, isFaulty) => {
      const [, { player }] = two(lobby);
      lobby.hears(player, "ptpMediation_send");
      if (!isFaulty) lobby.hears(player, "ptpMediation_peersConnection_start");
      lobby.hears(player, "ptpMediation_success");
    },
  ],
  [
    "a success is told once",
    /is told of a success when none/,
    (lobby, isFaulty) => {
      const [, { player }] = two(lobby);
      lobby.hears(player, "ptpMediation_send");
      lobby.hears(player, "ptpMediation_peersConnection_start");
      lobby.hears(player, "ptpMediation_success");
      if (isFaulty) lobby.hears(player, "ptpMediation_success");
    },
  ],
  [
    "nobody hears of an abort of nothing",
    /is told of an abort when nothing is under way/,
    (lobby, isFaulty) => {
      const [, { player }] = two(lobby);
      if (!isFaulty) lobby.hears(player, "ptpMediation_send");
      lobby.hears(player, "ptpMediation_aborted", { code: "endpoints_timeout" });
    },
  ],

  // Chat.
  [
    "own chat is heard once",
    /heard its own "hello"/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.chats(bo, "hello");
      if (isFaulty) lobby.hearChat(bo, "hello");
    },
  ],
  [
    "own chat is heard in order",
    /heard its own "one"/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      for (const message of ["one", "two"])
        lobby.says(bo.player, "lobby_messaging_send", { lobbyId: code, message });
      for (const text of isFaulty ? ["two", "one"] : ["one", "two"]) lobby.hearChat(bo, text);
    },
  ],
  [
    "nobody hears its own chat that it has not said",
    /heard its own "hello"/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      if (isFaulty) lobby.hearChat(bo, "hello");
      else lobby.chats(bo, "hello");
    },
  ],

  [
    "own chat is not heard again by the next connection",
    /heard its own "hello"/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.chats(bo, "hello");
      lobby.goesAway(bo);
      const back = lobby.comesBack(bo);
      if (isFaulty) lobby.hearChat(back, "hello");
    },
  ],

  // Plain clients.
  [
    "a plain client that is still there has heard a part of what others heard",
    /a plain client, heard .* no part of what others heard/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby, { plain: true });
      lobby.joins("Cy");
      lobby.joins("Di");
      if (isFaulty) bo.player.story.splice(-1, 1);
      lobby.joins("Ed");
    },
  ],
  [
    "a plain client is not told versions of chat",
    /is a plain client and heard lobby_messaging_received/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby, { plain: true });
      lobby.chats(ada, "hello");
      if (isFaulty) lastOf(bo.player.heard).payload.version = 1;
    },
  ],
  [
    "a plain client that has left had heard a part of what others heard",
    /a plain client, heard .* no part of what others heard/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby, { plain: true });
      lobby.joins("Cy");
      const di = lobby.connects("id-Di");
      const nr = lobby.asks(di, `/lobbies/${code}/join`, { peerName: "Di" });
      if (isFaulty) lobby.present = lobby.present.filter((seat) => seat !== bo);
      lobby.letsIn(di, nr, "Di");
      if (isFaulty) lobby.present = [...lobby.present, bo];
      lobby.joins("Ed");
      lobby.leaves(bo);
      lobby.now += 3_000;
      lobby.chats(ada, "still here");
    },
  ],
  [
    "a plain client hears nothing more of who comes",
    /is a plain client and heard lobby_peerConnect/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby, { plain: true });
      lobby.joins("Cy");
      if (isFaulty) lastOf(bo.player.heard).payload.clientId = "id-Cy";
    },
  ],

  // Signals.
  [
    "the server says whom a signal is from",
    /a signal of id-Cy came from id-Ada/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.signals(ada, bo, 1, isFaulty ? { by: "id-Cy" } : {});
    },
  ],
  [
    "a signal comes to nobody else",
    /a signal for id-Cy came to id-Bo/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.signals(ada, bo, 1, isFaulty ? { to: "id-Cy" } : {});
    },
  ],
  [
    "a signal comes once",
    /signal 1 of id-Ada came after 1/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.signals(ada, bo, 1);
      lobby.signals(ada, bo, isFaulty ? 1 : 2);
    },
  ],
  [
    "signals come in order, also by another connection",
    /signal 1 of id-Ada came after 2/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.signals(ada, bo, isFaulty ? 2 : 1);
      lobby.goesAway(bo);
      lobby.signals(ada, lobby.comesBack(bo), isFaulty ? 1 : 2);
    },
  ],

  // What a host does.
  [
    "nobody who is banned joins again",
    /got in, and is banned/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.removes(ada, bo, { ban: isFaulty });
      lobby.joins("Bo", { player: bo.player });
    },
  ],
  [
    "nobody who is banned comes back",
    /got in, and is banned/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.goesAway(bo);
      const { clientId } = bo.member;
      if (isFaulty) lobby.does(ada, `/lobbies/${code}/kick`, { clientId, ban: true });
      lobby.comesBack(bo);
    },
  ],
  [
    "nobody acts as another term's host",
    /as host of term 1, which id-Ada was/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.does(isFaulty ? bo : ada, `/lobbies/${code}/ptp/start`, { term: 1 });
    },
  ],
  [
    "nobody acts as host when its term is over",
    /in term 1, which was over/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      if (!isFaulty) lobby.does(ada, `/lobbies/${code}/ptp/start`, { term: 1 });
      lobby.follows(bo);
      if (isFaulty) lobby.does(ada, `/lobbies/${code}/ptp/start`, { term: 1 });
      lobby.does(bo, `/lobbies/${code}/ptp/start`, { term: 2 });
    },
  ],
  [
    "a snapshot that is read was written",
    /read snapshot "1", which nobody wrote/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.writes(ada, "chess", 1);
      lobby.reads(bo, isFaulty ? "go" : "chess", 1);
    },
  ],
  [
    "a snapshot has one version",
    /the snapshot of version 1 was read as 2/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.writes(ada, "chess", 1);
      lobby.reads(bo, "chess", isFaulty ? 2 : 1);
    },
  ],
  [
    "a snapshot that lasts is not lost",
    /snapshot 1 was read, and 2 was said to last/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.writes(ada, "chess", 1);
      lobby.writes(ada, "go", 2, isFaulty);
      lobby.reads(bo, "chess", 1);
    },
  ],
  [
    "who is removed hears so",
    /was removed, and heard that the lobby is closed/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.removes(ada, bo, { last: isFaulty ? "lobby_closed" : "lobby_kicked" });
    },
  ],
];

/** The history is clean, and with its fault the judge finds that alone. */
function isFoundAlone(kind: "broken" | "owed", key: RegExp, history: History): void {
  const lobby = new HandMadeLobby();
  history(lobby, false);
  expect(judged(lobby)).toEqual(clean);

  const faulty = new HandMadeLobby();
  history(faulty, true);
  const found = judged(faulty);
  expect(ofKind(found[kind], key)).toEqual({ fires: true, others: [] });
  expect(found[kind === "broken" ? "owed" : "broken"]).toEqual([]);
}

test.each(broken)("%s", (_, key, history) => isFoundAlone("broken", key, history));

const owed: [promise: string, key: RegExp, history: History][] = [
  [
    "all hear the newest change",
    /has not heard "lobby_changed/,
    (lobby, isFaulty) => {
      const [ada, bo] = two(lobby);
      lobby.tells("lobby_changed", { data: { map: "ice" } }, isFaulty ? [ada] : [ada, bo]);
    },
  ],
  [
    "all hear who is gone",
    /members were told of Ada,Bo, and connected are Ada/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      if (isFaulty) lobby.loses(bo.player);
      else lobby.leaves(bo);
    },
  ],
  [
    "who is gone hears so",
    /members were told of Ada, and connected are Ada .*Bo|Bo .* has not heard "lobby_peerDisconnect/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      lobby.isGone(bo);
      if (!isFaulty) lobby.hears(bo.player, "lobby_closed", { lobbyId: code });
      lobby.tells("lobby_peerDisconnect", { peerName: "Bo", clientId: bo.member.clientId });
    },
  ],
  [
    "all hear their own chat",
    /has not heard all of its own chat/,
    (lobby, isFaulty) => {
      const [, bo] = two(lobby);
      if (isFaulty) lobby.says(bo.player, "lobby_messaging_send", { lobbyId: code, message: "hello" });
      else lobby.chats(bo, "hello");
    },
  ],
];

test.each(owed)("in the end %s", (_, key, history) => isFoundAlone("owed", key, history));

/** What a picture may be wrong in, and something else than what it should be. */
const spoilt: Record<string, unknown> = {
  term: 2,
  hostId: "id-Bo",
  lobbyName: "Coffee",
  isPublic: true,
  maxMembers: 7,
  locked: true,
  hasPassword: true,
  data: { map: "dust" },
  members: [],
};

test.each(Object.entries(spoilt))("each picture agrees with what was told until then: %s", (key, value) => {
  for (const how of ["joining", "looking", "coming back"]) {
    const lobby = new HandMadeLobby();
    const [, bo] = two(lobby);
    lobby.changes({}, { map: "ice" });
    if (how === "looking") lobby.looks(bo);
    if (how === "joining") lobby.joins("Cy");
    if (how === "coming back") {
      lobby.goesAway(bo);
      lobby.comesBack(bo);
    }
    expect(judged(lobby)).toEqual(clean);
    const { player } = how === "looking" ? bo : lastOf(lobby.present);
    pictureFor(player)[key] = value;
    const { broken, owed } = judged(lobby);
    expect(ofKind(broken, new RegExp(`was told at \\d ${key} `))).toEqual({ fires: true, others: [] });
    expect(owed).toEqual([]);
  }
});

/** What no plain client is told. */
const added = [
  "lobby_memberAway",
  "lobby_memberBack",
  "lobby_hostChanged",
  "lobby_changed",
  "lobby_memberChanged",
  "lobby_kicked",
  "lobby_resumedElsewhere",
  "lobby_resumeRefused",
  "lobby_signal",
  "lobby_signalFailed",
  "ptpMediation_progress",
];

test.each(added)("a plain client does not hear %s", (method) => {
  const lobby = new HandMadeLobby();
  const plain = lobby.connects("id-Bo", { plain: true });
  const informed = lobby.connects("id-Cy");
  for (const player of [plain, informed]) lobby.hears(player, method);
  expect(strangeWords(informed)).toEqual([]);
  expect(strangeWords(plain)).toEqual([
    expect.objectContaining({ sentence: expect.stringContaining(method) }),
  ]);
});

/** Histories in which nothing is wrong, though it may look so. */
const innocent: [what: string, history: (lobby: HandMadeLobby) => void][] = [
  [
    "all that can change does, and a picture follows each change",
    (lobby) => {
      const [ada, bo] = two(lobby);
      const cy = lobby.joins("Cy");
      const changes: (() => void)[] = [
        () => lobby.changes({ lobbyName: "Coffee", title: "Coffee", isPublic: true }),
        () => lobby.changes({ locked: true, hasPassword: true }, { map: "ice", skill: 1 }),
        () => {
          lobby.maxMembers = 4;
          lobby.tells("lobby_changed", { maxMembers: 4 });
        },
        () => {
          lobby.data = { skill: 1 };
          lobby.tells("lobby_changed", { data: { map: null } });
        },
        () => {
          bo.member.data = { ready: true };
          lobby.tells("lobby_memberChanged", {
            clientId: bo.member.clientId,
            data: { ready: true, no: null },
          });
        },
        () => lobby.tells("lobby_memberChanged", { clientId: bo.member.clientId, hidden: true }),
        () => lobby.goesAway(cy),
        () => lobby.follows(bo),
        () => lobby.comesBack(cy),
        () => lobby.joins("Di"),
        () => lobby.leaves(ada),
      ];
      for (const change of changes) {
        change();
        lobby.looks(bo);
      }
    },
  ],
  [
    "a player who is matched has asked before the host of its lobby did, and writes a snapshot",
    (lobby) => {
      const player = lobby.connects("id-Bo");
      const nr = lobby.asks(player, "/lobbies/match", { peerName: "Bo" });
      const ada = lobby.opens("Ada");
      const bo = lobby.letsIn(player, nr, "Bo");
      lobby.follows(bo);
      lobby.writes(bo, "chess", 1);
      lobby.reads(ada, "chess", 1);
    },
  ],
  [
    "a return is answered with 503, and news comes before it is asked for again",
    (lobby) => {
      const [, bo] = two(lobby);
      lobby.goesAway(bo);
      const player = lobby.connects("id-Bo-again");
      const path = `/lobbies/${code}/resume`;
      const lost = lobby.asks(player, path, { resumeKey: "id-Bo.0.mac" });
      const back = lobby.isBack(bo, player, lost, 503);
      lobby.changes({}, { map: "ice" });
      const again = lobby.asks(player, path, { resumeKey: "id-Bo.0.mac" });
      lobby.changes({}, { map: "dust" });
      lobby.isAnswered(player, again, 200, lobby.welcome());
      lobby.changes({}, { map: "ice" });
      lobby.chats(back, "hello");
    },
  ],
  [
    "a join is answered with 503, and is asked for again when others have come",
    (lobby) => {
      lobby.opens("Ada");
      const player = lobby.connects("id-Bo");
      const path = `/lobbies/${code}/join`;
      const lost = lobby.asks(player, path, { peerName: "Bo" });
      lobby.letsIn(player, lost, "Bo", { status: 503 });
      const named = lobby.welcome().lobbyMembers;
      lobby.joins("Cy");
      const again = lobby.asks(player, path, { peerName: "Bo" });
      lobby.changes({}, { map: "ice" });
      lobby.isAnswered(player, again, 200, { ...lobby.welcome(), lobbyMembers: named });
      lobby.changes({}, { map: "dust" });
    },
  ],
  [
    "news and chat come before the answer whose picture has them",
    (lobby) => {
      const ada = lobby.opens("Ada");
      const player = lobby.connects("id-Bo");
      const nr = lobby.asks(player, `/lobbies/${code}/join`, { peerName: "Bo" });
      lobby.letsIn(player, nr, "Bo", { status: null });
      lobby.changes({}, { map: "ice" });
      lobby.chats(ada, "hello");
      lobby.isAnswered(player, nr, 200, lobby.welcome());
      lobby.changes({}, { map: "dust" });
    },
  ],
  [
    "a host comes back by another connection while the one before writes a snapshot",
    (lobby) => {
      const ada = lobby.opens("Ada");
      const cy = lobby.joins("Cy", { holder: "l1" });
      const put = lobby.asks(ada.player, `PUT /lobbies/${code}/snapshot`, { bytes: "chess" });
      const player = lobby.connects("id-Ada-again");
      const nr = lobby.asks(player, `/lobbies/${code}/resume`, { resumeKey: "id-Ada.0.mac" });
      lobby.hears(ada.player, "lobby_resumedElsewhere", { lobbyId: code });
      lobby.present = lobby.present.filter((seat) => seat !== ada);
      lobby.present.push({ ...ada, player });
      lobby.isAnswered(player, nr, 200, lobby.welcome());
      lobby.isAnswered(ada.player, put, 200, { version: 1, durable: true });
      lobby.loses(ada.player, 1008);
      lobby.reads(cy, "chess", 1);
      lobby.writes({ ...ada, player }, "go", 2);
      lobby.reads(cy, "go", 2);
    },
  ],
  [
    "a snapshot was written, and the answer was lost",
    (lobby) => {
      const [ada, bo] = two(lobby);
      lobby.isAnswered(
        ada.player,
        lobby.asks(ada.player, `PUT /lobbies/${code}/snapshot`, { bytes: "go" }),
        0,
      );
      lobby.reads(bo, "go", 1);
    },
  ],
  [
    "a member leaves, hears the last of it late, and joins again under another name",
    (lobby) => {
      const [ada, bo] = two(lobby);
      lobby.chats(bo, "bye");
      lobby.says(ada.player, "lobby_messaging_send", { lobbyId: code, message: "bye, Bo" });
      lobby.hearChat(ada, "bye, Bo", [ada]);
      lobby.leaves(bo);
      lobby.version -= 1;
      lobby.hearChat(ada, "bye, Bo", [bo]);
      lobby.version += 1;
      lobby.chats(lobby.joins("Bob", { player: bo.player }), "back");
    },
  ],
  [
    "a member is away, loses its place, and joins again",
    (lobby) => {
      const [, bo] = two(lobby);
      lobby.goesAway(bo);
      lobby.isGone(bo);
      lobby.tells("lobby_peerDisconnect", { peerName: "Bo", clientId: bo.member.clientId });
      lobby.joins("Bo", { clientId: "id-Bo-2" });
    },
  ],
  [
    "a member is banned, the ban is lifted, and it joins again",
    (lobby) => {
      const [ada, bo] = two(lobby);
      lobby.removes(ada, bo, { ban: true });
      lobby.does(ada, `DELETE /lobbies/${code}/bans/${bo.member.clientId}`);
      lobby.joins("Bo", { player: bo.player });
    },
  ],
  [
    "a host asked something before another followed it, and is answered after that",
    (lobby) => {
      const [ada, bo] = two(lobby);
      const nr = lobby.asks(ada.player, `/lobbies/${code}/ptp/start`, { term: 1 });
      lobby.follows(bo);
      lobby.isAnswered(ada.player, nr);
    },
  ],
  [
    "a plain client heard just now what others have not heard yet",
    (lobby) => {
      lobby.now = Date.now() - 3_000;
      const [, bo] = two(lobby, { plain: true });
      lobby.joins("Cy");
      lobby.hears(bo.player, "lobby_peerConnect", { lobbyId: code, peerName: "Di" });
    },
  ],
  [
    "the host is forgotten, and what it wrote is read",
    (lobby) => {
      const [ada, bo] = two(lobby);
      lobby.writes(ada, "chess", 1);
      lobby.follows(bo);
      lobby.leaves(ada);
      lobby.joins("Cy");
      lobby.reads(bo, "chess", 1);
      lobby.players.splice(0, 1);
    },
  ],
];

test.each(innocent)("%s: nothing is broken", (_, history) => {
  const lobby = new HandMadeLobby();
  history(lobby);
  expect(judged(lobby)).toEqual(clean);
});

/** What may be lost on the way to a member that another object holds, when objects end: Bo's. */
const losses: [what: string, history: (lobby: HandMadeLobby, wish: { holder?: string }) => void][] = [
  [
    "a change",
    (lobby, wish) => {
      const [ada] = two(lobby, wish);
      lobby.tells("lobby_changed", { data: { map: "ice" } }, [ada]);
      lobby.changes({}, { map: "dust" });
    },
  ],
  [
    "a change, as the next chat shows",
    (lobby, wish) => {
      const [ada, bo] = two(lobby, wish);
      lobby.tells("lobby_changed", { data: { map: "ice" } }, [ada]);
      lobby.chats(ada, "hello");
      lobby.leaves(bo);
    },
  ],
  [
    "that it is asked for a datagram",
    (lobby, wish) => {
      const [, { player }] = two(lobby, wish);
      lobby.hears(player, "ptpMediation_aborted", { code: "endpoints_timeout" });
    },
  ],
  [
    "that it is removed",
    (lobby, wish) => {
      const [ada, bo] = two(lobby, wish);
      lobby.removes(ada, bo, { last: "lobby_closed" });
    },
  ],
  [
    "a newcomer, of whom a plain client hears",
    (lobby, wish) => {
      two(lobby, { ...wish, plain: true });
      const bo = lastOf(lobby.present);
      lobby.joins("Cy");
      lobby.joins("Di");
      bo.player.story.splice(-1, 1);
      lobby.joins("Ed");
    },
  ],
];

test.each(losses)("%s may be lost on the way to another object, and to no member here", (_, history) => {
  const there = new HandMadeLobby();
  history(there, { holder: "l1" });
  expect(judged(there, true)).toEqual(clean);
  expect(judged(there, false).broken).toHaveLength(1);

  const here = new HandMadeLobby();
  history(here, {});
  expect(judged(here, true).broken).toHaveLength(1);
});

test("what is lost on the way to another object is asked for: without that, it is owed", () => {
  const lobby = new HandMadeLobby();
  const [ada, bo] = two(lobby, { holder: "l1" });
  lobby.tells("lobby_changed", { data: { map: "ice" } }, [ada]);
  lobby.data = { map: "ice" };
  expect(judged(lobby, true).owed).toEqual([expect.stringContaining("has not heard")]);
  lobby.looks(bo);
  expect(judged(lobby, true)).toEqual(clean);
});

test("nobody is forgotten whose lobby goes on, and then all are", () => {
  const lobby = new HandMadeLobby();
  const [ada, bo] = two(lobby);
  const watcher = watch(ada.player.base, { mayLose: true });
  for (const meet of newcomers) for (const player of lobby.players) meet(player);
  lobby.writes(ada, "chess", 1);
  lobby.follows(bo);
  lobby.leaves(ada);
  lobby.loses(ada.player);
  watcher.forgetTheGone();
  expect(watcher.players).toEqual([ada.player, bo.player]);
  lobby.reads(bo, "chess", 1);
  expect(watcher.broken()).toEqual([]);
  lobby.reads(bo, "go", 1);
  expect(watcher.broken()).toEqual([
    expect.objectContaining({ sentence: expect.stringContaining("nobody wrote") }),
  ]);
  lobby.loses(bo.player);
  watcher.forgetTheGone();
  expect(watcher.players).toEqual([]);
  watcher.stop();
});
