/** Which sidecars a mediation believes: those that it asked, of the players that take part. */
import { expect, test } from "vitest";
import type { Witness } from "../../core/lobby/event.ts";
import { keptLobby, readKeptLobby } from "../../core/lobby/kept.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import {
  joined,
  lobbyId,
  member,
  noLobby,
  opened,
  otherSidecar,
  sidecar,
  started,
  timing,
  woken,
} from "./a-lobby.ts";

/** Ann and Ben, whom this sidecar was to see. */
function gathering() {
  const lobby = noLobby();
  lobby.happens(opened(member("Ann")), joined("Ben"), started("Ann"));
  return lobby;
}
const seenBy = (witness: Witness, clientId = "Ann") =>
  ({
    kind: "endpoint-seen",
    clientId,
    observed: { endpoint: { ip: "192.0.2.66", port: 666 } },
    ...witness,
  }) as const;
const seenOf = ({ state }: { state: ReturnType<typeof noLobby>["state"] }) =>
  state?.phase.kind === "gathering" ? Object.keys(state.phase.seen) : [];
/** The next reminder names this sidecar. */
function remind(lobby: ReturnType<typeof gathering>, by: typeof sidecar) {
  lobby.now += timing.ptpmConnectRequestIntervalMs;
  lobby.happens(woken(by));
}

const table: [why: string, witness: Witness, isBelieved: boolean][] = [
  ["the one that was asked", { sidecar: sidecar.name }, true],
  ["another one", { sidecar: otherSidecar.name }, false],
  ["one beside a proxy of the operator's", { sidecar: "beside", atProxy: true }, true],
  [
    "that one, by a pass: who has one was told where to send it",
    { sidecar: "beside", atProxy: true, mediation: "Ann star" },
    false,
  ],
  [
    "the one that was asked, by a pass of this mediation",
    { sidecar: sidecar.name, mediation: "Ann star" },
    true,
  ],
  [
    "the one that was asked, by a pass of an earlier mediation",
    { sidecar: sidecar.name, mediation: "earlier" },
    false,
  ],
  ["an edge of the version before, which does not say by whom", {}, true],
];
test.each(table)("a mediation asks %s", (_, witness, isBelieved) => {
  const lobby = gathering();
  lobby.happens(seenBy(witness));
  expect(seenOf(lobby)).toEqual(isBelieved ? ["Ann"] : []);
});

test("a mediation of a dialect's lobby asks each gateway of its own players", () => {
  const lobby = gathering();
  const state = lobby.state ?? expect.fail("no lobby");
  lobby.state = { ...state, lobbyId: "rabid:NiceRoom" };
  lobby.happens(seenBy({ sidecar: "never asked", mediation: "earlier" }));
  expect(seenOf(lobby)).toEqual([]);
  lobby.happens(seenBy({ sidecar: "never asked" }));
  expect(seenOf(lobby)).toEqual(["Ann"]);
});

test("after a reminder that names another sidecar, both are believed, and also when the lobby has slept", () => {
  const lobby = gathering();
  remind(lobby, otherSidecar);
  const state = lobby.state && readKeptLobby(structuredClone(keptLobby(lobby.state)), lobbyId);
  expect(state?.phase).toMatchObject({ sidecar: otherSidecar.name, sidecarsBefore: [sidecar.name] });
  for (const name of [sidecar.name, otherSidecar.name, "never asked"]) {
    lobby.state = state ?? null;
    lobby.happens(seenBy({ sidecar: name }));
    expect(seenOf(lobby)).toEqual(name === "never asked" ? [] : ["Ann"]);
  }
});

test("a row of the version before knows the last sidecar alone", () => {
  const lobby = gathering();
  const { phase, ...row } = structuredClone(keptLobby(lobby.state ?? expect.fail("no lobby")));
  const { sidecarsBefore: _, ...before } = { sidecarsBefore: null, ...phase };
  lobby.state = readKeptLobby({ ...row, phase: before }, lobbyId);
  lobby.happens(seenBy({ sidecar: otherSidecar.name }));
  expect(seenOf(lobby)).toEqual([]);
  lobby.happens(seenBy({ sidecar: sidecar.name }));
  expect(seenOf(lobby)).toEqual(["Ann"]);
});

test("it remembers so many that were asked before, and no more, each once", () => {
  const lobby = gathering();
  for (const name of ["b", "c", "b", "d"]) remind(lobby, { ...sidecar, name });
  expect(lobby.state?.phase).toMatchObject({ sidecar: "d", sidecarsBefore: ["b"] });
  remind(lobby, { ...sidecar, name: "d" });
  expect(lobby.state?.phase).toMatchObject({ sidecar: "d", sidecarsBefore: ["b"] });
  expect(lobbyLimits.sidecarsBefore).toBe(1);
});
