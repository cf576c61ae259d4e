/** The two ways to a lobby: by the upgrade on `/` that Orion's clients know, and by the direct paths. */
import * as z from "zod";
import { objectLimits } from "../../worker/objects/limits.ts";
import type { Http } from "./http.ts";
import { atATime } from "./load.ts";
import { Player } from "./player.ts";

export type Path = "plain" | "direct";
export const paths: readonly Path[] = ["plain", "direct"];

/** Where a host's WebSocket is opened. */
export const hostPath = { plain: "/", direct: "/lobbies" } as const satisfies Record<Path, string>;

/** A lobby with all its members, the host first. */
export type Party = { lobbyId: string; members: Player[] };

const hosted = z.object({ lobbyId: z.string() });

/** Guests on their way into one lobby at a time: its object holds no more of them before they have joined. */
const arriving = objectLimits.strangersHeld;

/** Opens a private lobby of so many members: one connects and hosts, the others connect and join. */
export async function meet(base: URL, http: Http, path: Path, size: number): Promise<Party> {
  const host = await Player.connect(base, hostPath[path]);
  const about = { hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: size };
  const { lobbyId } = hosted.parse(JSON.parse(await http.post("/lobbies", { token: host.token, ...about })));
  const guests: Player[] = [];
  await atATime(arriving, size - 1, async (index) => {
    const guest = await Player.connect(base, path === "plain" ? "/" : `/lobbies/${lobbyId}`);
    await http.post(`/lobbies/${lobbyId}/join`, { token: guest.token, peerName: `Guest ${index}` });
    guests.push(guest);
  });
  return { lobbyId, members: [host, ...guests] };
}

/** Starts the mediation of a party. */
export async function startMediation(http: Http, { lobbyId, members: [host] }: Party): Promise<void> {
  await http.post(`/lobbies/${lobbyId}/ptp/start`, { token: host?.token });
}
