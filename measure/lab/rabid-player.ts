/**
 * A player of the lab with a client of Rabid Hole Punch, in a namespace of its own: it does what the plugin does, at its pace, and then
 * plays on the ports that the plugin found. Its argument is the server's address.
 */
import { randomBytes } from "node:crypto";
import type { Reached } from "../kit/rabid-peers.ts";
import { RabidPlugin } from "../kit/rabid-plugin.ts";
import { openAt } from "../kit/symmetric-nat.ts";
import { rabidPort } from "./clients.ts";
import { failure, playRuns } from "./conversation.ts";
import { awaitGuest, joinGame } from "./game.ts";
import { byLines } from "./line-conversation.ts";
import type { Order, PlayerOutcome } from "./orders.ts";

/** Milliseconds that a guest's game waits for the host, and a host's for the guest, who is ready some seconds later. */
const gameMs = 10_000;
const guestMs = gameMs + 5_000;
/** Bytes of a session's name, which has ten characters at most. */
const nameBytes = 5;

const server = { address: process.argv[2] ?? "", port: rabidPort };

const { nextOrder, tell } = byLines;
await playRuns(byLines, play);
process.exit();

async function play(first: Order): Promise<void> {
  if (first.order === "host") {
    const session = randomBytes(nameBytes).toString("hex");
    const plugin = new RabidPlugin({ server, session, name: "Ada" });
    await enter(
      plugin,
      () => plugin.createSession(2),
      async () => {
        tell({ told: "hosting", code: session });
        await nextOrder();
        plugin.startSession();
      },
    );
  } else if (first.order === "join") {
    const plugin = new RabidPlugin({ server, session: first.code, name: "Bo" });
    await enter(
      plugin,
      () => plugin.joinSession(),
      async () => tell({ told: "joined" }),
    );
  }
}

/** One run: into the session, then to the other player, then the game. Throws what the plugin tells the game when it gives up. */
async function enter(
  plugin: RabidPlugin,
  begin: () => Promise<void>,
  inSession: () => Promise<void>,
): Promise<void> {
  try {
    await begin();
    const entered = plugin.until("the session", () => plugin.state === "in-session");
    const early = await Promise.race([entered, plugin.outcome]);
    if (early && "error" in early) throw new Error(early.error);
    await inSession();
    const outcome = await plugin.outcome;
    if ("error" in outcome) throw new Error(outcome.error);
    await playOn(outcome, plugin.heard.find(({ text }) => text.startsWith("s"))?.at ?? null);
  } finally {
    plugin.close();
  }
}

/** The game opens the port on which the plugin was reached, and its guest connects to the host's. */
async function playOn({ ownPort, hostIp, hostPort }: Reached, introducedAt: number | null): Promise<void> {
  const socket = await openAt("0.0.0.0")(ownPort);
  try {
    const isThere =
      hostIp !== undefined && hostPort !== undefined
        ? await joinGame(socket, { address: hostIp, port: hostPort }, gameMs)
        : (await awaitGuest(socket, guestMs)) !== null;
    tell({ told: "outcome", outcome: isThere ? connectedSince(introducedAt) : failure(null) });
    await nextOrder();
  } finally {
    await socket.close();
  }
}

/** There is no other path than a direct one. */
function connectedSince(introducedAt: number | null): PlayerOutcome {
  const ms = introducedAt === null ? null : performance.now() - introducedAt;
  return { usableMs: ms, directMs: ms, path: "direct", cause: null, echoed: true };
}
