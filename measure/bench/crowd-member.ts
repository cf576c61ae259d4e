/** A process that holds clients (`crowd.ts`). Its parent tells it how many more to connect, and hears when they are. */
import * as z from "zod";
import { connectHttp } from "./http.ts";
import { atATime } from "./load.ts";
import { Player } from "./player.ts";

/** Clients that connect at the same time. */
const atOnce = 32;

const [, , base = "", path = "/", hosts = "nothing", localAddress = ""] = process.argv;
const url = new URL(base);
const http = connectHttp(url);
const players: Player[] = [];

async function connect(): Promise<void> {
  const player = await Player.connect(url, path, localAddress);
  player.listens(() => {});
  // They are only to be there: one that is not makes the whole measurement worthless.
  player.closed.then((code) => {
    console.error(`the server closed the WebSocket of one of them with ${code}.`);
    process.exit(1);
  });
  players.push(player);
  if (hosts === "nothing") return;
  const about = { hostName: "Host", lobbyName: `Lobby ${players.length}`, maxMembers: 8 };
  await http.post("/lobbies", { ...about, token: player.token, isPublic: hosts === "public" });
}

process.on("message", async (told) => {
  const { connect: count } = z.object({ connect: z.int() }).parse(told);
  try {
    await atATime(atOnce, count, connect);
    process.send?.({});
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send?.({});
