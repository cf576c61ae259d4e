/** Chat: every message is delivered to all members of its lobby. An operation is one delivery. */
import { connectHttp } from "../http.ts";
import { atATime, type Load, type Session } from "../load.ts";
import { meet, paths } from "../paths.ts";
import { patienceMs } from "../patience.ts";
import { encode, Player } from "../player.ts";
import type { Subject } from "../subject.ts";

/** A lobby of the server, or a room of the floor. */
type Room = { members: Player[]; frame(sender: Player, message: string): string };

/** `atOnce` messages are under way at a time, as many from each room; a round has so many messages. */
const shapes = [
  { rooms: 1, size: 64, atOnce: 16, round: 1_500, most: { plain: 1.4, direct: 1.15 } },
  { rooms: 32, size: 8, atOnce: 32, round: 9_000, most: { plain: 1.4, direct: 1.15 } },
];

/** What a player says; its number stands before it. */
const words = "meet me at the old bridge";

export const floorBroadcasts: Load[] = shapes.map(({ rooms, size, atOnce, round }) => ({
  name: `floor/broadcast-${size}`,
  title: `floor: one delivery of an echo, ${rooms} × ${size} sockets`,
  subject: "floor",
  round,
  clients: rooms * size,
  held: 0,
  floor: null,
  target: [],
  open: async ({ url }) =>
    talk(
      await Promise.all(Array.from({ length: rooms }, (_, room) => openFloorRoom(url, room, size))),
      atOnce,
    ),
}));

export const chats: Load[] = shapes.flatMap(({ rooms, size, atOnce, round, most }) =>
  paths.map(
    (path): Load => ({
      name: `chat-${rooms}x${size}/${path}`,
      title: `one delivery of a chat message, ${rooms} × ${size} members, ${path} path`,
      subject: "server",
      round,
      clients: rooms * size,
      held: 0,
      floor: { name: `floor/broadcast-${size}`, times: 1 },
      target: [{ of: "ratio", most: most[path] }],
      open: async (subject) => talk(await openLobbies(subject, rooms, size, path), atOnce),
    }),
  ),
);

async function openLobbies({ url }: Subject, rooms: number, size: number, path: (typeof paths)[number]) {
  const http = connectHttp(url);
  const lobbies: Room[] = [];
  await atATime(4, rooms, async () => {
    const { lobbyId, members } = await meet(url, http, path, size);
    const frame = ({ token }: Player, message: string) =>
      encode("lobby_messaging_send", { token, lobbyId, message });
    lobbies.push({ members, frame });
  });
  http.close();
  return lobbies;
}

/** The frame is the one that a lobby would send to its members. */
async function openFloorRoom(url: URL, room: number, size: number): Promise<Room> {
  const members = await Promise.all(
    Array.from({ length: size }, () => Player.connect(url, `/room/c${size}-${room}`)),
  );
  const frame = (_: Player, message: string) =>
    encode("lobby_messaging_received", {
      lobbyId: "AAAAA",
      message: { timestamp: 1_800_000_000_000, senderName: "Guest 1", message },
    });
  return { members, frame };
}

/** The members of all rooms take turns. What a message waits for is that the last member has heard it. */
function talk(rooms: Room[], atOnce: number): Session {
  const underWay = new Map<string, { left: number; heard: () => void }>();
  for (const { members } of rooms) {
    for (const member of members) {
      member.listens((text) => {
        const id = idOf(text);
        const message = underWay.get(id);
        if (!message) return;
        message.left -= 1;
        if (message.left === 0) message.heard();
      });
    }
  }
  let number = 0;
  const say = async () => {
    const turn = number++;
    const room = rooms[turn % rooms.length];
    const sender = room?.members[Math.floor(turn / rooms.length) % room.members.length];
    if (!room || !sender) return;
    const id = String(turn).padStart(7, "0");
    await new Promise<void>((resolve, reject) => {
      const sentence = `a chat message was not delivered to all members within ${patienceMs / 1000} s.`;
      const timer = setTimeout(() => reject(new Error(sentence)), patienceMs);
      const heard = () => {
        clearTimeout(timer);
        underWay.delete(id);
        resolve();
      };
      underWay.set(id, { left: room.members.length, heard });
      sender.says(room.frame(sender, `${id} ${words}`));
    });
  };
  return {
    drive: async (count) => {
      const waits = await atATime(atOnce, count, say);
      const deliveries = rooms[0]?.members.length ?? 0;
      return { operations: count * deliveries, waits };
    },
    close: async () => {
      await Promise.all(rooms.flatMap(({ members }) => members.map((member) => member.leave())));
    },
  };
}

const message = /"message":"(\d+) /;

/** The number of the chat message that a frame carries; a text that is none for any other frame. */
function idOf(frame: string): string {
  const colon = frame.indexOf(":");
  return message.exec(atob(frame.slice(colon + 1)))?.[1] ?? "";
}
