/** What an operator sees of a lobby: who is there, and how they are connected. No token, no key, no address, no code. */
import type { Presence } from "./state.ts";
import { isAway, isInformed, type LobbyState, memberOf, presenceOf, privacyOf, type Via } from "./state.ts";

export type Inspection = {
  lobbyName: string;
  title: string | null;
  game: string | null;
  isPublic: boolean;
  privacy: ReturnType<typeof privacyOf>;
  maxMembers: number;
  locked: boolean;
  hasPassword: boolean;
  lifetime: "mediation" | "session";
  topology: "star" | "mesh";
  phase: LobbyState["phase"]["kind"];
  /** Members that were banned. */
  bans: number;
  members: InspectedMember[];
};

export type InspectedMember = {
  clientId: string;
  name: string;
  displayName: string | null;
  isHost: boolean;
  /** `until`: when its place is lost, in milliseconds since 1970. */
  presence: Presence;
  /** By what it is connected to its peers, at its weakest; null if it is not, or not yet. */
  path: Via | null;
  /** When it came, in milliseconds since 1970, where the lobby knows that. */
  since: number | null;
  /** Whether its client knows the additions to Orion. */
  isInformed: boolean;
};

export function inspected(state: LobbyState): Inspection {
  return {
    lobbyName: state.name,
    title: state.title ?? null,
    game: state.game ?? null,
    isPublic: state.isPublic,
    privacy: privacyOf(state),
    maxMembers: state.maxMembers,
    locked: state.locked === true,
    hasPassword: state.password !== undefined,
    lifetime: state.lifetime ?? "mediation",
    topology: state.topology ?? "star",
    phase: state.phase.kind,
    bans: state.bans?.length ?? 0,
    members: state.members.map((member) => {
      const { clientId, name, displayName, since } = member;
      return {
        clientId,
        name,
        displayName: displayName ?? null,
        isHost: clientId === state.hostId,
        presence: presenceOf(state, clientId),
        path: pathOf(state, clientId),
        since: since ?? null,
        isInformed: isInformed(member),
      };
    }),
  };
}

/** What it has said in the mediation under way, or in the one before. */
function pathOf(state: LobbyState, clientId: string): Via | null {
  const { phase, playing = [] } = state;
  if (isAway(state, clientId) || !memberOf(state, clientId)) return null;
  const at = phase.kind === "connecting" ? phase.reported.indexOf(clientId) : -1;
  if (phase.kind === "connecting" && at >= 0) return phase.via[at] ?? "unknown";
  return playing.find((one) => one.clientId === clientId)?.via ?? null;
}
