/** Who was in which lobby when, read out of what the players lived through. */
import type { Player } from "./player.ts";
import type { Message } from "./wire.ts";

export type Heard = { at: number; message: Message };

/** One player's time in one lobby, as the player knows it. */
export type Membership = {
  readonly player: Player;
  readonly lobbyId: string;
  /** What the player was told when it got in, or null if it never was. */
  answer: {
    name: string;
    members: string[];
    /** A host's. */
    opening: Opening | null;
    askedAt: number;
    at: number;
  } | null;
  /** What it heard of the lobby, in order, the end included. */
  readonly heard: Heard[];
  /** The chat it sent there. */
  readonly said: { at: number; text: string }[];
  /** How it ended: by `lobby_closed`, with the player's socket, or because the request that began it failed. */
  end: { how: "closed" | "socket" | "refused"; at: number } | null;
};

/** What a host asked for. */
export type Opening = {
  lobbyName: string;
  isPublic: boolean;
  maxMembers: number;
  goesOn: boolean;
  relayOnly: boolean;
};

/** Something that must not be, in a sentence, and whom to ask about it. */
export type Violation = { sentence: string; players: Player[] };

type Question = { nr: number; at: number; path: string; body: Record<string, unknown> };

/** Milliseconds that a frame may be seen after the HTTP answer it came before: they are two connections. */
const skewMs = 2_000;

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
    [...questions.values(), ...answered.filter(({ until }) => until >= at)].some(({ path }) => {
      const wanted = /^\/lobbies\/(\w+)\/join$/.exec(path)?.[1]?.toUpperCase();
      return mayBeAny(path) || (wanted !== undefined && (lobbyId === null || wanted === lobbyId));
    });

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
        const seat = seatIn(question, entry.status, entry.body);
        if (!seat) {
          // Frames of a seat that was taken and given back again.
          for (const each of memberships)
            if (!each.answer && !each.end && isFor(question, each.lobbyId)) each.end = { how: "refused", at };
          break;
        }
        const before = memberships.findLast(
          (each) =>
            each.lobbyId === seat.lobbyId &&
            !each.answer &&
            each.end?.how !== "refused" &&
            (each.heard[0]?.at ?? at) >= question.at,
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
          if (current) current.heard.push(heard);
          else if (isAsking(null, at)) early.push(heard);
          else wrong(`hears ${method} and is in no lobby`);
          break;
        }
        const lobbyId = String(payload.lobbyId);
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
        if (method === "lobby_closed") membership.end = { how: "closed", at };
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

/** Whether the server says which lobby it is. */
function mayBeAny(path: string): boolean {
  return path === "/lobbies" || path === "/lobbies/match";
}

function isFor({ path }: Question, lobbyId: string): boolean {
  return mayBeAny(path) || path.toUpperCase() === `/LOBBIES/${lobbyId}/JOIN`;
}

function seatIn(
  { path, body: asked }: Question,
  status: number,
  body: Record<string, unknown> | null,
): (Omit<NonNullable<Membership["answer"]>, "at" | "askedAt"> & { lobbyId: string }) | null {
  const lobbyId = String(body?.lobbyId);
  if (mayBeAny(path) && status === 201) {
    const isMatch = path === "/lobbies/match";
    const wish = isMatch ? Object(asked.create) : asked;
    const name = String(isMatch ? asked.peerName : asked.hostName);
    const opening = {
      lobbyName: String(wish.lobbyName),
      isPublic: isMatch || wish.isPublic === true,
      maxMembers: Number(wish.maxMembers),
      goesOn: wish.onLoss === "continue",
      relayOnly: wish.privacy === "relay-only",
    };
    return { lobbyId, name, members: [name], opening };
  }
  if (!(path.endsWith("/join") || path === "/lobbies/match") || status !== 200) return null;
  const members = Array.isArray(body?.lobbyMembers) ? body.lobbyMembers.map(String) : [];
  return { lobbyId, name: String(asked.peerName), members, opening: null };
}
