/**
 * One simulated person whose client knows the additions to Orion: it stays in its lobby when its connection breaks, comes back, changes
 * things, leads, and is removed (docs/staying.md).
 */
import { setTimeout as pass } from "node:timers/promises";
import { type Answer, Player } from "../kit/player.ts";
import { count, tellCode, tellStaying } from "./board.ts";
import type { Chance } from "./chance.ts";
import type { World } from "./character.ts";
import { Mediated } from "./mediated.ts";

/** Milliseconds between two things that one person does. */
const pause = { least: 50, most: 1_200 };
const games = ["chess", "go"];
/** How often a person tries to come back before it gives up. */
const tries = 6;

type Seat = {
  lobbyId: string;
  memberId: string;
  key: string | null;
  hostId: string;
  term: number;
  version: number;
  /** Something was lost on its way here: the next message has shown it. */
  isBehind: boolean;
  /** Client ids of the others. */
  others: Set<string>;
  banned: string[];
  /** A key that was used. */
  oldKey: string | null;
  /** The last term in which it was host. */
  led: number | null;
};

let signals = 0;
let words = 0;

/** Lives until it is over, as one client after another. */
export async function stay(world: World, name: string, chance: Chance): Promise<void> {
  const self = new Stayer(world, name, chance);
  while (!world.isOver()) {
    try {
      await self.act();
    } catch {
      // A request that the server did not live to answer.
    }
    await pass(chance.between(pause.least, pause.most));
  }
  self.rest();
}

class Stayer {
  readonly #world: World;
  readonly #name: string;
  readonly #chance: Chance;
  #player: Player | null = null;
  #mediated: Mediated | null = null;
  #seat: Seat | null = null;
  /** Where a host has removed it last. It has not tried to get in there again. */
  #removedFrom: Seat | null = null;
  /** Messages of this connection that it has dealt with. */
  #dealt = 0;
  #lives = 0;

  constructor(world: World, name: string, chance: Chance) {
    this.#world = world;
    this.#name = name;
    this.#chance = chance;
  }

  get #isConnected(): boolean {
    return this.#player !== null && this.#player.socket.readyState === this.#player.socket.OPEN;
  }

  async act(): Promise<void> {
    if (this.#player && !this.#isConnected) await this.#lostConnection();
    if (!this.#player) {
      await this.#arrive(await this.#connect(this.#anyPath()));
      if (this.#player && this.#seat) await this.#comeBack();
      return;
    }
    this.#listen();
    if (this.#seat?.isBehind) await this.#catchUp(this.#seat);
    else await (this.#seat === null ? this.#actOutside() : this.#actInside(this.#seat));
    this.#listen();
  }

  /** Asks for the whole picture instead of guessing. */
  async #catchUp(seat: Seat): Promise<void> {
    seat.isBehind = false;
    this.#count("catch up");
    const answer = await this.#player?.asks("GET", `/lobbies/${seat.lobbyId}`);
    if (answer?.status === 200) this.#see(seat, answer.body);
    else seat.isBehind = true;
  }

  /** The end finds everybody where they are; what they are asked for they still do. */
  rest(): void {
    const rest = () => {
      this.#listen();
      if (this.#seat?.isBehind) void this.#catchUp(this.#seat).catch(() => {});
    };
    this.#player?.socket.on("message", rest);
    rest();
  }

  #count(what: string): void {
    count(this.#world.board, `stayer: ${what}`);
  }

  async #connect(path: string): Promise<Player | null> {
    const player = await Player.connect(this.#world.url, path).catch(() => null);
    if (!player) return null;
    const { board } = this.#world;
    board.players += 1;
    board.present.add(player);
    void player.closed.then(() => board.present.delete(player));
    player.answersOverUdp = false;
    player.say("client_features", { features: this.#chance.happens(0.5) ? ["links"] : [] });
    // A socket that breaks meanwhile answers nothing.
    await Promise.race([player.settled(), player.closed]);
    return player;
  }

  #anyPath(): string {
    const { board } = this.#world;
    const code = this.#seat?.lobbyId ?? this.#chance.one(board.staying)?.code ?? "AAAAA";
    const other = this.#chance.one(board.codes) ?? "AAAAA";
    const way = this.#chance.weighted({ right: 5, plain: 4, hosting: this.#seat ? 0.5 : 3, other: 1 });
    return { right: `/lobbies/${code}`, plain: "/", hosting: "/lobbies", other: `/lobbies/${other}` }[way];
  }

  async #arrive(player: Player | null): Promise<void> {
    this.#player = player;
    this.#dealt = 0;
    this.#mediated = player && new Mediated(this.#world.board, player, this.#chance);
  }

  /** A tunnel, or an object that ended. */
  async #lostConnection(): Promise<void> {
    if (this.#player) this.#listen();
    this.#player = null;
    if (!this.#seat?.key || this.#chance.happens(0.15)) this.#seat = null;
  }

  async #comeBack(reconnect = this.#chance.happens(0.3)): Promise<void> {
    const seat = this.#seat;
    if (!seat?.key) return;
    const wish = { resumeKey: seat.key, requestId: `r${this.#chance.next()}`, reconnect };
    for (let attempt = 0; attempt < tries; attempt++) {
      const player = this.#player;
      if (!player || !this.#isConnected) {
        await this.#arrive(await this.#connect(this.#anyPath()));
        continue;
      }
      this.#count("resume");
      const answer = await player.post(`/lobbies/${seat.lobbyId}/resume`, wish).catch(() => null);
      if (answer?.status === 200) return this.#sit(answer, player, seat);
      const codes = String(answer?.body?.codes);
      if (/resume_key_used|wrong_resume_key|invalid_resume_key/.test(codes))
        this.#complain(`came back with its newest key, and was answered ${codes}`);
      if (answer && answer.status < 500 && answer.status !== 429 && codes !== "invalid_token") {
        this.#count(`resume refused (${codes})`);
        this.#seat = null;
        return;
      }
      await pass(this.#chance.between(20, 300));
    }
    // Whether it is in nobody knows: with this connection gone it is away at most.
    this.#player?.vanish();
    this.#seat = null;
  }

  #complain(sentence: string): void {
    if (this.#player)
      this.#world.board.complaints.push({ sentence: `${this.#name} ${sentence}.`, players: [this.#player] });
  }

  #complainIfInvalid({ status, body, text }: Answer, what: string): void {
    // Its connection may have broken meanwhile.
    if (status === 400 && String(body?.codes) !== "invalid_token")
      this.#complain(`${what} and was answered ${text}`);
  }

  /** It is in a lobby now, as far as it was told. */
  #sit(answer: Answer, player: Player, before?: Seat): void {
    const { lobbyId, lobby, resumeKey } = answer.body ?? {};
    if (typeof Object(lobby).hostId !== "string") {
      this.#complain("was not told of the whole lobby");
      return;
    }
    this.#seat = {
      lobbyId: String(lobbyId),
      memberId: before?.memberId ?? player.clientId,
      key: typeof resumeKey === "string" ? resumeKey : null,
      hostId: "",
      term: 0,
      version: 0,
      isBehind: false,
      others: new Set(),
      banned: before?.banned ?? [],
      oldKey: before?.key ?? null,
      led: before?.led ?? null,
    };
    this.#see(this.#seat, lobby);
    // News may have come before the answer.
    this.#dealt = 0;
    this.#listen(true);
  }

  /** The lobby is like this picture of it. */
  #see(seat: Seat, told: unknown): void {
    const { hostId, term, version, members = [] } = Object(told);
    const ids = (members as { clientId: string }[]).map(({ clientId }) => clientId);
    const others = new Set(ids.filter((clientId) => clientId !== seat.memberId));
    Object.assign(seat, { hostId, term, version, others });
    if (hostId === seat.memberId) seat.led = seat.term;
  }

  /** `again`: it was dealt with before, but for what it says of the lobby. */
  #listen(again = false): void {
    const player = this.#player;
    if (!player) return;
    const news = player.heard.slice(this.#dealt);
    this.#dealt += news.length;
    for (const { method, payload } of news) {
      if (!again) this.#mediated?.take(method, payload);
      const seat = this.#seat;
      if (!seat || payload.lobbyId !== seat.lobbyId) continue;
      if (/^lobby_(closed|kicked|resumedElsewhere)$/.test(method) && !again) this.#seat = null;
      if (method === "lobby_kicked" && !again) this.#removedFrom = seat;
      const { version } = payload;
      if (typeof version !== "number" || version <= seat.version) continue;
      // Chat changes nothing, but shows what was missed.
      if (version > seat.version + 1 || method === "lobby_messaging_received") {
        seat.isBehind = true;
        continue;
      }
      seat.version = version;
      if (method === "lobby_peerConnect") seat.others.add(String(payload.clientId));
      if (method === "lobby_peerDisconnect") seat.others.delete(String(payload.clientId));
      if (method === "lobby_hostChanged") {
        seat.hostId = String(payload.clientId);
        seat.term = Number(payload.term);
        if (seat.hostId === seat.memberId) seat.led = seat.term;
      }
    }
  }

  async #actOutside(): Promise<void> {
    const act = this.#chance.weighted({
      host: 3,
      join: 8,
      match: 2,
      search: 1,
      plain: 1,
      wait: 1,
      part: 0.7,
      knock: this.#removedFrom ? 10 : 0,
    });
    this.#count(act);
    const player = this.#player;
    if (!player) return;
    switch (act) {
      case "host": {
        const wish = this.#opening();
        const answer = await player.host(wish);
        this.#complainIfInvalid(answer, "opened a lobby");
        if (answer.status !== 201) return;
        this.#sit(answer, player);
        tellStaying(this.#world.board, String(answer.body?.lobbyId), wish.password);
        if (this.#chance.happens(0.3)) tellCode(this.#world.board, String(answer.body?.lobbyId));
        return;
      }
      case "join": {
        const known = this.#chance.one(this.#world.board.staying);
        const password = this.#chance.happens(0.9) ? known?.password : "wrong";
        return await this.#join(known?.code ?? "AAAAA", { password });
      }
      case "match": {
        const create = { ...this.#opening(), password: undefined, locked: undefined };
        const {
          hostName: _,
          isPublic: __,
          game: ___,
          displayName: ____,
          memberData: _____,
          ...rest
        } = create;
        const wish = {
          game: this.#chance.one(games),
          peerName: this.#newName(),
          where: this.#chance.happens(0.5) ? ["skill:lte:5"] : [],
          create: rest,
        };
        const answer = await player.post("/lobbies/match", wish);
        this.#complainIfInvalid(answer, "matched");
        if (answer.status !== 200 && answer.status !== 201) return;
        this.#sit(answer, player);
        if (answer.status === 201) tellStaying(this.#world.board, String(answer.body?.lobbyId));
        return;
      }
      case "search": {
        const query = `game=${this.#chance.one(games)}&where=skill:gte:3&sort=-members&open=true&limit=20`;
        const response = await fetch(new URL(`/lobbies?${query}`, this.#world.url));
        const {
          lobbies = [],
        }: { lobbies?: { id: string; locked: boolean; full: boolean; hasPassword: boolean }[] } = JSON.parse(
          await response.text(),
        );
        if (lobbies.some(({ locked, full, hasPassword }) => locked || full || hasPassword))
          this.#complain(`searched for open lobbies and found ${JSON.stringify(lobbies)}`);
        const found = this.#chance.one(lobbies);
        if (found) await this.#join(found.id);
        return;
      }
      case "plain":
        return await this.#join(this.#chance.one(this.#world.board.codes) ?? "AAAAA");
      case "part":
        player.vanish();
        return;
      case "knock":
        return await this.#knock(player);
      case "wait":
        return;
    }
  }

  /** Tries to get in where it was removed, perhaps for good. */
  async #knock(player: Player): Promise<void> {
    const seat = this.#removedFrom;
    this.#removedFrom = null;
    if (!seat) return;
    const { lobbyId, key } = seat;
    if (!key || this.#chance.happens(0.7)) {
      const known = this.#world.board.staying.find(({ code }) => code === lobbyId);
      return await this.#join(lobbyId, { password: known?.password });
    }
    const answer = await player.post(`/lobbies/${lobbyId}/resume`, { resumeKey: key });
    if (answer.status === 200) this.#sit(answer, player, seat);
  }

  #opening() {
    const chance = this.#chance;
    const topology = chance.happens(0.25) ? "mesh" : "star";
    const most = chance.one(topology === "mesh" ? [2, 3, 4, 8] : [2, 3, 4, 4, 8, 64]) ?? 4;
    return {
      hostName: this.#newName(),
      lobbyName: `Stay with ${this.#name}`,
      isPublic: chance.happens(0.5),
      maxMembers: most,
      lifetime: chance.happens(0.8) ? "session" : "mediation",
      topology,
      graceMs: chance.one([0, 1_000, 3_000, 5_000, 5_000]) ?? 0,
      onHostLoss: chance.happens(0.75) ? "migrate" : "close",
      onLoss: chance.happens(0.6) ? "continue" : "abort",
      ...(chance.happens(0.2) && { privacy: "relay-only" }),
      signals: chance.happens(0.3) ? "all" : "peers",
      ...(chance.happens(0.7) && { game: chance.one(games) }),
      ...(chance.happens(0.3) && { title: "Ein schöner Abend" }),
      ...(chance.happens(0.5) && { data: { map: "dust", skill: chance.between(0, 9) } }),
      ...(chance.happens(0.3) && { displayName: `Æ ${this.#name}` }),
      ...(chance.happens(0.3) && { memberData: { team: "red" } }),
      password: chance.happens(0.15) ? "sesame" : undefined,
      locked: chance.happens(0.05) ? true : undefined,
    };
  }

  #newName(): string {
    this.#lives += 1;
    return this.#chance.happens(0.15) ? "Twin" : `${this.#name} ${this.#lives}`;
  }

  async #join(code: string, additions: object = {}): Promise<void> {
    const player = this.#player;
    if (!player) return;
    const who = this.#chance.happens(0.3)
      ? { displayName: `Ø ${this.#name}`, memberData: { team: "blue" } }
      : {};
    const answer = await player.join(code, this.#newName(), { ...who, ...additions });
    if (answer.status === 200) this.#sit(answer, player);
  }

  async #actInside(seat: Seat): Promise<void> {
    const isHost = seat.hostId === seat.memberId;
    const act = this.#chance.weighted({
      chat: 5,
      signal: 4,
      chatter: 0.3,
      ready: 2,
      member: 1,
      look: 1.5,
      hidden: 0.5,
      move: 0.3,
      wait: 2,
      leave: 0.5,
      cut: 1.2,
      again: seat.key ? 0.5 : 0,
      twice: seat.key ? 0.4 : 0,
      "old key": seat.oldKey ? 0.4 : 0,
      "wrong key": 0.2,
      read: 1,
      write: isHost ? 2 : 0.2,
      start: isHost ? 2.5 : 0.2,
      steer: isHost ? 0.5 : 0,
      change: isHost ? 2 : 0.2,
      kick: isHost ? 0.6 : 0.1,
      unban: isHost ? 0.4 : 0.1,
      "hand over": isHost ? 0.5 : 0.1,
      "old term": isHost ? 0.3 : 0.1,
      "former host": seat.led !== null && !isHost ? 2 : 0,
    });
    this.#count(act);
    const player = this.#player;
    if (player) await this.#do(act, seat, player);
  }

  async #do(act: string, seat: Seat, player: Player): Promise<void> {
    const chance = this.#chance;
    const path = `/lobbies/${seat.lobbyId}`;
    const other = chance.one([...seat.others]) ?? "nobody";
    const term = chance.happens(0.7) ? seat.term : undefined;
    const ifVersion = chance.happens(0.3) ? seat.version : undefined;
    const patch = (to: string, body: object) => player.asks("PATCH", to, { body: { ...body, ifVersion } });
    words += 1;
    switch (act) {
      case "chat":
        return player.chat(seat.lobbyId, `${this.#name} says ${words}`);
      case "chatter":
        for (let i = 0; i < 10; i++) player.chat(seat.lobbyId, `${i} of ${words}`);
        return;
      case "signal":
        for (let i = chance.between(1, 3); i > 0; i--) {
          signals += 1;
          player.say("lobby_signal", { to: other, data: { by: seat.memberId, to: other, n: signals } });
        }
        return;
      case "ready":
        await patch(`${path}/members/me`, { data: { ready: chance.happens(0.7) ? true : null } });
        return;
      case "member":
        await patch(`${path}/members/me`, {
          displayName: `Å ${this.#name} ${words}`,
          data: { score: words },
        });
        return;
      case "look":
        await player.asks("GET", path);
        return;
      case "hidden":
        return player.say("client_hidden", { hidden: chance.happens(0.5) });
      case "move":
        return this.#mediated?.move();
      case "leave":
        return await this.#leave(path, player);
      case "cut":
        player.vanish();
        if (chance.happens(0.5)) await pass(chance.between(0, 2_500));
        return;
      case "again":
        return await this.#replace();
      case "twice":
        return await this.#comeBackTwice(seat, player);
      case "old key":
        return await this.#tryKey(path, seat.oldKey ?? "", /resume_key_used|no_such/);
      case "wrong key":
        return await this.#tryKey(
          path,
          `${other}.0.${"A".repeat(22)}`,
          /wrong_resume_key|invalid_resume_key|no_such/,
        );
      case "read":
        await player.asks("GET", `${path}/snapshot`);
        return;
      case "write": {
        const raw = new TextEncoder().encode(
          `${seat.lobbyId} ${words} ${"x".repeat(chance.between(0, 2_000))}`,
        );
        await player.asks("PUT", `${path}/snapshot`, { raw });
        return;
      }
      case "start":
        await player.post(`${path}/ptp/start`, { term, patienceMs: chance.happens(0.3) ? 2_000 : undefined });
        return;
      case "steer":
        await player.post(`${path}/ptp/${chance.happens(0.5) ? "stop" : "proceed"}`, { term });
        return;
      case "change":
        await patch(path, { ...this.#change(), term });
        return;
      case "kick": {
        const ban = chance.happens(0.5);
        const answer = await player.post(`${path}/kick`, {
          clientId: other,
          reason: "Go to bed.",
          ban,
          term,
        });
        if (answer.status === 200 && ban) seat.banned.push(other);
        return;
      }
      case "unban":
        await player.asks("DELETE", `${path}/bans/${seat.banned.pop() ?? other}`);
        return;
      case "hand over":
        await player.post(`${path}/host`, { clientId: other, term });
        return;
      case "former host":
        await patch(path, { ...this.#change(), term: seat.led });
        return;
      case "old term": {
        const answer = await player.post(`${path}/kick`, { clientId: other, term: seat.term - 1 });
        if (answer.status === 200) this.#complain("removed a player in an old term");
        return;
      }
      default:
        return;
    }
  }

  #change(): object {
    const chance = this.#chance;
    return {
      data: {
        map: chance.one(["ice", "dust", null]),
        skill: chance.between(0, 9),
        [`k${chance.between(0, 3)}`]: words,
      },
      ...(chance.happens(0.2) && { lobbyName: `Stay ${words}` }),
      ...(chance.happens(0.2) && { title: chance.happens(0.5) ? `Abend ${words}` : null }),
      ...(chance.happens(0.15) && { isPublic: chance.happens(0.5) }),
      ...(chance.happens(0.2) && { maxMembers: chance.between(2, 8) }),
      ...(chance.happens(0.1) && { password: chance.happens(0.3) ? "sesame" : null }),
      ...(chance.happens(0.15) && { locked: chance.happens(0.2) }),
    };
  }

  /** Leaves, and keeps its connection. */
  async #leave(path: string, player: Player): Promise<void> {
    const way = this.#chance.weighted({ asked: 3, closed: 1 });
    this.#seat = null;
    if (way === "closed") {
      await Promise.race([player.leave(), pass(5_000)]);
      return;
    }
    const answer = await player.post(`${path}/leave`, {}).catch(() => null);
    // Without an answer nobody knows whether it is still in.
    if (answer?.status !== 200) player.vanish();
    else await Promise.race([player.settled(), player.closed]);
  }

  /** Comes back while the old connection seems to live: another network, and the old one has not noticed. */
  async #replace(): Promise<void> {
    const old = this.#player;
    await this.#arrive(await this.#connect(this.#anyPath()));
    if (this.#player) await this.#comeBack(false);
    if (this.#player !== old && this.#seat === null) old?.vanish();
    else if (old && this.#player !== old) setTimeout(() => old.vanish(), 3_000);
  }

  /** Two of its connections come back at once with one key. One of them is back. */
  async #comeBackTwice(seat: Seat, player: Player): Promise<void> {
    if (this.#chance.happens(0.5)) player.vanish();
    const both = (
      await Promise.all([this.#connect(this.#anyPath()), this.#connect(this.#anyPath())])
    ).flatMap((one) => one ?? []);
    const wishes = both.map(async (one) => {
      const wish = { resumeKey: seat.key, requestId: `t${this.#chance.next()}` };
      return await one.post(`/lobbies/${seat.lobbyId}/resume`, wish).catch(() => null);
    });
    const answers = await Promise.all(wishes);
    const back = both.filter((_, i) => answers[i]?.status === 200);
    if (back.length > 1) this.#complain("came back twice with one key");
    const [first] = back;
    const answer = answers[first ? both.indexOf(first) : -1];
    for (const one of both) if (one !== first) one.vanish();
    if (!first || !answer) {
      // Nobody knows whether one is in, or which key is the newest.
      player.vanish();
      this.#player = null;
      this.#seat = null;
      return;
    }
    setTimeout(() => player.vanish(), 3_000);
    await this.#arrive(first);
    this.#sit(answer, first, seat);
  }

  /** Somebody tries to come back in a member's place. */
  async #tryKey(path: string, resumeKey: string, expected: RegExp): Promise<void> {
    const thief = await this.#connect(this.#anyPath());
    if (!thief) return;
    const answer = await thief.post(`${path}/resume`, { resumeKey }).catch(() => null);
    const isRefused = !answer || answer.status >= 429 || expected.test(String(answer.body?.codes));
    if (!isRefused && String(answer?.body?.codes) !== "invalid_token")
      this.#complain(`tried a key that is no good, and was answered ${answer?.text}`);
    thief.vanish();
  }
}
