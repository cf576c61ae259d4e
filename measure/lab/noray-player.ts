/**
 * A player of the lab with a client of noray, in a namespace of its own: it does what netfox's example does with its own order and times.
 * Its argument is the server's address.
 */
import { setTimeout as wait } from "node:timers/promises";
import { NorayClient, type Target } from "../kit/noray-client.ts";
import { openAt, type PlayerSocket } from "../kit/symmetric-nat.ts";
import { norayPorts, registrarSilent } from "./clients.ts";
import { failure, playRuns } from "./conversation.ts";
import { awaitGuest, joinGame } from "./game.ts";
import { byLines } from "./line-conversation.ts";
import type { Order } from "./orders.ts";

/** Milliseconds that netfox's example waits for ENet to connect, before it asks for a relay. */
const gameMs = 10_000;
/** Milliseconds that a host waits for its guest, who may fail twice in a handshake and twice in the game. */
const guestMs = 45_000;
/** As netfox has them: a host's packets to a guest that comes. */
const blastEveryMs = 100;
const blastMs = 8_000;

const address = process.argv[2] ?? "";
const everywhere = "0.0.0.0";

const { nextOrder, tell } = byLines;
await playRuns(byLines, play);
process.exit();

async function play(first: Order): Promise<void> {
  const client = await NorayClient.connect({ address, ...norayPorts }, everywhere);
  try {
    await client.registerHost();
    if (!(await client.registerRemote())) throw new Error(registrarSilent);
    if (first.order === "host") await host(client);
    else if (first.order === "join") await join(client, first.code);
  } finally {
    client.close();
  }
}

async function host(client: NorayClient): Promise<void> {
  const socket = await openAt(everywhere)(client.localPort);
  const over = new AbortController();
  let introducedAt: number | null = null;
  for (const command of ["connect", "connect-relay"] as const) {
    const blast = async (target: Target): Promise<void> => {
      introducedAt ??= performance.now();
      for (let ms = 0; ms < blastMs && !over.signal.aborted; ms += blastEveryMs) {
        socket.send("$rwx", target.port, target.address);
        await wait(blastEveryMs);
      }
    };
    client.onEach(command, (data) => void blast(client.targetOf(command, data)));
  }
  try {
    const guest = awaitGuest(socket, guestMs);
    tell({ told: "hosting", code: client.oid });
    await nextOrder();
    const from = await guest;
    const path = from && pathTo(from);
    tell({ told: "outcome", outcome: path ? outcomeOf(path, introducedAt) : failure(null) });
    await nextOrder();
  } finally {
    over.abort();
    await socket.close();
  }
}

async function join(client: NorayClient, oid: string): Promise<void> {
  tell({ told: "joined" });
  let introducedAt: number | null = null;
  for (const command of ["connect", "connect-relay"] as const) {
    const target = await client.ask(command, oid);
    introducedAt ??= performance.now();
    if ((await client.handshake(target)) === "failed") continue;
    const socket: PlayerSocket = await openAt(everywhere)(client.localPort);
    try {
      if (!(await joinGame(socket, target, gameMs))) continue;
      tell({ told: "outcome", outcome: outcomeOf(pathTo(target), introducedAt) });
      await nextOrder();
      return;
    } finally {
      await socket.close();
    }
  }
  tell({ told: "outcome", outcome: failure("no_answer") });
  await nextOrder();
}

/** A relay is a port of the server's. */
function pathTo(peer: { address: string }): "direct" | "relay" {
  return peer.address === address ? "relay" : "direct";
}

/** Of a player whose game has just heard the other's. */
function outcomeOf(path: "direct" | "relay", introducedAt: number | null) {
  const usableMs = introducedAt === null ? null : performance.now() - introducedAt;
  return { usableMs, directMs: path === "direct" ? usableMs : null, path, cause: null, echoed: true };
}
