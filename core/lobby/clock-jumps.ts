/**
 * A lobby and a clock that jumps. Deadlines are times of the wall clock, which jumps when a suspended machine
 * goes on, or when somebody sets it. Alarms come by the time that really passed. So an alarm that comes much
 * later than it was due shows a jump forward, and a deadline farther away than any is ever set shows a jump
 * back. Either way the mediation's deadlines move along. After a jump forward everybody is asked again at
 * once, and has one more interval at least.
 *
 * A jump shows at the next deadline. The lobby has one every `ptpmConnectRequestIntervalMs` while it gathers,
 * and every `clockLookMs` while it connects: a jump may shorten a phase by that much.
 */
import { sharedLimits } from "../limits.ts";
import { nextOf, wakeAt } from "./deadlines.ts";
import { lobbyLimits } from "./limits.ts";
import type { Absence, Connecting, Gathering, LobbyState } from "./state.ts";

/**
 * The lobby with its deadlines as they should be at `now`. `isAlarm`: the alarm that the lobby waits for has
 * come.
 */
export function onTime(state: LobbyState, now: number, isAlarm: boolean): LobbyState {
  const auditAt = isFar(state.auditAt, now, state.auditMs) ? now + state.auditMs : state.auditAt;
  const phase = isMediation(state.phase) ? inTime(state.phase, now, isAlarm) : state.phase;
  const away = awayInTime(state, now, isAlarm);
  const newcomersPause = pauseInTime(state, now);
  const isSame =
    auditAt === state.auditAt &&
    phase === state.phase &&
    away === state.away &&
    newcomersPause === state.newcomersPause;
  return isSame ? state : { ...state, auditAt, phase, away, ...(newcomersPause && { newcomersPause }) };
}

function pauseInTime({ newcomersPause: pause }: LobbyState, now: number): LobbyState["newcomersPause"] {
  return pause && isFar(pause.until, now, pause.ms) ? { ...pause, until: now + pause.ms } : pause;
}

/**
 * After a jump forward, members that are away have all their time again; after a jump back, no more than
 * that.
 */
function awayInTime({ away, graceMs }: LobbyState, now: number, isAlarm: boolean): LobbyState["away"] {
  const until = now + graceMs;
  const lateMs = now - Math.min(...away.map((one) => one.until));
  const jumped = isAlarm && lateMs > sharedLimits.clockSlackMs;
  const isOff = ({ until, letGo }: Absence) =>
    isFar(until, now, graceMs) || (letGo !== undefined && isFar(letGo.at, now, letGo.pauseMs));
  if (!jumped && !away.some(isOff)) return away;
  return away.map((one) => ({
    ...one,
    until: jumped ? until : Math.min(one.until, until),
    ...(one.letGo && { letGo: { ...one.letGo, at: Math.min(one.letGo.at, now + one.letGo.pauseMs) } }),
  }));
}

/** Whether the lobby has something to do at `now`: a deadline came, or the clock was set back. */
export function isDue(state: LobbyState, now: number): boolean {
  return wakeAt(state) <= now || onTime(state, now, false) !== state;
}

function isMediation(phase: LobbyState["phase"]): phase is Gathering | Connecting {
  return phase.kind === "gathering" || phase.kind === "connecting";
}

function inTime(phase: Gathering | Connecting, now: number, isAlarm: boolean): Gathering | Connecting {
  const lateMs = now - nextOf(phase);
  if (isAlarm && lateMs > sharedLimits.clockSlackMs) return movedOn(phase, lateMs, now);
  const next = phase.kind === "gathering" ? phase.remindAt : phase.lookAt;
  const spanMs = intervalOf(phase);
  return isFar(next, now, spanMs) ? movedBack(phase, next - now - spanMs) : phase;
}

function movedOn(phase: Gathering | Connecting, ms: number, now: number): Gathering | Connecting {
  const giveUpAt = Math.max(phase.giveUpAt + ms, now + intervalOf(phase));
  if (phase.kind === "connecting") return { ...phase, giveUpAt, lookAt: now };
  const { goOnAt, confirmAt } = phase;
  return {
    ...phase,
    giveUpAt,
    remindAt: now,
    goOnAt: goOnAt && now + lobbyLimits.stragglerMs,
    confirmAt: confirmAt && now + lobbyLimits.confirmMs,
  };
}

function movedBack(phase: Gathering | Connecting, ms: number): Gathering | Connecting {
  const giveUpAt = phase.giveUpAt - ms;
  if (phase.kind === "connecting") return { ...phase, giveUpAt, lookAt: phase.lookAt - ms };
  const { remindAt, goOnAt, confirmAt } = phase;
  return {
    ...phase,
    giveUpAt,
    remindAt: remindAt - ms,
    goOnAt: goOnAt && goOnAt - ms,
    confirmAt: confirmAt && confirmAt - ms,
  };
}

function intervalOf(phase: Gathering | Connecting): number {
  return phase.kind === "gathering" ? phase.intervalMs : lobbyLimits.clockLookMs;
}

function isFar(at: number, now: number, spanMs: number): boolean {
  return at > now + spanMs + sharedLimits.clockSlackMs;
}
