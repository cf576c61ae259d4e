/** The whole picture of a lobby, as one of its members sees it. */
import type { Picture, PicturedMember } from "../wire/picture.ts";
import { participants } from "./policy.ts";
import { rollCall } from "./roll-call.ts";
import { isAway, type LobbyState, type Member, mediationId, privacyOf, termOf, versionOf } from "./state.ts";

/** `clientId`: whose picture. Only the host is told whom it has banned. */
export function pictureOf(state: LobbyState, clientId: string): Picture {
  const {
    lobbyId,
    name,
    title = name,
    game = null,
    isPublic,
    maxMembers,
    hostId,
    graceMs,
    data = {},
  } = state;
  return {
    lobbyId,
    lobbyName: name,
    title,
    game,
    isPublic,
    maxMembers,
    locked: state.locked === true,
    hasPassword: state.password !== undefined,
    lifetime: state.lifetime ?? "mediation",
    topology: state.topology ?? "star",
    privacy: privacyOf(state),
    onLoss: state.goesOn ? "continue" : "abort",
    onHostLoss: state.onHostLoss ?? "close",
    signals: state.signals ?? "peers",
    encryption: state.encryption ?? "preferred",
    graceMs,
    hostId,
    term: termOf(state),
    version: versionOf(state),
    data,
    members: state.members.map((member) => pictured(state, member)),
    phase: phaseOf(state),
    ...(clientId === hostId && {
      bans: (state.bans ?? []).map(({ clientId, name }) => ({ clientId, name })),
    }),
  };
}

function pictured(state: LobbyState, member: Member): PicturedMember {
  const { clientId, name, displayName = name, data = {}, hidden = false } = member;
  return {
    clientId,
    name,
    displayName,
    presence: isAway(state, clientId) ? "away" : "connected",
    data,
    ready: data.ready === true,
    hidden,
    via: state.playing?.find((one) => one.clientId === clientId)?.via ?? null,
  };
}

/** Who has been seen, or has reported, and who has not. */
function phaseOf(state: LobbyState): Picture["phase"] {
  const { phase } = state;
  const ids = (members: readonly Member[]) => members.map(({ clientId }) => clientId);
  switch (phase.kind) {
    case "gathering": {
      const { present, missing } = rollCall(state, phase);
      return { kind: "gathering", mediation: mediationId(phase), seen: ids(present), awaited: ids(missing) };
    }
    case "connecting": {
      const all = ids(participants(state, phase));
      const isThrough = (clientId: string) => phase.reported.includes(clientId) && !isAway(state, clientId);
      return {
        kind: "connecting",
        mediation: mediationId(phase),
        seen: all.filter(isThrough),
        awaited: all.filter((clientId) => !isThrough(clientId)),
      };
    }
    default:
      return { kind: "waiting", seen: [], awaited: [] };
  }
}
