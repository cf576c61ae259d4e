/**
 * A process that holds lobbies with members that do not read (`slow-crowd.ts`): raw sockets, because every WebSocket
 * client reads. Its parent tells it how many, and how much the others say, and hears what came of it.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { sharedLimits } from "../../core/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { connectHttp } from "./http.ts";
import { atATime } from "./load.ts";
import { within } from "./patience.ts";
import { decodeBody, Player } from "./player.ts";
import { slowInOne, talkers } from "./slow-crowd.ts";

/** Messages of one lobby that its host has not heard yet: more would only wait elsewhere. */
const underWay = 16;
/** Milliseconds between two messages of a lobby, so that none of its talkers is taken for a flood. */
const pauseMs = 1_250 / (talkers * sharedLimits.framesPerSecond);
/** The longest that may be said in most languages that are not written in ASCII. */
const words = "語".repeat(wireLimits.chatLength);

const [, , base = "", localAddress = ""] = process.argv;
const url = new URL(base);
const http = connectHttp(url);
const registered = /client_registered:([\w+/]+=*)/;
/** Of all sockets: what comes in it is read at once, or never. */
const buffer = Buffer.alloc(4096);

type Room = { lobbyId: string; players: Player[]; slow: number; heard: number; thrownOut: number };
const rooms: Room[] = [];
const sockets: Socket[] = [];

/** Connects on a path, and reads nothing after its token. */
async function connectSlow(path: string): Promise<string> {
  const token = new Promise<string>((resolve, reject) => {
    let text = "";
    const read = (count: number) => {
      text += buffer.toString("latin1", 0, count);
      // The frame has come in whole, as it is short.
      const body = registered.exec(text)?.[1];
      if (body === undefined) return true;
      socket.pause();
      resolve(z.object({ token: z.string() }).parse(JSON.parse(decodeBody(body))).token);
      return false;
    };
    const to = { host: url.hostname, port: Number(url.port), localAddress };
    const socket = connect({ ...to, onread: { buffer, callback: read } });
    sockets.push(socket);
    socket.on("error", reject);
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${url.host}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  });
  return await within(token, "a client that does not read got no token.");
}

async function openRoom(slow: number): Promise<void> {
  const host = await Player.connect(url, "/lobbies", localAddress);
  const about = { hostName: "Host", lobbyName: "Lobby", isPublic: false, maxMembers: wireLimits.seats };
  const answer = await http.post("/lobbies", { ...about, token: host.token });
  const { lobbyId } = z.object({ lobbyId: z.string() }).parse(JSON.parse(answer));
  const join = (token: string, peerName: string) =>
    http.post(`/lobbies/${lobbyId}/join`, { token, peerName });
  const room: Room = { lobbyId, players: [host], slow, heard: 0, thrownOut: 0 };
  host.listens((text) => {
    if (text.startsWith("lobby_messaging_received:")) room.heard += 1;
    if (text.startsWith("lobby_peerDisconnect:")) room.thrownOut += 1;
  });
  for (let i = 1; i < talkers; i++) {
    const player = await Player.connect(url, `/lobbies/${lobbyId}`, localAddress);
    player.listens(() => {});
    await join(player.token, `Guest ${i}`);
    room.players.push(player);
  }
  for (let i = 0; i < slow; i++) await join(await connectSlow(`/lobbies/${lobbyId}`), `Slow ${i}`);
  rooms.push(room);
}

/** Says so much in a lobby, or what can be said until then, by `performance.now()`. */
async function talk(room: Room, messages: number, until: number): Promise<void> {
  const { lobbyId, players } = room;
  const frames = players.map(({ token }) => {
    const payload = JSON.stringify({ token, lobbyId, message: words });
    return `lobby_messaging_send:${Buffer.from(payload).toString("base64")}`;
  });
  const before = room.heard;
  const began = performance.now();
  let said = 0;
  while (room.heard - before < messages && performance.now() < until) {
    const due = Math.min(messages, (performance.now() - began) / pauseMs, room.heard - before + underWay);
    for (; said < due; said++) players[said % talkers]?.says(frames[said % talkers] ?? "");
    await wait(5);
  }
}

const order = z.union([z.object({ connect: z.int() }), z.object({ say: z.int(), untilMs: z.number() })]);
process.on("message", async (told) => {
  const ordered = order.parse(told);
  try {
    if ("connect" in ordered) {
      const { connect: count } = ordered;
      const shares = Array.from({ length: Math.ceil(count / slowInOne) }, (_, i) =>
        Math.min(slowInOne, count - i * slowInOne),
      );
      await atATime(4, shares.length, (i) => openRoom(shares[i] ?? 0));
    } else {
      const until = performance.now() + ordered.untilMs;
      await Promise.all(rooms.map((room) => talk(room, ordered.say, until)));
    }
    const sum = (of: (room: Room) => number) => rooms.reduce((total, room) => total + of(room), 0);
    process.send?.({
      meant: sum(({ heard, slow }) => heard * slow),
      thrownOut: sum(({ thrownOut }) => thrownOut),
    });
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send?.({});
