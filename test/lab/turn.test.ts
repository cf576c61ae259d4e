/** Players whose only path is a TURN server, a real one, and players whom it refuses. */
import { afterEach, describe, expect, test } from "vitest";
import { type ClientKind, clients } from "../../measure/lab/clients.ts";
import type { Flow } from "../../measure/lab/orders.ts";
import type { Program } from "../../measure/lab/program.ts";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import { connectPlayers, hears, order, startPlayer } from "../../measure/lab/runs.ts";
import { openTopology, type Topology } from "../../measure/lab/topology.ts";
import { clockMs } from "../../measure/lab/traffic.ts";
import {
  allowTurnAlone,
  startTurnServer,
  startTurnService,
  type TurnAccess,
  type TurnServer,
  type TurnTold,
  turnUrl,
  whyNoTurn,
} from "../../measure/lab/turn.ts";

const why = whyNoLab("browsers") ?? whyNoTurn();
if (why !== null) console.warn(`Skipped: ${why}`);

/** Milliseconds in which a connection through the TURN server comes about, on a busy machine; and in which one that is refused would. */
const turnMs = 30_000;
const refusedMs = 8_000;
const patienceMs = 240_000;

const user = { user: "orion", password: "password-of-the-test" };
const secret = "secret-that-the-test-shares";
const bySettings = (password: string): TurnTold => ({
  iceServers: [{ urls: turnUrl, username: user.user, credential: password }],
});
const byApi = (known: string): TurnTold => ({ api: { urls: [turnUrl], secret: known } });

describe.skipIf(why !== null)("two players whose only path is a TURN server", () => {
  let topology: Topology;
  afterEach(() => topology?.[Symbol.dispose]());

  /** Both behind NATs that let UDP through to the TURN server alone, with a service that tells of it. */
  async function players(
    kind: ClientKind,
    access: TurnAccess,
    told: TurnTold,
  ): Promise<{ host: Program; guest: Program; turn: TurnServer }> {
    topology = await openTopology({ only: ["port-restricted"] });
    const turn = await startTurnServer(topology.server, access);
    const server = await startTurnService(topology.server, told);
    const [host, guest] = (["a", "b"] as const).map((side, i) => {
      const place = topology.player("port-restricted", side);
      allowTurnAlone(place);
      const program = clients[kind].programs[i === 0 ? 0 : 1];
      return startPlayer(place, `The player on side ${side}`, program, { topology, kind, server });
    });
    if (!host || !guest) throw new Error("too few players");
    return { host, guest, turn };
  }

  /** They meet and play. The paths of both, once the host's is this one and packets flow; or whatever they are after a while. */
  async function play(
    host: Program,
    guest: Program,
    path: Flow["path"],
    lobby: { privacy?: "relay-only" } = {},
    forMs = turnMs,
  ) {
    const run = await connectPlayers(host, guest, lobby);
    for (const player of [host, guest]) order(player, { order: "play" });
    const giveUpAt = clockMs() + forMs;
    const flows = async () => {
      for (const player of [host, guest]) order(player, { order: "flow", sinceMs: clockMs() });
      return await Promise.all(
        [host, guest].map(async (player) => (await hears(player, "flow", turnMs + 5_000)).flow),
      );
    };
    let now = await flows();
    while (now.some((flow) => flow.path !== path) && clockMs() < giveUpAt) now = await flows();
    return { run, paths: now.map((flow) => flow.path), flowed: now.every(({ ms }) => ms !== null) };
  }

  const good: [how: string, access: TurnAccess, told: TurnTold][] = [
    ["by the operator's setting", user, bySettings(user.password)],
    ["by credentials of an API, each for one member", { secret }, byApi(secret)],
  ];
  for (const [how, access, told] of good) {
    test(
      `play through it, told of it ${how}`,
      async () => {
        const { host, guest, turn } = await players("browsers", access, told);
        const { paths, flowed } = await play(host, guest, "turn");
        expect([paths, flowed]).toEqual([["turn", "turn"], true]);
        expect(turn.lines.join("\n")).toMatch(/new, .*realm=<orion\.example>.*lifetime/);
      },
      patienceMs,
    );
  }

  test(
    "play through it in a lobby that is relay-only, one of them in Node",
    async () => {
      const { host, guest } = await players("mixed", user, bySettings(user.password));
      const { paths, flowed } = await play(host, guest, "turn", { privacy: "relay-only" });
      expect([paths, flowed]).toEqual([["turn", "turn"], true]);
    },
    patienceMs,
  );

  const refused: [how: string, access: TurnAccess, told: TurnTold][] = [
    ["its password is another one now", user, bySettings("password-of-before")],
    ["the API's secret is another one", { secret }, byApi("secret-of-before")],
  ];
  for (const [how, access, told] of refused) {
    test(
      `play over WebSocket, and know why, when it refuses them because ${how}`,
      async () => {
        const { host, guest, turn } = await players("browsers", access, told);
        const { run, paths, flowed } = await play(host, guest, "turn", {}, refusedMs);
        expect([paths, flowed]).toEqual([["websocket", "websocket"], true]);
        expect([run.host.cause, run.guest.cause]).toEqual(["no-udp", "no-udp"]);
        expect(turn.lines.join("\n")).toMatch(/\b401\b|incorrect/i);
        expect(turn.lines.join("\n")).not.toMatch(/new, .*lifetime/);
      },
      patienceMs,
    );
  }
});
