/**
 * How a lobby is kept: as a row of its object, or attached to its host's socket. Another version of this code may have
 * written it, an older one or, after a rollback, a newer one. What this version cannot read is a lobby that is over.
 */
import { type LastingState, lasting, restored } from "./lasting.ts";
import { type LobbyState, type Phase, wakeAt } from "./state.ts";

/** Goes up when older versions of this code could not read what this one keeps. They would take it for something else. */
const version = 1;

export type KeptLobby = LastingState & { readonly v: typeof version };

export function keptLobby(state: LobbyState): KeptLobby {
  return { ...lasting(state), v: version };
}

/** The lobby again; null if it cannot be read, or is another one. Never throws. */
export function readKeptLobby(kept: unknown, lobbyId: string): LobbyState | null {
  if (!isKeptLobby(kept) || kept.lobbyId !== lobbyId) return null;
  try {
    const { v: _, ...state } = kept;
    const lobby = restored(state);
    // A deadline that is missing, or is none, would never come.
    return Number.isNaN(wakeAt(lobby)) ? null : lobby;
  } catch {
    return null;
  }
}

const phases: { readonly [Kind in Phase["kind"]]: true } = {
  waiting: true,
  gathering: true,
  connecting: true,
  closing: true,
};

function isKeptLobby(kept: unknown): kept is KeptLobby {
  if (!isRecord(kept) || kept.v !== version) return false;
  const { members, phase, hostId, incarnation, name, maxMembers, auditAt, auditMs } = kept;
  return (
    [hostId, incarnation, name].every((text) => typeof text === "string") &&
    [maxMembers, auditAt, auditMs].every((number) => typeof number === "number") &&
    isRecord(phase) &&
    Object.hasOwn(phases, String(phase.kind)) &&
    Array.isArray(members) &&
    members.every(isMember)
  );
}

function isMember(member: unknown): boolean {
  if (!isRecord(member)) return false;
  const { clientId, name, holder, requestId } = member;
  return [clientId, name, holder, requestId].every((text) => typeof text === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
