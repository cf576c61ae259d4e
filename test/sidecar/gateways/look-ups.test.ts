/** Who may ask the edge for hosts of other gateways, and how often. */
import { expect, test } from "vitest";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import { Registrations } from "../../../core/dialects/noray/registrations.ts";
import { sharedLimits } from "../../../core/limits.ts";
import { SessionError } from "../../../session/error.ts";
import type { EdgeSessions } from "../../../udp-sidecar/gateways/edge-sessions.ts";
import type { Bridges } from "../../../udp-sidecar/gateways/noray/bridges.ts";
import type { Connection } from "../../../udp-sidecar/gateways/noray/connections.ts";
import { newNorayCounts } from "../../../udp-sidecar/gateways/noray/counts.ts";
import { LookUps } from "../../../udp-sidecar/gateways/noray/look-ups.ts";

/** Look-ups at an edge where nobody hosts anything. */
function lookUps() {
  let [asked, oids] = [0, 0];
  const join: EdgeSessions["join"] = async () => {
    asked += 1;
    throw new SessionError(["no_such_lobby"], "There is none.");
  };
  const sessions = { join } as EdgeSessions;
  const own = { bridges: {} as Bridges, counts: newNorayCounts(), elapsed: () => 0 };
  const made = new LookUps({ sessions, ...own });
  const registrations = new Registrations<Connection>();
  /** How often the edge is asked when a player at this address asks so often, each time for another oid. */
  const asks = async (address: string, times: number) => {
    const before = asked;
    const id = `${registrations.size}`;
    const player = registrations.register({ address } as Connection, () => ({ oid: id, pid: id }), 0);
    if (!player) throw new Error("the id is taken");
    for (let i = 0; i < times; i++) await made.introduce(player, `nobody-${oids++}`, "connect");
    return asked - before;
  };
  return asks;
}

test("a /24 looks up as many oids as eight addresses, and other networks theirs", async () => {
  const asks = lookUps();
  let ofNetwork = 0;
  for (let i = 0; i < 64; i++) ofNetwork += await asks(`203.0.113.${i}`, 20);
  expect(ofNetwork).toBe(sharedLimits.sharesOf24 * norayLimits.norayLookUpBurst);
  expect(await asks("198.51.100.9", 20)).toBe(norayLimits.norayLookUpBurst);
});

test("a neighbour that asks without end takes no more than its own of what the /24 may ask for", async () => {
  const asks = lookUps();
  expect(await asks("203.0.113.7", 1_000)).toBe(norayLimits.norayLookUpBurst);
  expect(await asks("203.0.113.8", 1)).toBe(1);
});

test("players of this machine are not counted", async () => {
  expect(await lookUps()("127.0.0.1", 1_000)).toBe(1_000);
});
