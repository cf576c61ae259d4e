/**
 * Into an open lobby of a game, or into a new one. The directory's shard of the game says where to go, and knows meanwhile
 * that the player is on the way (worker/objects/matches.ts). Only the lobby decides who gets in.
 */
import { listedData } from "../../core/lobby/state.ts";
import { accept, type Outcome, type ProblemCode, refuse } from "../../core/problem.ts";
import type { MatchAnswer, MatchRequest } from "../../core/wire/finding.ts";
import type { HostAnswer, JoinAnswer } from "../../core/wire/http.ts";
import type { Env } from "../platform/env.ts";
import { platformLimits } from "../platform/limits.ts";
import { logFault } from "../platform/log.ts";
import type { Admission, Placement, Seeker } from "../platform/ports.ts";
import { retry } from "../platform/retry.ts";
import { directoryOfGame } from "../platform/stubs.ts";
import { holderLimits } from "./limits.ts";

/** How the player gets into a lobby. */
export type Doors = {
  /** Codes for a new one. */
  codes: Iterable<string>;
  open(code: string): Promise<Outcome<Admission<HostAnswer>>>;
  join(lobbyId: string): Promise<Outcome<Admission<JoinAnswer>>>;
  /** Lobbies that it does not go to: their hosts have removed the player. */
  closed: readonly string[];
  /** Whether the player is still connected. */
  isHere(): boolean;
};

/** Refusals that another lobby may not give. */
const ofThatLobby: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "no_such_lobby",
  "banned",
  "password_needed",
  "locked_by_host",
  "lobby_locked",
  "lobby_full",
  "name_taken",
  "returned_too_often",
  "unavailable",
]);

export async function match(
  env: Env,
  session: string,
  { game, where, create }: Omit<MatchRequest, "token">,
  { codes, open, join, closed, isHere }: Doors,
): Promise<Outcome<Admission<MatchAnswer>>> {
  // Anew for each call: a stub that has met the end of its object stays broken.
  const directory = () => directoryOfGame(env, game);
  const seeker = { session, game, where, plan: planOf(create) };
  const not = [...closed];
  let gone: string | undefined;
  let last: Outcome<never> = refuse("unavailable");
  /** Null if it has no answer: it has lost its memory, or others take too long. */
  const ask = async (code: string): Promise<Placement | null> => {
    const opens = not.length - closed.length >= holderLimits.matchRefusals;
    const asked = async (): Promise<Placement | null> =>
      await directory().match({ ...seeker, not, gone, code, opens });
    return await retry(asked, platformLimits.promptRetryDelaysMs);
  };
  let failures = 0;
  for (const code of codes) {
    const placement = await ask(code).catch((error: unknown) => {
      logFault("directory_unreachable", { clientId: session }, error);
      failures += 1;
      return failures < holderLimits.matchFailures ? "again" : null;
    });
    if (!isHere()) last = refuse("invalid_token");
    if (placement === null || !isHere()) break;
    if (placement === "again") continue;
    if (placement.kind === "join") {
      const joined = await join(placement.lobbyId);
      if (joined.ok) return admitted(joined.value, false);
      last = joined;
      if (!joined.codes.every((one) => ofThatLobby.has(one))) break;
      not.push(placement.lobbyId);
      gone = joined.codes.includes("no_such_lobby") ? placement.lobbyId : undefined;
    } else {
      const opened = await open(code);
      if (opened.ok) return admitted(opened.value, true);
      last = opened;
      if (!opened.codes.includes("code_taken")) break;
    }
  }
  // Others wait for the lobby, or for the place.
  await directory()
    .unmatch(session)
    .catch(() => {});
  return last;
}

/** The answer to a match that was done already: its first answer may have been lost. */
export async function matchAgain(
  lobbyId: string,
  { open, join }: Doors,
): Promise<Outcome<Admission<MatchAnswer>>> {
  const opened = await open(lobbyId);
  if (opened.ok) return admitted(opened.value, true);
  const joined = opened.codes.includes("code_taken") ? await join(lobbyId) : opened;
  return joined.ok ? admitted(joined.value, false) : joined;
}

function admitted(
  { answer, incarnation }: Admission<JoinAnswer> | Admission<HostAnswer>,
  created: boolean,
): Outcome<Admission<MatchAnswer>> {
  return accept({ answer: { ...answer, created } as MatchAnswer, incarnation });
}

/** What will be listed of the lobby. */
function planOf({
  lobbyName,
  maxMembers,
  privacy,
  title,
  data,
  password,
  locked,
  encryption,
}: MatchRequest["create"]): Seeker["plan"] {
  return {
    name: lobbyName,
    maxMembers,
    privacy: privacy ?? "open",
    locked: locked === true,
    hasPassword: password !== undefined,
    ...(encryption === "required" && { encryption }),
    ...(title !== undefined && { title }),
    ...(data && { data: listedData(data) }),
  };
}
