/** What becomes of links on the relay when the server is gone: they have as long as their tickets. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connect, type Link, type Lobby } from "../../client/index.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import type { Server } from "../../local/server.ts";
import { keyOf, secret } from "../../measure/kit/secret.ts";
import { later, startFaultyServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { type Sidecar, startSidecar } from "../../udp-sidecar/sidecar.ts";
import { type Cable, layCable } from "../client/cable.ts";
import { next, nextOn } from "../client/heard.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let server: Server;
let cable: Cable;
let sidecar: Sidecar;
/** By how much the relay's time is ahead of what has passed. */
let aheadMs = 0;
beforeEach(async () => {
  aheadMs = 0;
  server = await startFaultyServer({
    ...{ udpPort: null, secret },
    vars: { sidecarHosts: "here=127.0.0.1" },
  });
  cleanUps.push(server.stop);
  cable = await layCable(server.url);
  cleanUps.push(cable.close);
  const options = {
    ...{ edge: server.url, key: keyOf("here"), port: 0, publicHost: "127.0.0.1", bind: "127.0.0.1" },
    elapsed: () => performance.now() + aheadMs,
    // Time that is skipped is no silence.
    relay: { idleMs: 2 * relayLimits.relayTicketMs },
  };
  sidecar = await startSidecar(options, noteTold);
  cleanUps.push(sidecar.stop);
  await sidecar.known;
});

/** Time passes, for the edge and the relay. */
async function skip(ms: number): Promise<void> {
  await later(server.url, ms);
  aheadMs += ms;
}

/** Two players on the relay, whose lobby is over. */
async function pair(): Promise<{ players: Lobby[]; links: [Link, Link] }> {
  const orion = await connect(cable.url);
  const ada = await orion.host({ name: "Ada", privacy: "relay-only" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const over = next(ada, "closed");
  const [[hers], [his]] = await Promise.all([ada.start(), bo.started()]);
  await over;
  if (!hers || !his) throw new Error("no link");
  return { players: [ada, bo], links: [hers, his] };
}

async function hears(from: Link, to: Link, word: string): Promise<void> {
  const heard = nextOn(to, "message");
  from.send(word);
  expect(new TextDecoder().decode(await heard)).toBe(word);
}

test("a link on the relay goes on without the server for as long as its ticket lasts, and is told a minute before", async () => {
  const { links } = await pair();
  const [hers, his] = links;
  cable.cut();
  await hears(hers, his, "without the server");
  const noticed = links.map((link) => nextOn(link, "relay"));
  await skip(relayLimits.relayTicketMs - relayLimits.relayLastWordMs);
  for (const notice of await Promise.all(noticed)) {
    expect(notice.code).toBe("lifetime");
    expect(notice.inMs).toBeGreaterThan(relayLimits.relayLastWordMs - 30_000);
    expect(notice.inMs).toBeLessThanOrEqual(relayLimits.relayLastWordMs);
  }
  await hears(his, hers, "one minute left");
  const closed = links.map((link) => nextOn(link, "closed"));
  await skip(relayLimits.relayLastWordMs);
  const causes = (await Promise.all(closed)).map(({ cause }) => cause);
  // Who looks longer is told by the other that it has closed.
  for (const cause of causes) expect(["path-lost", "peer-left", "relay-refused"]).toContain(cause);
  await vi.waitFor(() => expect(sidecar.relayed.drops.unknown_link).toBeGreaterThan(0));
});
