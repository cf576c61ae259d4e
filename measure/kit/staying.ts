/** Lobbies for tests in which players stay: all of them know the additions to Orion. */
import { type Answer, Player } from "./player.ts";

/** What such a lobby is opened with, unless a test wants something else. */
export const staysOpen = { lifetime: "session", graceMs: 60_000, onHostLoss: "migrate", onLoss: "continue" };

export type StayingLobby = {
  lobbyId: string;
  host: Player;
  guests: Player[];
  /** The host first. */
  all: Player[];
  /** Each one's resume key, in the same order. */
  keys: string[];
  /** A new connection, on the lobby's path. */
  connect(): Promise<Player>;
};

/** A player that has said what it can do. */
export async function informedPlayer(base: URL, path: string, headers = {}): Promise<Player> {
  const player = await Player.connect(base, path, headers);
  player.say("client_features", { features: [] });
  await player.settled();
  return player;
}

/** A lobby of so many players by the direct path, or by the plain one. `options`: what else it is opened with. */
export async function stayingLobby(
  base: URL,
  size: number,
  { direct = true, ...options }: { direct?: boolean; [option: string]: unknown } = {},
): Promise<StayingLobby> {
  const connect = (path: string) => informedPlayer(base, direct ? path : "/");
  const host = await connect("/lobbies");
  const opened = checked(await host.host({ ...staysOpen, ...options }));
  const lobbyId = String(opened.body?.lobbyId);
  const all = [host];
  const keys = [String(opened.body?.resumeKey)];
  for (let i = 1; i < size; i++) {
    const guest = await connect(`/lobbies/${lobbyId}`);
    const answer = checked(await guest.join(lobbyId, `Guest ${i}`));
    all.push(guest);
    keys.push(String(answer.body?.resumeKey));
  }
  return {
    lobbyId,
    host,
    guests: all.slice(1),
    all,
    keys,
    connect: () => connect(`/lobbies/${lobbyId}`),
  };
}

function checked(answer: Answer): Answer {
  if (answer.status >= 300) throw new Error(`refused: ${answer.text}`);
  return answer;
}
