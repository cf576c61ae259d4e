/** What is looked through at the end of every test file would tell of a leak: here the Worker is made to log what it must not. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { lobbyOf, Player } from "../../measure/kit/player.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { asGateway } from "../../measure/kit/secret.ts";
import { startFaultyServer } from "../../measure/kit/server.ts";
import type { SecretKind } from "../../measure/kit/told-secrets.ts";
import { lookThrough } from "../../measure/kit/whole-log.ts";
import { encode } from "../../measure/kit/wire.ts";

const secret = "a secret for one file, of 39 characters";
let server: Server;
let logged: string[] = [];
beforeAll(async () => {
  server = await startFaultyServer({ secret, logged: (line) => logged.push(line) });
});
beforeEach(() => {
  expect(lookThrough().wrong).toEqual([]);
  logged = [];
});
afterAll(() => server.stop());

async function log(text: string): Promise<void> {
  await fetch(new URL("/test/log", server.url), { method: "POST", body: text });
  await vi.waitFor(() => expect(logged).toContain(text));
}

/** A line as the Worker's own code writes them. */
const time = "2026-11-21T12:30:45.678Z";
const line = (details: object) =>
  JSON.stringify({ time, level: "info", event: "request_refused", ...details });

/** A host that knows its one peer, and all that it may not tell anybody. */
async function hostWithSecrets(): Promise<{ host: Player; secrets: Record<SecretKind, string> }> {
  const { lobbyId, host, all } = await lobbyOf(2, server.url);
  for (const player of all) player.answersOverUdp = false;
  await host.start(lobbyId);
  for (const player of all) {
    const { port } = await player.hears("ptpMediation_send");
    const connect = encode("ptpMediation_connect", { token: player.token, candidates: [] });
    player.sendDatagram(Number(port), connect);
  }
  const { peers } = await host.hears("ptpMediation_peersConnection_start");
  const [{ relay, link }] = peers as [{ relay: { ticket: string }; link: { key: string } }];
  const secrets: Record<SecretKind, string> = {
    "client's token": host.token,
    "link's or a ticket's key": link.key,
    "relay's ticket": relay.ticket,
    "deployment's secret": secret,
    "gateway's signature": asGateway()("GET", "/")["orion-gateway"]?.split(" ").at(-1) ?? "",
  };
  return { host, secrets };
}

test("whatever secret is logged, of whomever, one is told of which kind it is, and not which it is", async () => {
  const { host, secrets } = await hostWithSecrets();
  const all = [...Object.values(secrets), host.token.slice(-22)];
  for (const [kind, text] of Object.entries(secrets)) {
    await log(line({ about: text }));
    const { wrong } = lookThrough();
    expect(wrong).toEqual([expect.stringContaining(`The ${kind} was logged by the Worker`)]);
    expect(wrong.join()).toContain("whatever secret is logged");
    for (const each of all) expect(wrong.join()).not.toContain(each);
  }
  await log(line({ about: all.join(" ") }));
  const { wrong } = lookThrough();
  expect(wrong).toHaveLength(all.length - 1);
  for (const each of all) expect(wrong.join()).not.toContain(each);
});

test.each<[how: string, (token: string) => string]>([
  ["its last part alone", (token) => token.slice(-22)],
  ["cut off before its end", (token) => token.slice(0, -8)],
  ["in the middle of an error", (token) => `TypeError: ${token}x is none`],
  ["in a path", (token) => `/lobbies/${token}/join`],
  ["in a frame as it came", (token) => encode("lobby_messaging_send", { token, lobbyId: "AAAAA" })],
])("a token that is logged is found: %s", async (_, disguise) => {
  const { token } = await Player.connect(server.url);
  await log(line({ error: disguise(token) }));
  expect(lookThrough().wrong).toEqual([
    expect.stringMatching(/^The client's token.* was logged by the Worker/),
  ]);
});

test("a token that was told to somebody else than a Player is found too", async () => {
  const socket = new WebSocket(server.url);
  const token = await new Promise<string>((resolve) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(atob(String(data).split(":")[1] ?? "")).token);
  });
  await log(line({ token }));
  expect(lookThrough().wrong).toEqual([expect.stringContaining("The client's token")]);
  socket.close();
});

test("a token that another program prints is found", async () => {
  const { token } = await Player.connect(server.url);
  const program = startProgram(process.execPath, ["-e", "console.error(process.env.PRINTED)"], {
    PRINTED: `it was ${token}`,
  });
  await program.ended;
  expect(lookThrough().wrong).toEqual([expect.stringContaining("The client's token was logged by")]);
});

test.each([
  ["203.0.113.9", true],
  ["127.0.0.1", true],
  ["2001:db8:1:2::3", true],
  ["from [2001:db8::1]:4000", true],
  ["203.0.113.5:4000", true],
  ["udp:203.0.113.5", true],
  ["203.0.113.0/24", false],
  ["203.0.113.10/24", false],
  ["2001:0db8:0001/48", false],
  ["at 12:30:45, in version 1.2.3", false],
])("a whole address that is logged is found, its neighbourhood is none: %s", async (text, isFound) => {
  await log(line({ from: text }));
  const { wrong } = lookThrough();
  expect(wrong).toEqual(isFound ? [expect.stringContaining("The address of a player")] : []);
});

test.each([
  ["a plain sentence", "is no JSON"],
  [`{"level":"info","event":"request_refused"}`, "has no time"],
  [`{"time":"${time}","event":"request_refused"}`, "has no level"],
  [`{"time":"${time}","level":"error"}`, "does not say what happened"],
])("a line that an operator's tools cannot read is found: %s", async (text, fault) => {
  await log(text);
  expect(lookThrough().wrong).toEqual([expect.stringContaining(`the Worker ${fault}: ${text}`)]);
});
