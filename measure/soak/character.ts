/** One simulated person, who comes as one client after another and does what occurs to it. */
import { setTimeout as pass } from "node:timers/promises";
import { Player } from "../kit/player.ts";
import { type Board, count, tellCode } from "./board.ts";
import type { Chance } from "./chance.ts";
import { Mediated } from "./mediated.ts";

export type World = {
  url: URL;
  board: Board;
  isOver: () => boolean;
  /** Milliseconds between two pings of a person that pings. */
  pingMs: number;
};

/** Milliseconds between two things that one person does. */
const pause = { least: 50, most: 1_500 };

/** Lives until it is over: connects, does things, leaves in one way or another, comes again. */
export async function live(world: World, name: string, chance: Chance): Promise<void> {
  for (let life = 1; !world.isOver(); life++) {
    const player = await arrive(world, chance);
    if (!player) {
      await pass(chance.between(100, 1_000));
      continue;
    }
    world.board.players += 1;
    world.board.present.add(player);
    // Nobody who is there is without a name; a few want the same one.
    const self = new Character(world, player, chance.happens(0.25) ? "Twin" : `${name} ${life}`, chance);
    await self.live();
    world.board.present.delete(player);
  }
}

async function arrive({ url, board }: World, chance: Chance): Promise<Player | null> {
  const way = chance.weighted({ plain: 5, hosting: 3, joining: 4, anywhere: 1 });
  const code = chance.one(board.codes) ?? "AAAAA";
  const path = { plain: "/", hosting: "/lobbies", joining: `/lobbies/${code}`, anywhere: "/any/where" }[way];
  count(board, `connect (${way})`);
  return await Player.connect(url, path).catch(() => null);
}

class Character {
  readonly #world: World;
  readonly #player: Player;
  readonly #name: string;
  readonly #chance: Chance;
  readonly #mediated: Mediated;
  /** Of one that pings. */
  readonly #pinging: NodeJS.Timeout | null;
  #lobbyId: string | null = null;
  #isHost = false;
  #isGone = false;
  /** Messages it has dealt with. */
  #dealt = 0;

  constructor(world: World, player: Player, name: string, chance: Chance) {
    this.#world = world;
    this.#player = player;
    this.#name = name;
    this.#chance = chance;
    this.#mediated = new Mediated(world.board, player, chance);
    this.#pinging = chance.happens(0.5) ? this.#ping() : null;
    void player.closed.then(() => {
      this.#isGone = true;
      clearInterval(this.#pinging ?? undefined);
    });
  }

  async live(): Promise<void> {
    while (!this.#isGone && !this.#world.isOver()) {
      this.#listen();
      try {
        await (this.#lobbyId === null ? this.#actOutside() : this.#actInside());
      } catch {
        // A request that the server did not live to answer.
      }
      await pass(this.#chance.between(pause.least, pause.most));
    }
    if (this.#isGone) return;
    // The end finds everybody where they are; what they are asked for they still do.
    this.#player.socket.on("message", () => this.#listen());
    this.#listen();
  }

  async #actOutside(): Promise<void> {
    const chance = this.#chance;
    const act = chance.weighted({
      host: 3,
      join: 6,
      stay: 2,
      find: 2,
      guess: 1,
      name: 1,
      nonsense: 1,
      wait: 2,
      leave: 1,
    });
    count(this.#world.board, act);
    const player = this.#player;
    switch (act) {
      case "host": {
        const answer = await player.host({
          hostName: this.#name,
          lobbyName: `Game of ${this.#name}`,
          isPublic: chance.happens(0.6),
          maxMembers: chance.one([1, 2, 2, 3, 3, 4, 4, 8, 8, 64]) ?? 4,
          onLoss: chance.happens(0.3) ? "continue" : undefined,
          privacy: chance.happens(0.2) ? "relay-only" : undefined,
        });
        if (answer.status !== 201) return;
        this.#enter(String(answer.body?.lobbyId), true);
        tellCode(this.#world.board, String(answer.body?.lobbyId));
        return;
      }
      case "stay": {
        const known = chance.one(this.#world.board.staying);
        return known && (await this.#join(known.code, { password: known.password }));
      }
      case "join":
        return await this.#join(chance.one(this.#world.board.codes) ?? "AAAAA");
      case "find": {
        const response = await fetch(new URL("/lobbies?limit=20", this.#world.url));
        const { lobbies = [] }: { lobbies?: { id: string }[] } = JSON.parse(await response.text());
        return await this.#join(chance.one(lobbies)?.id ?? "AAAAA");
      }
      case "name":
        return await this.#guessName(chance.one(this.#world.board.names) ?? "rabid:Soak1");
      case "guess":
        return await this.#join(
          chance
            .between(0, 36 ** 5 - 1)
            .toString(36)
            .padStart(5, "0"),
        );
      case "nonsense":
        await player.post("/lobbies", { hostName: " ", lobbyName: 7, isPublic: "yes", maxMembers: 65 });
        player.chat("AAAAA", "Is anybody there?");
        player.reportsSuccess();
        return;
      case "leave":
        return await this.#part();
      case "wait":
        return;
    }
  }

  async #actInside(): Promise<void> {
    const chance = this.#chance;
    const lobbyId = this.#lobbyId ?? "";
    const player = this.#player;
    const act = chance.weighted({
      chat: 8,
      chatter: 1,
      start: this.#isHost ? 4 : 0.3,
      other: 0.5,
      unseen: 0.3,
      move: 0.5,
      wait: 5,
      leave: this.#isHost ? 0.4 : 0.8,
    });
    count(this.#world.board, act);
    switch (act) {
      case "chat":
        player.chat(lobbyId, `${this.#name} says ${chance.between(1, 1_000_000)}`);
        return;
      case "chatter":
        for (let i = 0; i < 15; i++) player.chat(lobbyId, `${i} of ${chance.between(1, 1_000_000)}`);
        return;
      case "start":
        await player.start(lobbyId);
        return;
      case "other":
        // It is in a lobby: both are refused.
        if (chance.happens(0.5)) await player.host({ hostName: this.#name });
        else await player.join(chance.one(this.#world.board.codes) ?? "AAAAA", this.#name);
        return;
      case "unseen":
        player.say("ptpMediation_unseen", { mediation: this.#mediated.mediation() });
        return;
      case "move":
        this.#mediated.move();
        return;
      case "leave":
        return await this.#part();
      case "wait":
        return;
    }
  }

  async #join(code: string, additions: object = {}): Promise<void> {
    const answer = await this.#player.join(code, this.#name, additions);
    if (answer.status === 200) this.#enter(String(answer.body?.lobbyId), false);
  }

  #enter(lobbyId: string, isHost: boolean): void {
    const isOver = this.#player.all("lobby_closed").some((closed) => closed.lobbyId === lobbyId);
    if (isOver) return;
    this.#lobbyId = lobbyId;
    this.#isHost = isHost;
  }

  /** Nobody gets at a lobby of another protocol this way, nor learns whether there is one. */
  async #guessName(name: string): Promise<void> {
    const { board } = this.#world;
    const answer = this.#chance.happens(0.5)
      ? await this.#player.join(name, this.#name)
      : await this.#player.host({ hostName: this.#name, code: name });
    if (answer.status === 403 || answer.status === 429 || answer.status >= 500 || answer.status === 0) return;
    if (String(answer.body?.codes) === "invalid_token") return;
    const sentence = `${this.#name} asked about ${name}, and was answered ${answer.status} ${answer.text}.`;
    board.complaints.push({ sentence, players: [this.#player] });
  }

  #ping(): NodeJS.Timeout {
    this.#player.say("client_pings");
    return setInterval(() => this.#player.socket.send("ping", () => {}), this.#world.pingMs);
  }

  /** Closes the socket, lets it break, or has a network that falls silent, of which only a client's pings tell. */
  async #part(): Promise<void> {
    const how = this.#chance.weighted({ closed: 4, cut: 4, "fell silent": this.#pinging ? 2 : 0 });
    this.#world.board.partings.push({ player: this.#player, how, at: Date.now() });
    count(this.#world.board, `part (${how})`);
    this.#isGone = true;
    clearInterval(this.#pinging ?? undefined);
    if (how === "closed") await Promise.race([this.#player.leave(), pass(5_000)]);
    else if (how === "cut") this.#player.vanish();
  }

  /** Does what the server asks for, mostly. */
  #listen(): void {
    const news = this.#player.heard.slice(this.#dealt);
    this.#dealt += news.length;
    for (const { method, payload } of news) {
      if (method === "lobby_closed" && payload.lobbyId === this.#lobbyId) this.#lobbyId = null;
      if (!this.#isGone) this.#mediated.take(method, payload);
    }
  }
}
