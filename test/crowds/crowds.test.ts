/** Honest crowds: no bound on an address may keep them from playing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeCharacters } from "../../core/lobby/code.ts";
import type { Server } from "../../local/server.ts";
import { Player, request } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";

let server: Server;
beforeAll(async () => {
  // As a deployment counts: players who share a lounge, each at the address that its proxy says.
  const vars = { reverseProxies: "127.0.0.1 ::1", clientsPerLounge: 256 };
  server = await startTestServer({ vars });
});
afterAll(() => server.stop());

type Evening = {
  /** Players in each lobby. */
  size?: number;
  /** How often each one looks at the list. */
  lists?: number;
  /** Codes that every fourth one mistypes. */
  typos?: number;
  direct?: boolean;
  /** Done once all are connected, and before they join. */
  meanwhile?: () => Promise<unknown>;
};
type Table = { lobbyId: string; host: Player; guests: Player[] };

const from = (address: string) => ({ "x-forwarded-for": address });
const many = (count: number, address: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => address(i));

/** All meet, chat, connect and part, each at its address: what an evening has, all at once. */
async function playTogether(addresses: string[], evening: Evening = {}): Promise<void> {
  const { size = 8, meanwhile } = evening;
  const groups = Array.from({ length: Math.ceil(addresses.length / size) }, (_, i) =>
    addresses.slice(i * size, (i + 1) * size),
  );
  const tables = await Promise.all(
    groups.filter((group) => group.length > 1).map((group) => arrive(group, evening)),
  );
  await meanwhile?.();
  await Promise.all(tables.map((table) => play(table, evening)));
}

async function arrive([first = "", ...others]: string[], { size = 8, direct }: Evening): Promise<Table> {
  const host = await Player.connect(server.url, direct ? "/lobbies" : "/", from(first));
  const opened = await host.host({ isPublic: true, maxMembers: size });
  expect(opened.status).toBe(201);
  const lobbyId = String(opened.body?.lobbyId);
  const path = direct ? `/lobbies/${lobbyId}` : "/";
  const guests = await Promise.all(others.map((address) => Player.connect(server.url, path, from(address))));
  return { lobbyId, host, guests };
}

async function play({ lobbyId, host, guests }: Table, { lists = 5, typos = 1 }: Evening): Promise<void> {
  await Promise.all(
    guests.map(async (guest, i) => {
      for (let n = 0; n < lists; n++) {
        const listed = await request(server.url, "/lobbies?limit=20", {
          headers: guest.headersFor("GET", "/lobbies"),
        });
        expect(listed.status).toBe(200);
      }
      for (let n = 0; i % 4 === 0 && n < typos; n++)
        expect((await guest.join(mistyped(lobbyId, i + n), `Guest ${i}`)).status).toBe(409);
      expect((await guest.join(lobbyId, `Guest ${i}`)).status).toBe(200);
    }),
  );
  const all = [host, ...guests];
  for (const [i, player] of all.entries()) player.chat(lobbyId, `Hello from ${i}`);
  for (const i of all.keys()) await host.hearsChat(`Hello from ${i}`);
  expect((await host.start(lobbyId)).status).toBe(200);
  for (const player of all) {
    await player.hears("ptpMediation_peersConnection_start");
    player.reportsSuccess();
  }
  for (const player of all) await player.hears("ptpMediation_success");
  await Promise.all(all.map((player) => player.leave()));
}

/** The code with its first character a few keys further: one in 33 of these passes the check character. */
function mistyped([first = "", ...rest]: string, by: number): string {
  const at = codeCharacters.indexOf(first) + 1 + (by % (codeCharacters.length - 1));
  return [codeCharacters[at % codeCharacters.length], ...rest].join("");
}

test("a hundred players behind one address play in twelve lobbies, by the plain path", async () => {
  await playTogether(many(100, () => "203.0.113.7"));
});

test("a hundred players behind one address play in fifty lobbies, by the direct path", async () => {
  await playTogether(
    many(100, () => "203.0.113.8"),
    { direct: true, size: 2 },
  );
});

test("a LAN party of 64, each at an address of its own, plays in one lobby", async () => {
  const all = many(64, (i) => `192.168.7.${i + 1}`);
  await playTogether(all, { size: 64, lists: 1 });
});

test("a dormitory plays: 100 players, each with a /64 of one /48", async () => {
  await playTogether(many(100, (i) => `2001:db8:7:${i.toString(16)}::1`));
});

test("behind a carrier's NAT all play who were connected before others at their address began to guess codes", async () => {
  const address = "198.51.100.7";
  const guessers = await Promise.all(
    many(12, () => address).map((one) => Player.connect(server.url, "/", from(one))),
  );
  const guess = (guesser: Player, nr: number) =>
    many(40, (n) => `A${nr.toString(36)}A${n.toString(36).padStart(2, "A")}`).map((code) =>
      guesser.join(code, "Guesser"),
    );
  const meanwhile = async () => {
    const answers = await Promise.all(guessers.flatMap(guess));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([409, 429]));
  };
  await playTogether(
    many(40, () => address),
    { typos: 0, meanwhile },
  );
  await Promise.all(guessers.map((guesser) => guesser.leave()));
});
