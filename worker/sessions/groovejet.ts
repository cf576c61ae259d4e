/**
 * groovejet's clients, in the lounge that holds their sockets (core/dialects/groovejet/ has what they say and hear). Their rooms are lobbies by
 * the name `groovejet:<code>`, which nobody but this file opens or joins.
 */
import { prices } from "../../core/bill.ts";
import { uuidOf } from "../../core/dialects/groovejet/client-ids.ts";
import {
  type Asked,
  type ErrorMessage,
  error,
  problemError,
  refusalError,
} from "../../core/dialects/groovejet/error.ts";
import type { Form } from "../../core/dialects/groovejet/form.ts";
import { groovejetLimits } from "../../core/dialects/groovejet/limits.ts";
import {
  created,
  frameOf,
  identityOf,
  joined,
  type ServerMessage,
} from "../../core/dialects/groovejet/message.ts";
import {
  type Entrance,
  isFirstWord,
  type Wish,
  wishOf,
  wishOfQuery,
} from "../../core/dialects/groovejet/room.ts";
import { nameIn } from "../../core/dialects/names.ts";
import { type Network, networksOf } from "../../core/network.ts";
import { type Outcome, type ProblemCode, type Refusal, refuse } from "../../core/problem.ts";
import type { HostAnswer, JoinAnswer } from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { drawGroovejetName, isDrawn } from "../platform/codes.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import type { LobbyWish } from "../platform/ports.ts";
import type { Charges } from "./charges.ts";
import type { Connections } from "./connections.ts";
import { holderLimits } from "./limits.ts";
import type { LobbyNews } from "./lobby-news.ts";
import type { Requests } from "./requests.ts";
import type { Session } from "./session.ts";
import { WrongCodes } from "./wrong-codes.ts";

type QueryForm = Extract<Form, { kind: "query" }>;
type JoinWish = Extract<Wish, { kind: "join" }>;
/** What a client is told that its room has let in, or why it has not. */
type Entered = { answer: readonly ServerMessage[] } | { refusal: ErrorMessage };

/** What every room is opened with. The lobby's name is for the log, and the code would be a secret there. */
const roomRules = (): Omit<LobbyWish, "hostName" | "code"> => {
  return {
    lobbyName: "groovejet",
    isPublic: false,
    maxMembers: wireLimits.seats,
    lifetime: "session",
    graceMs: groovejetLimits.roomGraceMs,
    onHostLoss: "migrate",
    awaitsHost: true,
    features: [],
  };
};

/** Refusals of a resume key after which its client may join as anybody else: the room is there, and its place is not. */
const isPlaceGone: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "wrong_resume_key",
  "resume_key_used",
  "no_such_member",
]);

export class Groovejet {
  readonly #env: Env;
  readonly #requests: Requests;
  readonly #connections: Connections;
  readonly #charges: Charges;
  readonly #news: LobbyNews;
  readonly #wrongCodes = new WrongCodes();
  /** Messages of sessions whose rooms are being asked to let them in. */
  readonly #waiting = new Map<Session, string[]>();

  constructor(env: Env, requests: Requests, connections: Connections, charges: Charges, news: LobbyNews) {
    this.#env = env;
    this.#requests = requests;
    this.#connections = connections;
    this.#charges = charges;
    this.#news = news;
  }

  /** A and B: why the room in a query would not let its client in; null if it would. The client's socket is not taken yet. */
  async refuse(form: QueryForm, address: string | undefined): Promise<ErrorMessage | null> {
    const wish = wishOfQuery(form);
    if (wish.kind === "refuse") return wish.error;
    if (wish.kind === "create") return null;
    const networks = address === undefined ? [] : networksOf(address);
    const name = this.#nameOf(wish.asked.code, networks);
    if (!name.ok) return errorOf(name, wish.asked);
    const isHost = wish.kind === "lead";
    const asking = this.#wrongCodes.ask(name.value, networks, isHost ? "host" : "guest");
    if (asking.refusal) return errorOf(asking.refusal, wish.asked);
    const refused = await this.#requests.refusedBy(name.value, isHost ? "must" : undefined);
    asking.ended(refused);
    // A host opens a room that is not there.
    if (refused === null || (isHost && refused === "no_such_lobby")) return null;
    return errorOf(refuse(refused), wish.asked);
  }

  /** A client has connected that speaks groovejet, or may yet speak Orion. */
  greet(session: Session, form: Exclude<Form, { kind: "orion" }>): void {
    this.#say(session, identityOf(session.id));
    if (form.kind === "either") {
      session.hasIdentity = true;
      return;
    }
    session.groovejet = { room: null };
    if (form.kind !== "query") return;
    this.#connections.expectOpening(session);
    this.#grant(session, wishOfQuery(form));
  }

  /**
   * Takes what a client has said. False if it does not speak groovejet: then it says the same to Orion. One that may speak either decides by
   * its first word.
   */
  hear(session: Session, data: string | ArrayBuffer): boolean {
    if (!session.groovejet && !this.#begins(session, data)) return false;
    // groovejet ignores binary frames.
    if (typeof data !== "string") return true;
    const waiting = this.#waiting.get(session);
    if (waiting) {
      if (waiting.length < groovejetLimits.waitingMessages) waiting.push(data);
      return true;
    }
    const wish = wishOf(data, session.groovejet?.room ?? null);
    if (wish) this.#grant(session, wish);
    return true;
  }

  /** Never for a session that a gateway has opened: a thief of its key would try codes from as many addresses as he likes. */
  #begins(session: Session, data: string | ArrayBuffer): boolean {
    if (session.gateway !== undefined) return false;
    if (typeof data !== "string" || session.lobbyId !== undefined || !isFirstWord(data)) return false;
    if (!settingsOf(this.#env).groovejet) return false;
    if (!session.hasIdentity) this.#say(session, identityOf(session.id));
    session.groovejet = { room: null };
    return true;
  }

  #grant(session: Session, wish: Wish): void {
    if (wish.kind === "signal") {
      const { membership } = session;
      const { to, data } = wish;
      if (!membership || session.purse.isEmpty) return;
      this.#news.tell(membership, { kind: "signal-sent", clientId: session.id, to, data });
    } else if (wish.kind === "refuse") this.#refuse(session, wish.error, wish.closes);
    else void this.#letIn(session, wish);
  }

  /** What the session says meanwhile waits. */
  async #letIn(session: Session, wish: Entrance): Promise<void> {
    const waiting: string[] = [];
    this.#waiting.set(session, waiting);
    const entered = await this.#enter(session, wish);
    this.#waiting.delete(session);
    // Its socket may have closed.
    if (this.#connections.get(session.id) !== session) return;
    if ("refusal" in entered) {
      // Its socket closes: nothing that it has said since is asked of a room.
      this.#refuse(session, entered.refusal, true);
      return;
    }
    this.#settle(session, entered);
    for (const text of waiting) this.hear(session, text);
  }

  /** Asks a room to let a session in. What the room says meanwhile is held back. */
  async #enter(session: Session, wish: Entrance): Promise<Entered> {
    session.heldBack = [];
    try {
      return session.purse.isEmpty ? refused("over_budget") : await this.#ask(session, wish);
    } catch (error) {
      logFault("message_failed", { clientId: session.id, lobbyId: session.lobbyId }, error);
      return refused("internal");
    }
  }

  async #ask(session: Session, wish: Entrance): Promise<Entered> {
    switch (wish.kind) {
      case "refuse":
        return { refusal: wish.error };
      case "create":
        return await this.#create(session);
      case "lead":
        return await this.#lead(session, wish.asked);
      case "join":
        return await this.#join(session, wish);
    }
  }

  /** The session is in its room: it hears the answer, and then what the room has said since. */
  #settle(session: Session, { answer }: { answer: readonly ServerMessage[] }): void {
    const heldBack = session.heldBack ?? [];
    session.heldBack = null;
    for (const message of answer) this.#say(session, message);
    for (const message of heldBack) this.#connections.tellInRoom(session, message);
  }

  async #create(session: Session): Promise<Entered> {
    for (let draw = 0; draw < holderLimits.codeDraws; draw++) {
      const name = drawGroovejetName(this.#env);
      const outcome = await this.#open(session, name);
      if (outcome.ok) {
        const { key, identity } = this.#enterRoom(session, name, outcome.value);
        return { answer: [...identity, ...created(codeOf(name), key, this.#byReadme)] };
      }
      if (!outcome.codes.includes("name_in_use")) return refusedBy(outcome, { by: "message", code: "" });
    }
    return refused("code_taken");
  }

  /** A and B: the room is opened when its host comes. `refuse` has counted the code. */
  async #lead(session: Session, asked: Asked): Promise<Entered> {
    const name = this.#drawnName(asked.code);
    if (name === null) return refusedBy(refuse("not_found"), asked);
    const opened = await this.#open(session, name);
    if (opened.ok) {
      this.#enterRoom(session, name, opened.value);
      return { answer: [] };
    }
    if (!opened.codes.includes("name_in_use")) return refusedBy(opened, asked);
    const joined = await this.#joinAs(session, name, "must");
    if (!joined.ok) return refusedBy(joined, asked);
    this.#enterRoom(session, name, joined.value);
    return { answer: [] };
  }

  async #join(session: Session, wish: JoinWish): Promise<Entered> {
    const { asked } = wish;
    const name = this.#nameOf(asked.code, session.networks);
    if (!name.ok) return refusedBy(name, asked);
    const asking = this.#wrongCodes.ask(name.value, session.networks, "guest");
    if (asking.refusal) return refusedBy(asking.refusal, asked);
    let refused: ProblemCode | null = "internal";
    try {
      const { outcome, isBack } = await this.#returnOrJoin(session, name.value, wish);
      refused = outcome.ok ? null : (outcome.codes[0] ?? "internal");
      if (!outcome.ok) return refusedBy(outcome, asked);
      const memberId = isBack ? memberOfKey(wish.resumeKey ?? "") : session.id;
      const { key, identity } = this.#enterRoom(session, name.value, outcome.value, memberId);
      if (asked.by === "query") return { answer: [] };
      const isHost = memberId === session.groovejet?.room?.hostId;
      return { answer: [...identity, ...joined(isHost, isBack, key, this.#byReadme)] };
    } finally {
      asking.ended(refused);
    }
  }

  /** By its key, if it has one that is good; else as anybody. */
  async #returnOrJoin(
    session: Session,
    lobbyId: string,
    wish: JoinWish,
  ): Promise<{ outcome: Outcome<JoinAnswer>; isBack: boolean }> {
    const { leads, resumeKey } = wish;
    if (resumeKey !== undefined) {
      const resumed = await this.#resume(session, lobbyId, resumeKey, wish);
      const isGone = !resumed.ok && resumed.codes.some((code) => isPlaceGone.has(code));
      if (!isGone) return { outcome: resumed, isBack: resumed.ok };
    }
    return { outcome: await this.#joinAs(session, lobbyId, leads), isBack: false };
  }

  /** The name of the room that a client means. Refused if no code is like that, or the client's network has tried too many. */
  #nameOf(typed: string, networks: readonly Network[]): Outcome<string> {
    const tooMany = this.#wrongCodes.refuse(networks);
    if (tooMany) return tooMany;
    const name = this.#drawnName(typed);
    if (name !== null) return { ok: true, value: name };
    this.#wrongCodes.count(networks);
    return refuse("not_found");
  }

  /** Null if no code is like that. */
  #drawnName(typed: string): string | null {
    const name = nameIn("groovejet", typed.trim().toLowerCase());
    return name !== null && isDrawn(this.#env, name) ? name : null;
  }

  /** Charged before it is asked, here and below: by the time of the answer the session may be over. */
  async #open(session: Session, name: string): Promise<Outcome<HostAnswer>> {
    const request = { ...roomRules(), hostName: nameOf(session), code: name };
    const call = { clientId: session.id, requestId: crypto.randomUUID(), request };
    this.#charges.charge(session, prices.host);
    return await this.#requests.host(call);
  }

  async #joinAs(session: Session, lobbyId: string, leads: JoinWish["leads"]): Promise<Outcome<JoinAnswer>> {
    const about = { lobbyId, peerName: nameOf(session), features: [], leads };
    const call = { clientId: session.id, requestId: crypto.randomUUID(), ...about };
    this.#charges.charge(session, prices.join);
    return await this.#requests.join(call);
  }

  async #resume(
    session: Session,
    lobbyId: string,
    resumeKey: string,
    { requestId }: JoinWish,
  ): Promise<Outcome<JoinAnswer>> {
    const request = { resumeKey, features: [], ...(requestId !== undefined && { requestId }) };
    const call = { clientId: session.id, requestId: crypto.randomUUID(), lobbyId, request };
    this.#charges.charge(session, prices.resume);
    return await this.#requests.resume(call);
  }

  /** The session is a member there. Its next resume key, and who it is there, unless that is who its client thinks it is. */
  #enterRoom(
    session: Session,
    lobbyId: string,
    { lobby, resumeKey }: HostAnswer | JoinAnswer,
    memberId = session.id,
  ): { key: string | undefined; identity: readonly ServerMessage[] } {
    this.#wrongCodes.noteOpen(lobbyId);
    const isKnown = memberId === clientIdTold(session);
    session.groovejet = { room: { memberId, hostId: lobby?.hostId ?? memberId }, toldId: memberId };
    return { key: resumeKey, identity: isKnown ? [] : [identityOf(memberId)] };
  }

  /** A client whose socket closed without an error would wait for ever. */
  #refuse(session: Session, error: ErrorMessage, closes: boolean): void {
    this.#say(session, error);
    if (closes) this.#connections.dismiss(session);
  }

  #say(session: Session, message: ServerMessage): void {
    this.#connections.send(session, frameOf(message));
  }

  get #byReadme(): boolean {
    return settingsOf(this.#env).groovejetReadmeNames;
  }
}

function errorOf({ codes }: Refusal, asked: Asked): ErrorMessage {
  return codes.includes("not_found") ? error("noRoomFound", asked) : refusalError(codes, asked);
}

function refusedBy(refusal: Refusal, asked: Asked): { refusal: ErrorMessage } {
  return { refusal: errorOf(refusal, asked) };
}

function refused(code: ProblemCode): { refusal: ErrorMessage } {
  return { refusal: problemError(code) };
}

/** The client id that the session's client was told last. One that came back to a room has the id that it had there. */
function clientIdTold({ id, groovejet }: Session): string {
  return groovejet?.toldId ?? groovejet?.room?.memberId ?? id;
}

/** The code in a room's name. */
function codeOf(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** The name of a member, for the log: its clients have none. */
function nameOf({ id }: Session): string {
  return uuidOf(id).replaceAll("-", "");
}

/** The client id in a resume key. */
function memberOfKey(key: string): string {
  return key.split(".", 1)[0] ?? "";
}
