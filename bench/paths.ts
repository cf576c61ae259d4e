/** The two ways to a lobby: by the upgrade on `/` that Orion's clients know, and by the direct paths. */
import * as z from "zod";
import type { Http } from "./http.ts";
import { Player } from "./player.ts";

export type Path = "plain" | "direct";
export const paths: readonly Path[] = ["plain", "direct"];

/** Where a host's WebSocket is opened. */
export const hostPath = { plain: "/", direct: "/lobbies" } as const satisfies Record<Path, string>;

/** A lobby with all its members, the host first. */
export type Party = { lobbyId: string; members: Player[] };

const hosted = z.object({ lobbyId: z.string() });

/** Opens a private lobby of so many members: they connect, one hosts, the others join. */
export async function meet(base: URL, http: Http, path: Path, size: number): Promise<Party> {
  const connect = (count: number, where: string) =>
    Promise.all(Array.from({ length: count }, () => Player.connect(base, where)));
  const early = await connect(path === "plain" ? size : 1, hostPath[path]);
  const [host] = early;
  if (!host) throw new Error("A lobby needs a host.");
  const about = { hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: size };
  const { lobbyId } = hosted.parse(JSON.parse(await http.post("/lobbies", { token: host.token, ...about })));
  const late = path === "plain" ? early.slice(1) : await connect(size - 1, `/lobbies/${lobbyId}`);
  const join = ({ token }: Player, index: number) =>
    http.post(`/lobbies/${lobbyId}/join`, { token, peerName: `Guest ${index}` });
  await Promise.all(late.map(join));
  return { lobbyId, members: [host, ...late] };
}

/** Starts the mediation of a party. */
export async function startMediation(http: Http, { lobbyId, members: [host] }: Party): Promise<void> {
  await http.post(`/lobbies/${lobbyId}/ptp/start`, { token: host?.token });
}
