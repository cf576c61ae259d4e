/**
 * Writes what this version keeps and says, for the next one to read: `node test/vectors/write-kept.ts`, before each release.
 * Real objects write it. test/faults/other-versions.test.ts reads the files that are there, and those of the release before.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import {
  type Binding,
  type Call,
  callsSoFar,
  type Kept,
  keptOf,
  namesOf,
  startKeptServer,
  withNames,
} from "../../measure/kit/kept.ts";
import { lobbyOf, Player, request } from "../../measure/kit/player.ts";
import { failCalls, setFault } from "../../measure/kit/server.ts";

const server = await startKeptServer();
const at = Date.now();
const lobbies: Record<string, { path: "plain" | "direct"; kept: Kept }> = {};
const calls: Call[] = [];
try {
  for (const path of ["plain", "direct"] as const) await writeLobby(path);
} finally {
  await server.stop();
}

/** The phases of a lobby of two. By the plain path it is a row; by the direct one, and private, it is attached to its host's socket. */
async function writeLobby(path: "plain" | "direct"): Promise<void> {
  const { url, sidecar } = server;
  const direct = path === "direct";
  const before = direct ? (await callsSoFar(url)).length : 0;
  const { lobbyId, host, guests } = await lobbyOf(2, url, { direct, isPublic: !direct, maxMembers: 3 });
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  guest.say("client_pings");
  host.chat(lobbyId, "Ready?");
  await guest.hearsChat("Ready?");
  const names = namesOf({ host, guest }, { code: lobbyId });
  const keep = async (phase: string, isThere: (text: string) => boolean) => {
    for (let i = 0; i < 100; i++) {
      const kept = await keptOf(url, "LOBBY", lobbyId);
      const text = JSON.stringify(kept);
      const incarnation = /"incarnation":"([^"]+)"/.exec(text)?.[1];
      if (incarnation) names.set("incarnation", incarnation);
      if (isThere(text)) {
        lobbies[`${path}, ${phase}`] = { path, kept: withNames(kept, names) };
        return;
      }
      await pass(50);
    }
    throw new Error(`nothing was kept of a lobby that is ${phase}`);
  };
  await keep("waiting", (text) => text.includes('"kind":"waiting"'));
  if (!direct) {
    await keepOthers(names);
    await askMore(lobbyId, guest);
  }

  // Aborted: the one who joins is gone before it was seen.
  const late = await Player.connect(url, direct ? `/lobbies/${lobbyId}` : "/");
  await late.join(lobbyId, "Late");
  late.answersOverUdp = false;
  await host.start(lobbyId);
  await late.hears("ptpMediation_send");
  await late.leave();
  await host.hears("ptpMediation_aborted");
  await keep("aborted", (text) => text.includes('"aborted"'));

  // The guest shows its endpoint only when the lobby was kept while it waits for that.
  guest.answersOverUdp = false;
  const asked = guest.hearsNext("ptpMediation_send");
  await host.start(lobbyId);
  const { mediation } = await asked;
  guest.say("ptpMediation_unseen", { mediation });
  await keep("gathering", (text) => text.includes('"kind":"gathering"') && text.includes('"endpoints"'));
  guest.sendDatagram(sidecar?.port ?? 0);
  await host.hears("ptpMediation_peersConnection_start");
  guest.reportsSuccess();
  await keep("connecting", (text) => /"reported":\["/.test(text));

  await setFault(url, "unlisting", "3000");
  host.reportsSuccess();
  if (!direct) await keep("closing", (text) => text.includes('"kind":"closing"'));
  await setFault(url, "unlisting", "");
  await host.hears("lobby_closed");
  await guest.hears("lobby_closed");
  noteCalls((await callsSoFar(url)).slice(before), names);
}

/** Requests that the rest of the story does not need. */
async function askMore(lobbyId: string, guest: Player): Promise<void> {
  const { url } = server;
  for (const path of ["/lobbies", "/lobbies?limit=1"]) await request(url, path);
  // It is in a lobby, and asked for another: its lobby is asked whether that is so.
  await guest.join(lobbyId, "Again");
  // Nobody knows whether it was done, so it is taken back.
  await failCalls(url, "hostLobby", "lose", 4);
  await (await Player.connect(url)).host();
  await failCalls(url, "hostLobby", "lose", 0);
}

/** The rows and attachments of the other objects. */
async function keepOthers(names: Map<string, string>): Promise<void> {
  const others: [name: string, Binding, string][] = [
    ["directory", "DIRECTORY", "shard-0"],
    ["fleet", "FLEET", "fleet"],
    ["lounge", "LOUNGE", names.get("guest's holder") ?? ""],
  ];
  for (const [name, binding, object] of others) {
    lobbies[name] = { path: "plain", kept: withNames(await keptOf(server.url, binding, object), names) };
  }
}

/** The first call of each method, and of messages the first of each kind. */
function noteCalls(some: Call[], names: Map<string, string>): void {
  const kindsOf = ({ method, args: [, batch] }: Call): string[] => {
    const items: object[] = method === "receive" ? Object(batch).items : [{}];
    return items.map((item) =>
      "event" in item ? Object(item.event).kind : Object.keys(item).sort().join(" "),
    );
  };
  const idOf = (one: Call) => `${one.class} ${one.method} ${kindsOf(one).join(", ")}`;
  for (const one of some)
    if (!calls.some((other) => idOf(other) === idOf(one))) calls.push(withNames(one, names));
}

write("kept.json", { at, objects: lobbies });
write("calls.json", { at, calls });
console.log(`${Object.keys(lobbies).length} objects and ${calls.length} calls were written.`);
process.exit();

function write(name: string, content: object): void {
  writeFileSync(new URL(`kept/${name}`, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
}
