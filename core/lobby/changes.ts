/** What the host changes of its lobby, and a member of itself. Each change has a version, and all hear of it once. */

import { dialectOf } from "../dialects/names.ts";
import { accept } from "../problem.ts";
import { changedData, differing } from "../wire/data.ts";
import type { VersionAnswer } from "../wire/http.ts";
import { type Answered, listing, type Step, unlisting } from "./effect.ts";
import type { LobbyChange, MemberChange } from "./message.ts";
import type { ChangeMemberRequest, ChangeRequest } from "./request.ts";
import { knowing, type LobbyState, memberOf, versionOf } from "./state.ts";

/** The host changes what the lobby was opened with. A value that is set already changes nothing. */
export function change(state: LobbyState, request: ChangeRequest): Answered<LobbyState, VersionAnswer> {
  const { lobbyName, title, maxMembers, password, locked, data } = request.change;
  // Lobbies of dialects are never listed (answer.ts).
  const isPublic = dialectOf(state.lobbyId) === null ? request.change.isPublic : undefined;
  const told: { -readonly [Field in keyof LobbyChange]: LobbyChange[Field] } = {};
  let after: LobbyState = state;
  if (lobbyName !== undefined && lobbyName !== state.name) {
    after = { ...after, name: lobbyName };
    told.lobbyName = lobbyName;
  }
  if (title !== undefined && (title ?? undefined) !== state.title) {
    after = { ...after, title: title ?? undefined };
    told.title = title ?? after.name;
  }
  if (isPublic !== undefined && isPublic !== state.isPublic) {
    const { wasPublic: _, ...rest } = after;
    const { hostNetworks } = request;
    after = isPublic ? { ...rest, isPublic, hostNetworks } : { ...rest, isPublic, wasPublic: true };
    told.isPublic = isPublic;
  }
  if (maxMembers !== undefined && maxMembers !== state.maxMembers) {
    after = { ...after, maxMembers };
    told.maxMembers = maxMembers;
  }
  if (password !== undefined && (password !== null || state.password !== undefined)) {
    after = { ...after, password: password ?? undefined };
    told.hasPassword = password !== null;
  }
  if (locked !== undefined && locked !== (state.locked === true)) {
    after = { ...after, locked: locked || undefined };
    told.locked = locked;
  }
  const changed = data && differing(state.data ?? {}, data);
  if (changed) {
    after = { ...after, data: changedData(state.data ?? {}, changed) };
    told.data = changed;
  }
  if (after === state) return { state, answer: accept({ version: versionOf(state) }), effects: [] };
  const version = versionOf(state) + 1;
  const versioned: LobbyState = { ...after, version, changedAt: version };
  const unlisted = versioned.isPublic ? [] : unlisting(state);
  return {
    state: versioned,
    answer: accept({ version }),
    effects: [
      { kind: "save" },
      ...unlisted,
      ...listing(versioned),
      {
        kind: "send",
        to: knowing(versioned.members),
        message: { type: "lobbyChanged", version, change: told },
      },
    ],
  };
}

/** A member changes its data, or the name that people read. */
export function changeMember(
  state: LobbyState,
  { clientId, change: { displayName, data } }: ChangeMemberRequest,
): Answered<LobbyState, VersionAnswer> {
  const before = memberOf(state, clientId);
  const changed = before && data && differing(before.data ?? {}, data);
  const isRenamed = displayName !== undefined && displayName !== (before?.displayName ?? before?.name);
  if (!before || (!changed && !isRenamed))
    return { state, answer: accept({ version: versionOf(state) }), effects: [] };
  const told: MemberChange = { ...(isRenamed && { displayName }), ...(changed && { data: changed }) };
  const member = {
    ...before,
    ...(isRenamed && { displayName }),
    ...(changed && { data: changedData(before.data ?? {}, changed) }),
  };
  const version = versionOf(state) + 1;
  const after: LobbyState = {
    ...state,
    version,
    changedAt: version,
    members: state.members.map((one) => (one === before ? member : one)),
  };
  const message = { type: "memberChanged", clientId, version, change: told } as const;
  return {
    state: after,
    answer: accept({ version }),
    effects: [{ kind: "save" }, { kind: "send", to: knowing(after.members), message }],
  };
}

/** A member's page is looked at, or not. Who becomes host may depend on it. */
export function hide(state: LobbyState, clientId: string, hidden: boolean): Step<LobbyState> {
  const before = memberOf(state, clientId);
  if (!before || (before.hidden === true) === hidden) return { state, effects: [] };
  const { hidden: _, ...rest } = before;
  const member = hidden ? { ...rest, hidden: true as const } : rest;
  const version = versionOf(state) + 1;
  const members = state.members.map((one) => (one === before ? member : one));
  const message = { type: "memberChanged", clientId, version, change: { hidden } } as const;
  return {
    state: { ...state, version, members },
    effects: [{ kind: "save" }, { kind: "send", to: knowing(members), message }],
  };
}
