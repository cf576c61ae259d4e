/** A lobby in which people stay, written by hand: what its players hear and are answered, as a server without faults says it. */
import { Player } from "../../measure/kit/player.ts";

export const code = "K7Q2M";

type Member = {
  clientId: string;
  name: string;
  presence: "connected" | "away";
  data: Record<string, unknown>;
};
/** One member by one connection. */
export type Seat = { player: Player; member: Member; isPlain: boolean };
type Wish = { plain?: boolean; holder?: string; clientId?: string };

/** Orion's part of a message, for clients that know no more; null if they are not told. */
function plainly(method: string, { peerName, message }: Record<string, unknown>): object | null {
  if (/^lobby_peer(Connect|Disconnect)$/.test(method)) return { lobbyId: code, peerName };
  return method === "lobby_messaging_received" ? { lobbyId: code, message } : null;
}

/**
 * Each method does one thing as it should be, 100 ms after the one before. A test brings about a fault by changing a field between
 * two of them, or with `hears`, `asks` and `isAnswered` of its own.
 */
export class HandMadeLobby {
  readonly players: Player[] = [];
  /** Connected members. */
  present: Seat[] = [];
  members: Member[] = [];
  version = 0;
  term = 1;
  hostId = "";
  maxMembers = 8;
  data: Record<string, unknown> = {};
  settings: Record<string, unknown> = {
    lobbyName: "Tea",
    title: "Tea",
    isPublic: false,
    locked: false,
    hasPassword: false,
  };
  /** Long ago: nothing is on its way any more. */
  now = Date.now() - 120_000;
  #asked = 0;

  picture(): Record<string, unknown> {
    return {
      lobbyId: code,
      ...this.settings,
      game: null,
      maxMembers: this.maxMembers,
      lifetime: "session",
      topology: "star",
      privacy: "open",
      onLoss: "continue",
      onHostLoss: "migrate",
      signals: "peers",
      graceMs: 5_000,
      hostId: this.hostId,
      term: this.term,
      version: this.version,
      data: { ...this.data },
      members: this.members.map((member) => {
        const { clientId, name, presence, data } = member;
        return { clientId, name, displayName: name, presence, data, ready: false, hidden: false, via: null };
      }),
      phase: { kind: "waiting", seen: [], awaited: [] },
    };
  }

  connects(clientId: string, { plain = false, holder = code }: Wish = {}): Player {
    const player: Player = Object.create(Player.prototype, {
      clientId: { value: clientId },
      holder: { value: holder },
      base: { value: new URL("http://localhost") },
      story: { value: [] },
      heard: { value: [] },
      ports: { value: new Set() },
    });
    this.players.push(player);
    if (!plain) this.says(player, "client_features", { features: [] });
    return player;
  }

  says(player: Player, method: string, payload: Record<string, unknown>): void {
    this.now += 100;
    player.story.push({ at: this.now, kind: "said", method, payload });
  }

  hears(player: Player, method: string, payload: Record<string, unknown> = {}): void {
    const message = { method, payload };
    player.heard.push(message);
    player.story.push({ at: this.now, kind: "heard", message });
  }

  asks(player: Player, path: string, body: Record<string, unknown> = {}): number {
    this.now += 100;
    this.#asked += 1;
    player.story.push({ at: this.now, kind: "asked", nr: this.#asked, path, body });
    return this.#asked;
  }

  isAnswered(player: Player, nr: number, status = 200, body: Record<string, unknown> | null = null): void {
    this.now += 100;
    player.story.push({ at: this.now, kind: "answered", nr, status, body });
  }

  loses(player: Player, code = 1006): void {
    this.now += 100;
    player.story.push({ at: this.now, kind: "closed", code });
  }

  /** All hear this as the next version. */
  tells(method: string, payload: Record<string, unknown>, to: readonly Seat[] = this.present): void {
    this.version += 1;
    this.repeats(method, payload, to);
  }

  /** The same with the version of now. */
  repeats(method: string, payload: Record<string, unknown>, to: readonly Seat[] = this.present): void {
    this.now += 100;
    for (const { player, isPlain } of to) {
      const known = { lobbyId: code, version: this.version, ...payload };
      const told = isPlain ? plainly(method, known) : known;
      if (told) this.hears(player, method, { ...told });
    }
  }

  opens(name: string, wish: Wish = {}): Seat {
    const clientId = wish.clientId ?? `id-${name}`;
    const player = this.connects(clientId, wish);
    const { lobbyName, isPublic } = this.settings;
    const { maxMembers } = this;
    const nr = this.asks(player, "/lobbies", {
      hostName: name,
      lobbyName,
      isPublic,
      maxMembers,
      onLoss: "continue",
    });
    const seat = this.#sits(player, { clientId, name, presence: "connected", data: {} }, false);
    this.hostId = clientId;
    this.isAnswered(player, nr, 201, { lobbyId: code, lobbyName, lobby: this.picture() });
    return seat;
  }

  joins(name: string, wish: Wish & { player?: Player } = {}): Seat {
    const clientId = wish.clientId ?? wish.player?.clientId ?? `id-${name}`;
    const player = wish.player ?? this.connects(clientId, wish);
    const nr = this.asks(player, `/lobbies/${code}/join`, { peerName: name });
    return this.letsIn(player, nr, name, { plain: wish.plain ?? false });
  }

  /** A request to join is taken, and answered with this status; with null, not yet. */
  letsIn(
    player: Player,
    nr: number,
    name: string,
    { plain = false, status = 200 }: { plain?: boolean; status?: number | null } = {},
  ): Seat {
    const { clientId } = player;
    this.tells("lobby_peerConnect", { peerName: name, clientId });
    const seat = this.#sits(player, { clientId, name, presence: "connected", data: {} }, plain);
    if (status !== null) this.isAnswered(player, nr, status, status === 200 ? this.welcome(plain) : null);
    return seat;
  }

  welcome(plain = false): Record<string, unknown> {
    const lobbyMembers = this.members.map(({ name }) => name);
    return { lobbyId: code, lobbyName: "Tea", lobbyMembers, ...(!plain && { lobby: this.picture() }) };
  }

  #sits(player: Player, member: Member, isPlain: boolean): Seat {
    const seat = { player, member, isPlain };
    this.members = [...this.members.filter((one) => one.clientId !== member.clientId), member];
    this.present = [...this.present, seat];
    return seat;
  }

  /** It is not there any more, and nobody has heard so. */
  isGone({ member }: Seat): void {
    this.members = this.members.filter((one) => one.clientId !== member.clientId);
    this.present = this.present.filter((seat) => seat.member !== member);
  }

  leaves(seat: Seat): void {
    const nr = this.asks(seat.player, `/lobbies/${code}/leave`);
    this.isGone(seat);
    this.tells("lobby_peerDisconnect", { peerName: seat.member.name, clientId: seat.member.clientId });
    this.isAnswered(seat.player, nr);
  }

  goesAway(seat: Seat): void {
    this.loses(seat.player);
    this.present = this.present.filter((one) => one !== seat);
    this.marks(seat, "away");
    this.tells("lobby_memberAway", { peerName: seat.member.name, clientId: seat.member.clientId, until: 0 });
  }

  marks({ member }: Seat, presence: Member["presence"]): void {
    this.members = this.members.map((one) => (one.clientId === member.clientId ? { ...one, presence } : one));
  }

  /** By another connection. */
  comesBack(seat: Seat, wish: Wish = {}): Seat {
    const player = this.connects(`${seat.member.clientId}-again`, wish);
    const nr = this.asks(player, `/lobbies/${code}/resume`, { resumeKey: `${seat.member.clientId}.0.mac` });
    return this.isBack(seat, player, nr);
  }

  isBack(seat: Seat, player: Player, nr: number, status = 200): Seat {
    this.marks(seat, "connected");
    this.tells("lobby_memberBack", { peerName: seat.member.name, clientId: seat.member.clientId });
    const back = { ...seat, player };
    this.present = [...this.present, back];
    this.isAnswered(player, nr, status, status === 200 ? this.welcome() : null);
    return back;
  }

  follows({ member: { clientId, name } }: Seat): void {
    this.hostId = clientId;
    this.term += 1;
    this.tells("lobby_hostChanged", { host: name, clientId, term: this.term });
  }

  changes(change: Record<string, unknown>, data: Record<string, unknown> = {}): void {
    this.settings = { ...this.settings, ...change };
    this.data = { ...this.data, ...data };
    this.tells("lobby_changed", { ...change, data });
  }

  chats(seat: Seat, text: string): void {
    this.says(seat.player, "lobby_messaging_send", { lobbyId: code, message: text });
    this.hearChat(seat, text);
  }

  hearChat({ member: { name } }: Seat, text: string, to = this.present): void {
    this.repeats(
      "lobby_messaging_received",
      { message: { senderName: name, message: text, timestamp: 0 } },
      to,
    );
  }

  removes(host: Seat, seat: Seat, { ban = false, last = "lobby_kicked" } = {}): void {
    const { clientId, name } = seat.member;
    const nr = this.asks(host.player, `/lobbies/${code}/kick`, { clientId, ban });
    this.isGone(seat);
    this.hears(seat.player, last, { lobbyId: code });
    this.tells("lobby_peerDisconnect", { peerName: name, clientId, kicked: true });
    this.isAnswered(host.player, nr);
  }

  signals(from: Seat, to: Seat, n: number, wrong: Record<string, unknown> = {}): void {
    this.now += 100;
    const by = from.member.clientId;
    this.hears(to.player, "lobby_signal", {
      lobbyId: code,
      from: by,
      data: { by, to: to.member.clientId, n, ...wrong },
    });
  }

  /** A request that changes nothing that is told, and its answer. */
  does(
    { player }: Seat,
    path: string,
    body: Record<string, unknown> = {},
    answer: Record<string, unknown> | null = null,
  ): void {
    this.isAnswered(player, this.asks(player, path, body), 200, answer);
  }

  looks(seat: Seat): void {
    this.does(seat, `GET /lobbies/${code}`, {}, this.picture());
  }

  writes(seat: Seat, bytes: string, version: number, durable = true): void {
    this.does(seat, `PUT /lobbies/${code}/snapshot`, { bytes }, { version, durable });
  }

  reads(seat: Seat, bytes: string, version: number): void {
    this.does(seat, `GET /lobbies/${code}/snapshot`, {}, { etag: `"${version}"`, bytes });
  }
}
