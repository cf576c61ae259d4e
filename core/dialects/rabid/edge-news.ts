/** What the edge says about a player's session, in the words of Rabid. */
import type { RabidEvent } from "./event.ts";
import { introduce } from "./starting.ts";
import { forget, isReady, noteUse, type Player, playerOf, type RabidSession, takeIn } from "./state.ts";
import { type Draft, dismiss, inform, say, tell } from "./telling.ts";
import { errorText, type RabidError } from "./texts.ts";

type EdgeEvent = Exclude<RabidEvent, { kind: "datagram-received" | "deadline-passed" | "stopping" }>;

/**
 * The edge's codes, as Rabid has them. Any other is not answered: a full or unreachable server is none of the player's faults, and the
 * plugin tries on, until it gives up with `server_timeout`.
 */
const joinErrors: Readonly<Record<string, RabidError>> = {
  no_such_lobby: "session_non_existent",
  lobby_locked: "session_non_existent",
  password_needed: "password_mismatch",
  wrong_password: "password_mismatch",
  lobby_full: "session_full",
  name_taken: "player_name_in_use",
  banned: "kicked_by_host",
};
const hostErrors: Readonly<Record<string, RabidError>> = { name_in_use: "session_exists" };
const startErrors: Readonly<Record<string, RabidError>> = {
  too_few_members: "only_one_player_in_session",
  not_the_host: "non_host_player",
};

export function hearEdge(draft: Draft, event: EdgeEvent): void {
  const player = draft.state.players.get(event.player);
  if (!player) return;
  switch (event.kind) {
    case "opened":
      opened(draft, player, event);
      break;
    case "refused":
      refused(draft, player, event.code);
      break;
    case "session-changed":
      changed(draft, player, event);
      break;
    case "start-refused":
      startRefused(draft, player, event.code);
      break;
    case "endpoint-wanted":
      wanted(draft, player, event.mediation);
      break;
    case "introduced": {
      const peers = event.peers.filter(({ ip }) => !ip.includes(":"));
      if (player.phase.kind === "gathering" && peers.length > 0) introduce(draft, player, peers);
      break;
    }
    case "aborted":
      aborted(draft, player);
      break;
    case "ended":
      ended(draft, player, event.isKicked);
      break;
  }
}

function opened(draft: Draft, player: Player, { members, isHost }: RabidSession): void {
  if (player.phase.kind !== "opening") return;
  const former = playerOf(draft.state, player.session, player.name);
  // The edge has one player of a name. The other's session is over, and that will be heard in a moment.
  if (former) dismiss(draft, former, null);
  takeIn(draft.state, player);
  player.phase = { kind: "waiting", startAskedAt: null };
  player.members = members;
  player.isHost = isHost;
  noteUse(draft.state, player, draft.now);
  inform(draft, player);
}

function refused(draft: Draft, player: Player, code: string): void {
  const { phase, at, session, name } = player;
  if (phase.kind !== "opening") return;
  forget(draft.state, player);
  const errors = phase.how === "host" ? hostErrors : joinErrors;
  const error = Object.hasOwn(errors, code) ? errors[code] : undefined;
  if (error) say(draft, at, { session, name, error, answers: phase.how, times: 1 });
}

function changed(draft: Draft, player: Player, { members, isHost }: RabidSession): void {
  const { phase, members: before } = player;
  player.members = members;
  player.isHost = isHost;
  noteUse(draft.state, player, draft.now);
  const isNews = members.length !== before.length || members.some(({ name }, i) => name !== before[i]?.name);
  if (isNews && phase.kind !== "started" && phase.kind !== "opening") inform(draft, player);
}

/** Where there is no answer, the plugin's next `s` asks again. */
function startRefused(draft: Draft, player: Player, code: string): void {
  const { phase } = player;
  const error = Object.hasOwn(startErrors, code) ? startErrors[code] : undefined;
  if (phase.kind !== "waiting" || !error) return;
  phase.startAskedAt = null;
  tell(draft, player, errorText(error));
}

/**
 * Only a player that has been heard several times is told to others: they will send hundreds of packets there. And it must know that it is
 * in: the plugin skips a start that comes before the names. It greets another player's right port for a quarter of a second, so one that
 * reads the start later than the others is never greeted.
 */
function wanted({ state, now, effects }: Draft, player: Player, mediation: string | undefined): void {
  const { phase, id, at } = player;
  if (phase.kind === "started" || phase.kind === "opening") return;
  const isObserved = isReady(player);
  player.phase = { kind: "gathering", mediation, isObserved };
  noteUse(state, player, now);
  if (isObserved) effects.push({ kind: "observe", player: id, from: at });
}

/** A player that was told the start is gone: it looks for its peers. */
function aborted(draft: Draft, player: Player): void {
  if (player.phase.kind === "started") dismiss(draft, player, null);
  if (player.phase.kind !== "gathering") return;
  player.phase = { kind: "waiting", startAskedAt: null };
  noteUse(draft.state, player, draft.now);
}

function ended(draft: Draft, player: Player, isKicked: boolean): void {
  const isStarted = player.phase.kind === "started";
  const error = isKicked ? "kicked_by_host" : "session_timeout";
  dismiss(draft, player, isStarted ? null : error, true);
}
