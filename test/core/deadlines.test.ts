/** What a lobby does by itself when its time comes: reminders, giving up, audits, mending the directory. */
import { expect, test } from "vitest";
import { sharedLimits } from "../../core/limits.ts";
import { isDue } from "../../core/lobby/clock-jumps.ts";
import { wakeAt } from "../../core/lobby/deadlines.ts";
import type { LobbyEvent } from "../../core/lobby/event.ts";
import { lasting, restored } from "../../core/lobby/lasting.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import type { LobbyState } from "../../core/lobby/state.ts";
import { abortReasons } from "../../core/problem.ts";
import {
  closing,
  connecting,
  endpoint,
  gathering,
  heard,
  joined,
  type Lobby,
  left,
  listingFailed,
  lobbyOf,
  noon,
  otherSidecar,
  phaseOf,
  reported,
  said,
  seen,
  started,
  timing,
  woken,
} from "./a-lobby.ts";

const {
  ptpmConnectRequestIntervalMs: interval,
  ptpmServerConnectTimeoutMs: gatheringMs,
  ptpmConnectTimeoutMs: connectingMs,
} = timing;
const friends = ["Ann", "Ben", "Cid"] as const;

function wakesAt({ state }: Lobby): number {
  if (!state) throw new Error("there is no lobby to wake");
  return wakeAt(state);
}

test("a waiting lobby wakes for its audit only", () => {
  expect(wakesAt(lobbyOf(friends))).toBe(noon + lobbyLimits.auditIntervalMs);
});

/** The lobby itself holds these members' sockets. */
const here = ["Ann", "Dan", "Eve"] as const;
const isPrivate = { isPublic: false };

test("a private lobby whose members are all here has nothing to wake for", () => {
  expect(wakesAt(lobbyOf(["Ann"], isPrivate))).toBe(Number.POSITIVE_INFINITY);
  expect(wakesAt(lobbyOf(here, isPrivate))).toBe(Number.POSITIVE_INFINITY);
  expect(wakesAt(closing(here, isPrivate))).toBe(Number.POSITIVE_INFINITY);
});

test("such a lobby wakes for its mediation alone", () => {
  expect(wakesAt(gathering(here, isPrivate))).toBe(noon + interval);
  expect(wakesAt(connecting(here, isPrivate))).toBe(noon + lobbyLimits.clockLookMs);
  const late = lobbyOf(here, isPrivate).waits(lobbyLimits.auditIntervalMs - 1_000);
  late.happens(started("Ann"));
  expect(wakesAt(late)).toBe(late.now + interval);
});

test("a public lobby wakes for the directory, though its members are all here", () => {
  expect(wakesAt(lobbyOf(["Ann"]))).toBe(noon + lobbyLimits.safetyMs);
  expect(wakesAt(closing(here))).toBe(noon + lobbyLimits.safetyMs);
});

test("a private lobby wakes for an audit from when somebody from elsewhere joins, and for its row ever after", () => {
  const lobby = lobbyOf(["Ann", "Dan", "Ben", "Cid"], isPrivate);
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.auditIntervalMs);
  lobby.happens(left("Ben"), left("Cid"));
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.auditIntervalMs);
  lobby.waits(lobbyLimits.auditIntervalMs).happens(woken());
  expect(wakesAt(lobby)).toBe(lobby.now + lobbyLimits.safetyMs);
});

test("a member from elsewhere who joins late is asked for an interval later, not at once", () => {
  const lobby = lobbyOf(["Ann"], isPrivate).waits(2.5 * lobbyLimits.auditIntervalMs);
  lobby.happens(joined("Ben"));
  expect(wakesAt(lobby)).toBe(lobby.now + lobbyLimits.auditIntervalMs);
});

test("players coming and going put off neither an audit nor the mending of the directory", () => {
  const lobby = lobbyOf(["Ann"]).waits(60_000);
  lobby.happens(joined("Ben"));
  expect(wakesAt(lobby)).toBe(noon + 60_000 + lobbyLimits.auditIntervalMs);
  lobby.waits(1_000).happens(joined("Dan"), left("Ben"));
  expect(wakesAt(lobby)).toBe(noon + 60_000 + lobbyLimits.auditIntervalMs);
  lobby.happens(listingFailed, joined("Ben"));
  expect(wakesAt(lobby)).toBe(lobby.now + lobbyLimits.listingRetryMs);
});

test("a gathering lobby wakes for the next reminder, or to give up if that is sooner", () => {
  expect(wakesAt(gathering(friends))).toBe(noon + interval);
  const hasty = lobbyOf(friends);
  hasty.happens(started("Ann", { timing: { ...timing, ptpmServerConnectTimeoutMs: 3_000 } }));
  expect(wakesAt(hasty)).toBe(noon + 3_000);
});

test("a gathering lobby wakes for its audit if that is sooner", () => {
  const lobby = lobbyOf(friends).waits(lobbyLimits.auditIntervalMs - 1_000);
  lobby.happens(started("Ann"));
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.auditIntervalMs);
  expect(lobby.waits(1_000).happens(woken())).toEqual(["save", "list 3/4", "audit Ben, Cid"]);
  expect(phaseOf(lobby)).toBe("gathering");
});

test("a connecting lobby wakes to look at the clock and to give up, a closing one for its audit", () => {
  expect(wakesAt(connecting(friends))).toBe(noon + lobbyLimits.clockLookMs);
  expect(wakesAt(connecting(friends).passes(lobbyLimits.clockLookMs))).toBe(noon + connectingMs);
  expect(wakesAt(closing(friends))).toBe(noon + lobbyLimits.auditIntervalMs);
});

test("a connecting lobby wakes for its audit if that is sooner", () => {
  const lobby = lobbyOf(friends).waits(lobbyLimits.auditIntervalMs - 1_000);
  lobby.happens(started("Ann"), ...friends.map((name) => seen(name, 1001)));
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.auditIntervalMs);
  expect(lobby.waits(1_000).happens(woken())).toEqual(["save", "list 3/4", "audit Ben, Cid"]);
  expect(phaseOf(lobby)).toBe("connecting");
});

test("every player is reminded, those seen too, each interval again", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Ben", 1002));
  expect(lobby.waits(interval - 1).happens(woken())).toEqual([]);
  // The first reminder: the list says by then that nobody can join.
  expect(lobby.waits(1).happens(woken())).toEqual(["save", "list 3/4", "ptpMediation_send to Ann, Ben, Cid"]);
  expect(wakesAt(lobby)).toBe(noon + 2 * interval);
  lobby.happens(seen("Ann", 1001));
  expect(lobby.waits(interval).happens(woken())).toEqual(["save", "ptpMediation_send to Ann, Ben, Cid"]);
});

/** The lobby, after its object slept. */
function slept(lobby: Lobby): Lobby {
  lobby.state = lobby.state && restored(structuredClone(lasting(lobby.state)));
  return lobby;
}

test("a plain client that sends one datagram only is introduced, whether its lobby's object slept or not", () => {
  for (const sleeps of [false, true]) {
    const lobby = gathering(friends);
    lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
    if (sleeps) slept(lobby);
    lobby.passes(45_000).happens(seen("Cid", 1003));
    expect(phaseOf(lobby)).toBe("gathering");
    lobby.passes(lobbyLimits.confirmMs);
    expect(heard(lobby, "Ann", "ptpMediation_peersConnection_start")).toEqual([
      { peers: [endpoint(1002), endpoint(1003)] },
    ]);
    expect(phaseOf(lobby)).toBe("connecting");
  }
});

test("a client that tells local addresses is asked again after a sleep, and not introduced as a plain one", () => {
  const lobby = gathering(friends);
  const modern = {
    ...seen("Ann", 1001),
    observed: { endpoint: endpoint(1001), candidates: [] },
  } as LobbyEvent;
  lobby.happens(modern, seen("Ben", 1002));
  slept(lobby).happens(seen("Cid", 1003));
  lobby.passes(interval - 1);
  expect(phaseOf(lobby)).toBe("gathering");
  expect(lobby.waits(1).happens(woken())).toEqual(["save", "list 3/4", "ptpMediation_send to Ann, Ben, Cid"]);
  lobby.happens(modern, seen("Ben", 1002));
  expect(phaseOf(lobby)).toBe("connecting");
});

test("endpoints of every kind outlive a sleep as they were, and strange ones are asked for again", () => {
  const ips = [
    "198.51.100.7",
    "0.0.0.0",
    "2001:db8::1",
    "::1",
    "2001:db8:0:0:1::",
    "10::1:10:0:0:1",
    "1:2:3:4:5:6:7:8",
    "fe80::1:0:0:2",
  ];
  for (const ip of ips) {
    const lobby = gathering(friends);
    lobby.happens({ kind: "endpoint-seen", clientId: "Ben", observed: { endpoint: { ip, port: 65_535 } } });
    slept(lobby);
    lobby.happens(seen("Ann", 1), seen("Cid", 2));
    lobby.passes(lobbyLimits.confirmMs);
    expect(heard(lobby, "Ann", "ptpMediation_peersConnection_start")).toEqual([
      { peers: [{ ip, port: 65_535 }, endpoint(2)] },
    ]);
  }
  const lobby = gathering(friends);
  lobby.happens({
    kind: "endpoint-seen",
    clientId: "Ben",
    observed: { endpoint: { ip: "nowhere", port: 1 } },
  });
  expect(slept(lobby).state?.phase).toMatchObject({ seen: {} });
});

test("players seen long ago are asked once more before anybody is introduced, and where they are now counts", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  // No sidecar for a while: nobody is asked, and the routers forget the two.
  for (let i = 1; i <= 3; i++) lobby.waits(interval).happens({ kind: "deadline-passed" });
  expect(lobby.waits(interval / 2).happens(seen("Cid", 1003))).toEqual(["save"]);
  expect(lobby.waits(1).happens(woken())).toEqual(["save", "ptpMediation_send to Ann, Ben, Cid"]);
  lobby.happens(seen("Ann", 2001));
  expect(phaseOf(lobby)).toBe("gathering");
  lobby.happens(seen("Ben", 2002));
  expect(heard(lobby, "Ann", "ptpMediation_peersConnection_start")).toEqual([
    { peers: [endpoint(2002), endpoint(1003)] },
  ]);
});

test("players who answered the last reminders are introduced at once", () => {
  const lobby = gathering(friends);
  for (let i = 0; i < 4; i++) lobby.passes(interval).happens(seen("Ann", 1001), seen("Ben", 1002));
  lobby.passes(interval - 1).happens(seen("Cid", 1003));
  expect(phaseOf(lobby)).toBe("connecting");
});

test("a reminder names the sidecar that was chosen for it, and the lobby remembers which", () => {
  const lobby = gathering(friends).waits(interval);
  expect(lobby.state?.phase).toMatchObject({ sidecar: "paris" });
  lobby.happens(woken(otherSidecar));
  expect(heard(lobby, "Cid", "ptpMediation_send")).toEqual([
    { port: otherSidecar.port, host: otherSidecar.host },
  ]);
  expect(lobby.state?.phase).toMatchObject({ sidecar: "oslo" });
});

test("while no sidecar is alive nobody is reminded, and the next interval tries again", () => {
  const lobby = gathering(friends).waits(interval);
  expect(lobby.happens({ kind: "deadline-passed" })).toEqual(["save", "list 3/4"]);
  expect(lobby.state?.phase).toMatchObject({ sidecar: "paris", remindAt: noon + 2 * interval });
  expect(lobby.waits(interval).happens(woken())).toEqual(["save", "ptpMediation_send to Ann, Ben, Cid"]);
});

test("a late alarm brings one reminder, not all that were missed", () => {
  const lobby = gathering(friends).waits(3.5 * interval);
  expect(lobby.happens(woken())).toEqual(["save", "list 3/4", "ptpMediation_send to Ann, Ben, Cid"]);
  expect(wakesAt(lobby)).toBe(noon + 4.5 * interval);
});

test("a reminder does not put off giving up", () => {
  const lobby = gathering(friends);
  for (let i = 1; i < gatheringMs / interval; i++) {
    lobby.waits(interval).happens(woken());
    expect(lobby.state?.phase).toMatchObject({ giveUpAt: noon + gatheringMs });
  }
  expect(lobby.waits(interval - 1).happens(woken())).toEqual([]);
  expect(lobby.waits(1).happens(woken())).toEqual([
    "save",
    "list 3/4",
    "ptpMediation_aborted to Ann, Ben, Cid",
  ]);
});

test("when the time for a reminder and for giving up have both come, the lobby gives up", () => {
  const lobby = gathering(friends)
    .passes(gatheringMs - 1)
    .waits(1);
  expect(lobby.state?.phase).toMatchObject({ remindAt: lobby.now, giveUpAt: lobby.now });
  expect(lobby.happens(woken())).toEqual(["save", "list 3/4", "ptpMediation_aborted to Ann, Ben, Cid"]);
  expect(heard(lobby, "Ben", "ptpMediation_aborted")).toEqual([
    { abortReason: abortReasons.endpoints_timeout, code: "endpoints_timeout" },
  ]);
  expect(lobby.state?.phase).toMatchObject({ kind: "waiting" });
});

test("players who do not connect in time are told so, and may start again", () => {
  const lobby = connecting(friends);
  lobby.happens(reported("Ann"), reported("Ben"));
  expect(lobby.passes(connectingMs - 1).happens(woken())).toEqual([]);
  expect(lobby.waits(1).happens(woken())).toEqual(["save", "ptpMediation_aborted to Ann, Ben, Cid"]);
  expect(heard(lobby, "Ben", "ptpMediation_aborted")).toEqual([
    { abortReason: abortReasons.connecting_timeout, code: "connecting_timeout" },
  ]);
  expect(lobby.happens(started("Ann", { requestId: "second start" }))).toContain("answer yes");
});

test("the time to connect begins when all are seen, not at the start", () => {
  const lobby = gathering(friends).waits(50_000);
  lobby.happens(...friends.map((name) => seen(name, 1001)));
  expect(lobby.state?.phase).toMatchObject({ giveUpAt: noon + 50_000 + connectingMs });
});

test("the deadlines of a mediation go with it", () => {
  const lobby = gathering(friends);
  lobby.happens(left("Cid"));
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.auditIntervalMs);
});

test("the holders are asked for the members, and the directory is refreshed, at intervals that double up to four hours", () => {
  const lobby = lobbyOf(friends);
  for (let minutes = 15; minutes <= 480; minutes *= 2) {
    lobby.waits(wakesAt(lobby) - lobby.now);
    expect(lobby.happens(woken())).toEqual(["save", "list 3/4", "audit Ben, Cid"]);
    expect(wakesAt(lobby) - lobby.now).toBe(Math.min(2 * minutes, 240) * 60_000);
  }
});

test("a newcomer from elsewhere is asked for soon, however rare the audits have become", () => {
  const lobby = lobbyOf(["Ann", "Ben"], { isPublic: false });
  for (let i = 0; i < 4; i++) lobby.waits(wakesAt(lobby) - lobby.now).happens(woken());
  lobby.waits(60_000).happens(joined("Cid"));
  expect(wakesAt(lobby)).toBe(lobby.now + lobbyLimits.auditIntervalMs);
});

test("a member here is not asked for, and one that came to another object is", () => {
  const lobby = lobbyOf(["Ann", "Dan", "Ben", "Eve"]).waits(lobbyLimits.auditIntervalMs);
  expect(lobby.happens(woken())).toEqual(["save", "list 4/4", "audit Ben"]);
});

test("a host elsewhere is asked for like the others", () => {
  const lobby = lobbyOf(["Ben", "Ann", "Dan", "Cid"], { isPublic: false }).waits(lobbyLimits.auditIntervalMs);
  expect(lobby.happens(woken())).toContain("audit Ben, Cid");
});

test("an audit of a public lobby whose members are all here refreshes the directory and asks nobody", () => {
  const lobby = lobbyOf(here).waits(lobbyLimits.safetyMs);
  expect(lobby.happens(woken()).slice(0, 2)).toEqual(["save", "list 3/4"]);
  expect(lobby.effects.flatMap((effect) => (effect.kind === "audit" ? effect.members : []))).toEqual([]);
});

test("an audit of a private lobby leaves the directory alone", () => {
  const lobby = lobbyOf(friends, { isPublic: false }).waits(lobbyLimits.auditIntervalMs);
  expect(lobby.happens(woken())).toEqual(["save", "audit Ben, Cid"]);
});

test("a directory that could not be told is told again soon", () => {
  const lobby = lobbyOf(friends);
  expect(lobby.happens(listingFailed)).toEqual(["save"]);
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.listingRetryMs);
  expect(lobby.waits(lobbyLimits.listingRetryMs).happens(woken())).toContain("list 3/4");
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.listingRetryMs + lobbyLimits.auditIntervalMs);
});

test("a listing that fails twice does not put off the mending", () => {
  const lobby = lobbyOf(friends);
  lobby.happens(listingFailed);
  const before = lobby.waits(2_000).state;
  expect(lobby.happens(listingFailed)).toEqual([]);
  expect(lobby.state).toBe(before);
});

test("a closing that was cut short is repeated word for word", () => {
  const lobby = closing(friends);
  const first = lobby.effects;
  expect(lobby.waits(lobbyLimits.auditIntervalMs - 1).happens(woken())).toEqual([]);
  lobby.waits(1).happens(woken());
  expect(lobby.effects).toEqual(first);
  expect(wakesAt(lobby)).toBe(lobby.now + lobbyLimits.auditIntervalMs);
});

test("a closing without a success is repeated without one", () => {
  const lobby = lobbyOf(friends);
  lobby.happens(left("Ann"));
  expect(lobby.waits(lobbyLimits.auditIntervalMs).happens(woken())).toEqual([
    "save",
    "unlist",
    "lobby_closed to Ben, Cid, released",
    "forget",
  ]);
});

test("a closing that the directory did not hear of is repeated soon", () => {
  const lobby = closing(friends);
  lobby.happens(listingFailed);
  expect(wakesAt(lobby)).toBe(noon + lobbyLimits.listingRetryMs);
  expect(lobby.waits(lobbyLimits.listingRetryMs).happens(woken())).toContain("unlist");
});

const minute = 60_000;

test("a clock that jumps forward ends no mediation: everybody is reminded, and has about the time that was left", () => {
  const lobby = gathering(friends).passes(interval / 2);
  lobby.waits(16 * minute);
  expect(lobby.happens(woken())).toEqual([
    "save",
    "list 3/4",
    "ptpMediation_send to Ann, Ben, Cid",
    "save",
    "list 3/4",
    "audit Ben, Cid",
  ]);
  // The alarm that shows the jump is due a whole interval after the one before.
  lobby.passes(gatheringMs - interval - 1);
  expect(phaseOf(lobby)).toBe("gathering");
  expect(lobby.waits(1).happens(woken())).toContain("ptpMediation_aborted to Ann, Ben, Cid");
});

test("a clock that jumps forward while players connect leaves them time, and one that never reports is noticed", () => {
  for (const at of [1, lobbyLimits.clockLookMs - 1, lobbyLimits.clockLookMs + 1, connectingMs - 1]) {
    const lobby = connecting(friends, isPrivate).passes(at);
    lobby.waits(20 * minute).happens(woken());
    expect(phaseOf(lobby)).toBe("connecting");
    lobby.happens(reported("Ann"), reported("Ben"));
    lobby.passes(Math.max(lobbyLimits.clockLookMs, connectingMs - at));
    expect(lobby.state?.phase).toEqual({ kind: "waiting", aborted: "connecting_timeout" });
  }
});

test("a lobby that goes on without some gives these their time again after a jump", () => {
  const lobby = gathering(friends, { goesOn: true });
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  lobby.waits(20 * minute).happens(woken());
  expect(phaseOf(lobby)).toBe("gathering");
  expect(phaseOf(lobby.passes(lobbyLimits.stragglerMs))).toBe("connecting");
});

test("a jump while players connect shortens their time by no more than one look at the clock", () => {
  const hour = { ...timing, ptpmConnectTimeoutMs: 60 * minute };
  const lobby = lobbyOf(friends, isPrivate);
  lobby.happens(started("Ann", { timing: hour }), ...friends.map((name) => seen(name, 1001)));
  for (let i = 0; i < 10; i++)
    lobby
      .passes(1_000)
      .waits(50 * minute)
      .happens(woken());
  // 10 s passed, and each jump took up to one look.
  lobby.passes(60 * minute - 10_000 - 10 * lobbyLimits.clockLookMs - 1_000);
  expect(phaseOf(lobby)).toBe("connecting");
});

test("a machine that stood still a little does not put off a deadline", () => {
  const lobby = connecting(friends).passes(connectingMs - 1);
  lobby.waits(1 + sharedLimits.clockSlackMs).happens(woken());
  expect(phaseOf(lobby)).toBe("waiting");
});

test("after a clock was set back everything is due when it would have been, from the next event on", () => {
  const waiting = lobbyOf(friends).waits(-60 * minute);
  expect(isDue(waiting.state as LobbyState, waiting.now)).toBe(true);
  waiting.happens(woken());
  expect(wakesAt(waiting)).toBe(waiting.now + lobbyLimits.auditIntervalMs);

  const seeking = gathering(friends).waits(-60 * minute);
  expect(seeking.happens(said("Ben", "Hello?"))).toEqual([
    "save",
    "lobby_messaging_received to Ann, Ben, Cid",
  ]);
  expect(wakesAt(seeking)).toBe(seeking.now + interval);
  expect(seeking.state?.phase).toMatchObject({ giveUpAt: seeking.now + gatheringMs });
  expect(isDue(seeking.state as LobbyState, seeking.now)).toBe(false);

  const linking = connecting(friends).waits(-60 * minute);
  linking.happens(reported("Ben"));
  expect(linking.state?.phase).toMatchObject({ giveUpAt: linking.now + connectingMs });

  const over = closing(friends).waits(-60 * minute);
  over.happens(listingFailed);
  expect(
    over
      .passes(lobbyLimits.listingRetryMs - 1)
      .waits(1)
      .happens(woken()),
  ).toContain("unlist");
});

test("events whose clocks differ a little delay no introduction", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  lobby.waits(-50).happens(seen("Cid", 1003));
  expect(phaseOf(lobby)).toBe("connecting");
});

test("endpoints of before a clock was set back are asked for once more", () => {
  const lobby = gathering(friends);
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  lobby.waits(-60 * minute).happens(seen("Cid", 1003));
  expect(phaseOf(lobby)).toBe("gathering");
  lobby.happens(seen("Ann", 1001), seen("Ben", 1002));
  expect(phaseOf(lobby)).toBe("connecting");
});
