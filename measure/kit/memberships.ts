/** Who was in which lobby when, read out of what the players lived through. */

import { type Picture, picture } from "../../core/wire/picture.ts";
import type { Player } from "./player.ts";
import type { Message } from "./wire.ts";
import { readBy } from "./wire.ts";

export type Heard = { at: number; message: Message };

/** One connection's time in one lobby, as its player knows it. A member that comes back has several. */
export type Membership = {
  readonly player: Player;
  readonly lobbyId: string;
  /** What the player was told when it got in, or null if it never was. */
  answer: {
    name: string;
    members: string[];
    /** A host's. */
    opening: Opening | null;
    /** The member's client id: that of the connection that joined. */
    memberId: string;
    /** What it was told of the whole lobby, if it knows the additions to Orion. */
    picture: Picture | null;
    hasResumed: boolean;
    askedAt: number;
    at: number;
  } | null;
  /** What it heard of the lobby, in order, the end included. */
  readonly heard: Heard[];
  /** The chat it sent there. */
  readonly said: { at: number; text: string }[];
  /**
   * How it ended: by `lobby_closed`, with the player's socket, because the request that began it failed, because the player asked to
   * leave, by `lobby_kicked`, or because the member has come back by another connection.
   */
  end: { how: "closed" | "socket" | "refused" | "left" | "kicked" | "elsewhere"; at: number } | null;
};

/** What a host asked for. */
export type Opening = {
  lobbyName: string;
  isPublic: boolean;
  maxMembers: number;
  goesOn: boolean;
  relayOnly: boolean;
  /** Whether its host knows the additions to Orion: then much may change. */
  isInformed: boolean;
};

/** Something that must not be, in a sentence, and whom to ask about it. */
export type Violation = { sentence: string; players: Player[] };

type Question = { nr: number; at: number; path: string; body: Record<string, unknown> };

/** Milliseconds that a frame may be seen after the HTTP answer it came before: they are two connections. */
export const skewMs = 2_000;

/** All of a player's memberships, in order, and what it should not have heard at all. */
export function membershipsOf(player: Player): { memberships: Membership[]; violations: Violation[] } {
  const memberships: Membership[] = [];
  const violations: Violation[] = [];
  const questions = new Map<number, Question>();
  let answered: (Question & { until: number })[] = [];
  let early: Heard[] = [];
  let isClosed = false;

  const wrong = (sentence: string) => violations.push({ sentence, players: [player] });
  const openIn = (lobbyId: string) => memberships.find((each) => each.lobbyId === lobbyId && !each.end);
  /** That the lobby closed for a seat before may be heard after the answer that gave the next: they are two connections. */
  const newestIn = (lobbyId: string) => memberships.findLast((each) => each.lobbyId === lobbyId && !each.end);
  const begin = (lobbyId: string): Membership => {
    const fresh: Membership = { player, lobbyId, answer: null, heard: early, said: [], end: null };
    early = [];
    memberships.push(fresh);
    return fresh;
  };
  /** Whether it is asking for a seat there, or was a moment ago: then it may hear of it without having one. */
  const isAsking = (lobbyId: string | null, at: number) =>
    [...questions.values(), ...answered.filter(({ until }) => until >= at)].some(
      ({ path }) => isEntering(path) && (lobbyId === null || isFor({ path }, lobbyId)),
    );
  /** It has just left: what was said before may still be on its way, by the other connection. */
  const justLeft = (lobbyId: string | null, at: number) =>
    memberships.findLast(
      ({ end, ...each }) =>
        end?.how === "left" && end.at + skewMs >= at && (lobbyId === null || each.lobbyId === lobbyId),
    );

  for (const entry of player.story) {
    const { at } = entry;
    switch (entry.kind) {
      case "asked":
        questions.set(entry.nr, entry);
        break;
      case "answered": {
        const question = questions.get(entry.nr);
        questions.delete(entry.nr);
        if (!question) break;
        answered = [...answered.filter(({ until }) => until >= at), { ...question, until: at + skewMs }];
        if (question.path.endsWith("/leave") && entry.status === 200) {
          const left = memberships.find((each) => isFor(question, each.lobbyId) && !each.end);
          if (left) left.end = { how: "left", at };
          break;
        }
        const seat = seatIn(player, question, entry.status, entry.body);
        if (!seat) {
          // Frames of a seat that was taken and given back again.
          for (const each of memberships)
            if (!each.answer && !each.end && isFor(question, each.lobbyId)) each.end = { how: "refused", at };
          break;
        }
        // It had come back already, and has asked again.
        if (seat.hasResumed && openIn(seat.lobbyId)?.answer) break;
        const before = memberships.findLast(
          (each) =>
            each.lobbyId === seat.lobbyId &&
            !each.answer &&
            each.end?.how !== "refused" &&
            // What is heard between two tries is of the seat that the first has taken.
            (!each.end || (each.heard[0]?.at ?? at) >= question.at),
        );
        const membership = before ?? begin(seat.lobbyId);
        membership.answer = { ...seat, askedAt: question.at, at };
        if (isClosed) membership.end ??= { how: "socket", at };
        break;
      }
      case "said": {
        const { lobbyId, message } = entry.payload;
        if (entry.method === "lobby_messaging_send")
          newestIn(String(lobbyId).toUpperCase())?.said.push({ at, text: String(message) });
        break;
      }
      case "heard": {
        const { method, payload } = entry.message;
        if (method === "client_registered") break;
        const heard = { at, message: entry.message };
        if (payload.lobbyId === undefined) {
          // The next lobby may be known already, by HTTP, when the last frames of the one before come.
          const current = memberships.find((each) => !each.end);
          const left = justLeft(null, at);
          if (current) current.heard.push(heard);
          else if (left) left.heard.push(heard);
          else if (isAsking(null, at)) early.push(heard);
          else wrong(`hears ${method} and is in no lobby`);
          break;
        }
        const lobbyId = String(payload.lobbyId);
        const left = openIn(lobbyId) ? undefined : justLeft(lobbyId, at);
        if (left && !isAsking(lobbyId, at)) {
          left.heard.push(heard);
          break;
        }
        const others = memberships.filter(
          (each) => each.lobbyId !== lobbyId && each.answer && each.heard.length > 0 && !each.end,
        );
        for (const other of others)
          wrong(`hears ${method} of ${lobbyId} while it is in ${other.lobbyId}: in two lobbies at once`);
        const isKnown = openIn(lobbyId) !== undefined;
        if (!isKnown && !isAsking(lobbyId, at))
          wrong(`hears ${method} of ${lobbyId}, in which it is not, or not any more`);
        const membership = openIn(lobbyId) ?? begin(lobbyId);
        membership.heard.push(heard);
        const end = endings[method];
        if (end) membership.end = { how: end, at };
        break;
      }
      case "closed":
        isClosed = true;
        for (const each of memberships) each.end ??= { how: "socket", at };
        break;
    }
  }
  return { memberships, violations };
}

const endings: Record<string, "closed" | "kicked" | "elsewhere" | undefined> = {
  lobby_closed: "closed",
  lobby_kicked: "kicked",
  lobby_resumedElsewhere: "elsewhere",
};

/** Whether this request gets somebody into a lobby. */
function isEntering(path: string): boolean {
  return path === "/lobbies" || path === "/lobbies/match" || /^\/lobbies\/\w+\/(join|resume)$/.test(path);
}

function isFor({ path }: Pick<Question, "path">, lobbyId: string): boolean {
  const [, wanted, what] = /^\/lobbies\/(\w+)\/(join|resume|leave)$/.exec(path) ?? [];
  if (what !== undefined) return wanted?.toUpperCase() === lobbyId;
  return path === "/lobbies" || path === "/lobbies/match";
}

type Seat = Omit<NonNullable<Membership["answer"]>, "at" | "askedAt"> & { lobbyId: string };

function seatIn(
  player: Player,
  { path, body: asked }: Question,
  status: number,
  body: Record<string, unknown> | null,
): Seat | null {
  if (!isEntering(path) || (status !== 200 && status !== 201) || body === null) return null;
  const lobbyId = String(body.lobbyId);
  const told = body.lobby === undefined ? null : readBy(picture, body.lobby);
  const common = { lobbyId, memberId: player.clientId, picture: told, hasResumed: false };
  if (status === 201) {
    const wish = path === "/lobbies" ? asked : { ...Object(asked.create), isPublic: true };
    const name = String(path === "/lobbies" ? asked.hostName : asked.peerName);
    const opening = {
      lobbyName: String(wish.lobbyName),
      isPublic: wish.isPublic === true,
      maxMembers: Number(wish.maxMembers),
      goesOn: wish.onLoss === "continue",
      relayOnly: wish.privacy === "relay-only",
      isInformed: told !== null,
    };
    return { ...common, name, members: [name], opening };
  }
  const members = Array.isArray(body.lobbyMembers) ? body.lobbyMembers.map(String) : [];
  if (!path.endsWith("/resume")) return { ...common, name: String(asked.peerName), members, opening: null };
  const memberId = String(asked.resumeKey).split(".")[0] ?? "";
  const name = told?.members.find(({ clientId }) => clientId === memberId)?.name ?? "";
  return { ...common, memberId, name, members, opening: null, hasResumed: true };
}
