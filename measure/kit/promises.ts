/**
 * What the service promises (docs/promises.md), checked from outside: a watcher that is given all players of a server,
 * with everything they heard, said and were answered, and the directory's answers.
 */
import { setTimeout as pass } from "node:timers/promises";
import { type Account, account, type Lobby, lobbiesOf } from "./ledger.ts";
import { mediationSince } from "./mediation-promises.ts";
import { type Membership, membershipsOf, type Violation } from "./memberships.ts";
import { type Answer, newcomers, Player, request } from "./player.ts";
import { accountOfStaying, isStaying, strangeWords } from "./staying-promises.ts";
import { lineOf } from "./story.ts";
import { deadTokens, leakedTokens } from "./token-promises.ts";

export type { Violation } from "./memberships.ts";

export type Watch = {
  readonly players: readonly Player[];
  /** What can never become right any more. */
  broken(): Violation[];
  /** Asks the directory, and keeps its answer. */
  list(): Promise<Listed[]>;
  /**
   * To be called when no fault is on any more, and nobody begins anything. Every lobby is spoken in, and everything
   * that is still owed must come within the time given; then nothing may be broken. Throws the sentences of all
   * violations, with the stories of the players concerned.
   */
  settles(wish?: { withinMs?: number; mayLoseChat?: boolean }): Promise<void>;
  /** Lets go of those who are gone, if all whom they met are too, after a look for what is broken. For long runs. */
  forgetTheGone(): void;
  /** Meets nobody new any more. */
  stop(): void;
};

export type Listed = { id: string; name: string; currentMembers: number; maxMembers: number };

export type WatchOptions = {
  /** Milliseconds after which a mediation must have ended: all its deadlines together. Without, they are not checked. */
  mediationMs?: number;
  /** Milliseconds by which the server may be late with that, busy as it is. */
  slackMs?: number;
  /** Whether objects end and calls fail for good: then something may be lost on its way to an object (docs/promises.md). */
  mayLose?: boolean;
};

/** Watches all players that connect to this server from now on. Of any of these URLs: a server may be behind a cable. */
export function watch(bases: URL | readonly URL[], options: WatchOptions = {}): Watch {
  const origins = new Set([bases].flat().map(({ origin }) => origin));
  const [base] = [bases].flat();
  if (!base) throw new Error("there is no server to watch");
  const players: Player[] = [];
  const lists: Listed[][] = [];
  const meet = (player: Player) => {
    if (origins.has(player.base.origin)) players.push(player);
  };
  newcomers.add(meet);

  /** Milliseconds that the server needed to answer, at most. Its alarms are as late, several of them in a mediation. */
  let slowestMs = 0;
  const list = async () => {
    const asked = Date.now();
    const { body } = await request(base, "/lobbies");
    slowestMs = Math.max(slowestMs, Date.now() - asked);
    const lobbies = Array.isArray(body?.lobbies) ? body.lobbies : [];
    lists.push(lobbies);
    return lobbies;
  };
  const judged = () => {
    const { slackMs = 15_000 } = options;
    return { ...options, slackMs: slackMs + alarmsInARow * slowestMs };
  };
  const broken = () => [...look(players, lists, judged()).broken, ...leakedTokens(players)];

  return {
    players,
    broken,
    list,
    settles: async ({ withinMs = 20_000, mayLoseChat = false } = {}) => {
      const inspector = await Player.connect(base);
      const deadline = Date.now() + withinMs;
      let owed: Violation[] = [];
      do {
        speak(players);
        for (let i = 0; i < 20; i++) {
          owed = look(players, [], options).owed.filter(
            ({ sentence }) => !(mayLoseChat && sentence.includes("its own chat")),
          );
          if (owed.length === 0) break;
          await pass(50);
        }
        if (owed.length === 0) owed = await inspect(players, await list(), inspector);
      } while (owed.length > 0 && Date.now() < deadline);
      await inspector.leave();
      const violations = [...broken(), ...owed, ...(await deadTokens(players))];
      if (violations.length > 0) throw new Error(reportOf(violations));
    },
    forgetTheGone: () => {
      const gone = goneOf(players);
      players.splice(0, players.length, ...players.filter((player) => !gone.has(player)));
      // A list is judged by the lobbies that are known: those of the gone are not any more.
      lists.length = 0;
    },
    stop: () => newcomers.delete(meet),
  };
}

/** Those whose sockets are closed, and who were in no lobby that anybody is still in. */
function goneOf(players: readonly Player[]): Set<Player> {
  const lobbies = new Map(players.map((player) => [player, membershipsOf(player).memberships]));
  // Members of a lobby that was left a moment ago may come back.
  const isOn = ({ end }: Membership) => !end || end.at > Date.now() - mayComeBackMs;
  const all = [...lobbies.values()].flat();
  const live = new Set(all.flatMap((each) => (isOn(each) ? [each.lobbyId] : [])));
  return new Set(
    players.filter(
      (player) =>
        player.story.some(({ kind }) => kind === "closed") &&
        !lobbies.get(player)?.some(({ lobbyId }) => live.has(lobbyId)),
    ),
  );
}

/** Of a mediation: those that look for a sidecar, for who is late, for the next phase, and for its end. */
const alarmsInARow = 4;

/** That a lobby has lost all its members it may learn late. */
const mayComeBackMs = 40_000;

/** The violations' sentences, each once, and the last that the players concerned have lived through. */
export function reportOf(violations: readonly Violation[], lines = 40): string {
  const sentences = [...new Set(violations.map(({ sentence }) => sentence))];
  const concerned = [...new Set(violations.flatMap(({ players }) => players))].slice(0, 6);
  const began = Math.min(...concerned.map(({ story }) => story[0]?.at ?? Date.now()));
  const stories = concerned.map(({ clientId, holder, story }) => {
    const told = story.slice(-lines).map((entry) => `  ${lineOf(entry, began)}`);
    return [`Player ${clientId} held by ${holder}:`, ...told].join("\n");
  });
  return [`${sentences.length} promises broken:`, ...sentences.slice(0, 20), ...stories].join("\n");
}

type Look = {
  broken: Violation[];
  owed: Violation[];
  /** By code, the newest last. */
  lobbies: Map<string, Account[]>;
};

function look(players: readonly Player[], lists: readonly Listed[][], options: WatchOptions): Look {
  const broken: Violation[] = [];
  const owed: Violation[] = [];
  const all: Membership[] = [];
  for (const player of players) {
    const { memberships, violations } = membershipsOf(player);
    all.push(...memberships);
    broken.push(...strangeWords(player));
    for (const { sentence } of violations)
      broken.push({ sentence: `Player ${player.clientId} ${sentence}.`, players: [player] });
    const current = memberships.filter(({ answer, end }) => answer && !end);
    if (current.length > 1) {
      const codes = current.map(({ lobbyId }) => lobbyId);
      owed.push({ sentence: `Player ${player.clientId} is in ${codes} at once.`, players: [player] });
    }
  }
  for (const membership of all) {
    broken.push(...overdue(membership, options));
    if (options.mediationMs === undefined || mediationSince(membership) === null) continue;
    const sentence = `The mediation of ${membership.lobbyId} has not ended yet.`;
    owed.push({ sentence, players: [membership.player] });
  }
  const found = lobbiesOf(all);
  broken.push(...found.broken);
  const lobbies = new Map<string, Account[]>();
  for (const lobby of found.lobbies) {
    const known = isStaying(lobby) ? accountOfStaying(lobby, options) : account(lobby);
    lobbies.set(lobby.lobbyId, [...(lobbies.get(lobby.lobbyId) ?? []), known]);
    broken.push(...known.broken);
    owed.push(...known.owed, ...orphans(lobby, known));
  }
  for (const list of lists) for (const listed of list) broken.push(...misListed(listed, lobbies));
  return { broken, owed, lobbies };
}

function overdue(membership: Membership, { mediationMs, slackMs = 0 }: WatchOptions): Violation[] {
  const since = mediationSince(membership);
  if (mediationMs === undefined || since === null || Date.now() < since + mediationMs + slackMs) return [];
  const { player, lobbyId } = membership;
  return [{ sentence: `The mediation of ${lobbyId} has not ended in its time.`, players: [player] }];
}

/** Members whose host is gone: their lobby must be closed. */
function orphans({ lobbyId, members }: Lobby, { opening, isOpen }: Account): Violation[] {
  if (!opening || isOpen || opening.isInformed) return [];
  return members
    .filter(({ answer, end }) => answer && !end)
    .map(({ answer, player }) => ({
      sentence: `${answer?.name} was not told that ${lobbyId} is closed.`,
      players: [player],
    }));
}

/** What may never be in the list, whenever it was asked for. */
function misListed(listed: Listed, lobbies: ReadonlyMap<string, Account[]>): Violation[] {
  const known = (lobbies.get(listed.id) ?? []).flatMap(({ opening }) => opening ?? []);
  // A host that knows the additions may change all of it.
  if (known.some(({ isInformed }) => isInformed)) return [];
  const isRight = known.some(
    ({ isPublic, lobbyName, maxMembers }) =>
      isPublic &&
      lobbyName === listed.name &&
      maxMembers === listed.maxMembers &&
      listed.currentMembers <= maxMembers,
  );
  if (isRight || known.length === 0) return [];
  const sentence = `The list has ${JSON.stringify(listed)}, of a lobby opened with ${JSON.stringify(known)}.`;
  return [{ sentence, players: [] }];
}

/** The list as it must be now, and codes as they must be answered: an open lobby's leads there, no other one anywhere. */
async function inspect(
  players: readonly Player[],
  list: readonly Listed[],
  inspector: Player,
): Promise<Violation[]> {
  const lobbies = Array.from(look(players, [], {}).lobbies, ([id, accounts]) => {
    return { id, known: accounts.find(({ isOpen }) => isOpen) ?? accounts.at(-1) };
  }).filter(({ known }) => known?.opening);
  const owed: Violation[] = [];
  const wrong = (sentence: string) => owed.push({ sentence, players: [] });
  for (const { id, currentMembers } of list) {
    const known = lobbies.find((lobby) => lobby.id === id)?.known;
    if (known?.isUnsure) continue;
    if (!known?.isOpen) wrong(`The list has ${id}, which is not open.`);
    else if (known.names.length !== currentMembers)
      wrong(`The list has ${id} with ${currentMembers} members, and there are ${known.names.length}.`);
    if (list.filter((other) => other.id === id).length > 1) wrong(`The list has ${id} twice.`);
  }
  for (const { id, known } of lobbies) {
    if (
      known?.isOpen &&
      !known.isUnsure &&
      known.opening?.isPublic &&
      !list.some((listed) => listed.id === id)
    )
      wrong(`The list has not ${id}, which is open and public.`);
  }
  // One whose object was reset is in the list until somebody asks for it.
  const isListed = ({ id }: { id: string }) => list.some((listed) => listed.id === id);
  const over = lobbies.filter(({ known }) => !known?.isOpen);
  const closed = [...over.filter(isListed), ...over.slice(-20)];
  const open = lobbies.filter(({ known }) => known?.isOpen).slice(-20);
  // Whoever may not start is told so, or that there is no such lobby: a question that changes nothing.
  for (const { id, known } of [...closed, ...open]) {
    const { body } = await askAgain(() => inspector.start(id));
    const isFound = !String(body?.codes).includes("no_such_lobby");
    if (isFound !== known?.isOpen)
      wrong(
        `The code ${id} is answered with ${body?.codes}, and it is ${known?.isOpen ? "open" : "closed"}.`,
      );
  }
  return owed;
}

/** Who asks about many codes is told to wait. */
async function askAgain(ask: () => Promise<Answer>): Promise<Answer> {
  for (let asked = 0; asked < 20; asked++) {
    const answer = await ask();
    if (answer.status !== 429) return answer;
    await pass(200);
  }
  return await ask();
}

let calls = 0;

/** One member of every lobby says something there: whoever is gone is missed then, and who has not heard of the end does. */
function speak(players: readonly Player[]): void {
  const spoken = new Set<string>();
  for (const player of players) {
    for (const { lobbyId, answer, end } of membershipsOf(player).memberships) {
      if (!answer || end) continue;
      // Members of a lobby whose host is gone each ask for themselves.
      const who = answer.opening ? `host ${lobbyId}` : `guest ${lobbyId} ${player.clientId}`;
      if (spoken.has(who)) continue;
      spoken.add(who);
      calls += 1;
      player.chat(lobbyId, `Still here? ${calls}`);
    }
  }
}
