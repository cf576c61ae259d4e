/** Players that cannot use UDP, and players whose links are encrypted, with real WebSockets and a sidecar that sees others. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import { parseTicket, relayOf } from "../../core/relay/ticket.ts";
import type { Server } from "../../local/server.ts";
import { Player, post, request } from "../../measure/kit/player.ts";
import { postAsSidecar, proofOf, secret, webSocketTicketKeyOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { openRelay } from "../../measure/kit/socket-relay.ts";

let server: Server;
beforeAll(async () => {
  server = await startTestServer({ udpPort: null, secret, vars: { sidecarHosts: "paris=relay.example" } });
});
afterAll(() => server.stop());
const tell = (path: string, body: object) => postAsSidecar(server.url, path, body, { name: "paris" });
/** A sidecar that is forgotten after 25 s, unless it says so again. */
beforeEach(() =>
  tell("/sidecar/heartbeat", {
    name: "paris",
    host: "relay.example",
    port: 5990,
    secondPort: 5991,
    relays: true,
    load: 0,
  }),
);

const web = ["links", "pings", "ws-relay"];
const all = [...web, "webrtc", "encrypted"];
const commitment = () => createHash("sha256").update(randomBytes(32)).digest("base64url");

type Told = Record<string, unknown> & { webSocket: { ticket: string; key: string; lifeMs: number } };

async function introduced(player: Player, nth = 1): Promise<{ peers: Told[]; you?: object }> {
  return (await player.hears("ptpMediation_peersConnection_start", nth)) as { peers: Told[]; you?: object };
}

async function seen(player: Player, port: number): Promise<void> {
  const at = { ip: "198.51.100.7", port, candidates: [] };
  const observation = { clientId: player.clientId, proof: proofOf(player), ...at };
  expect(await tell("/sidecar/observations", { observations: [observation] })).toMatchObject({ status: 200 });
}

/** A player whose client has these features, connected as the SDK does, or as a plain Orion client. */
async function comer(path: string, features: readonly string[]): Promise<Player> {
  const player = await Player.connect(server.url, path);
  player.answersOverUdp = false;
  if (features.length > 0) {
    player.say("client_features", { features });
    await player.settled();
  }
  return player;
}

/** Players with these features, in one lobby, the first of them its host, who has started. */
async function startedLobby(
  [first = [], ...rest]: readonly (readonly string[])[],
  { direct = true, ...options }: { direct?: boolean; [addition: string]: unknown } = {},
) {
  const host = await comer(direct ? "/lobbies" : "/", first);
  const { body } = await host.host({ maxMembers: 8, ...options });
  const lobbyId = String(body?.lobbyId);
  const guests: Player[] = [];
  for (const [i, features] of rest.entries()) {
    const guest = await comer(direct ? `/lobbies/${lobbyId}` : "/", features);
    expect((await guest.join(lobbyId, `Guest ${i + 1}`)).status).toBe(200);
    guests.push(guest);
  }
  expect((await host.start(lobbyId)).status).toBe(200);
  const { mediation } = await host.hears("ptpMediation_send");
  await Promise.all(guests.map((guest) => guest.hears("ptpMediation_send")));
  const [guest = host] = guests;
  return { lobbyId, host, guest, guests, mediation };
}

for (const direct of [true, false]) {
  test(`two pages of the ${direct ? "direct" : "plain"} path are introduced, each with a ticket for one relay`, async () => {
    const { host, guest, mediation } = await startedLobby([web, web], { direct });
    for (const player of [host, guest]) player.say("ptpMediation_ready", { mediation, udp: false });
    const told = await Promise.all([host, guest].map((player) => introduced(player)));
    const tickets = told.map(({ peers, you }) => {
      expect(you).toBeUndefined();
      expect(peers).toHaveLength(1);
      expect(peers[0]).not.toHaveProperty("ip");
      const webSocket = peers[0]?.webSocket;
      expect(webSocket).toMatchObject({ lifeMs: relayLimits.relayTicketMs });
      expect(webSocket?.key).toBe(webSocketTicketKeyOf(webSocket?.ticket ?? ""));
      return parseTicket(webSocket?.ticket ?? "");
    });
    const [ours, theirs] = tickets;
    expect(ours).toMatchObject({ side: "a", clientId: host.clientId, peerId: guest.clientId });
    expect(theirs).toMatchObject({
      side: "b",
      clientId: guest.clientId,
      link: ours?.link,
      sidecar: ours?.sidecar,
    });
    expect(ours && relayOf(ours)).toMatchObject({ number: 0 });
  });
}

test("a ticket for a relay over WebSocket is renewed, also when the lobby is over, and only with its own key", async () => {
  const { host, guest, mediation } = await startedLobby([web, web]);
  for (const player of [host, guest]) player.say("ptpMediation_ready", { mediation, udp: false });
  const [{ peers }] = await Promise.all([introduced(host), introduced(guest)]);
  const { ticket = "", key = "" } = peers[0]?.webSocket ?? {};
  for (const player of [host, guest]) player.reportsSuccess();
  await host.hears("lobby_closed");
  host.say("ptpRelay_renew", { tickets: [{ ticket, key }] });
  const { tickets } = (await host.hearsNext("ptpRelay_renewed")) as {
    tickets: { ticket: string; key: string }[];
  };
  expect(tickets).toHaveLength(1);
  expect(parseTicket(tickets[0]?.ticket ?? "")).toMatchObject({ sidecar: parseTicket(ticket)?.sidecar });
  expect(tickets[0]?.key).toBe(webSocketTicketKeyOf(tickets[0]?.ticket ?? ""));
  host.say("ptpRelay_renew", { tickets: [{ ticket, key: webSocketTicketKeyOf(`${ticket}x`) }] });
  expect(await host.hearsNext("ptpRelay_renewed")).toMatchObject({ tickets: [] });
});

describe("two pages play by the relay, and it lets go", () => {
  /** They are connected by the lobby's own tickets, in a lobby that stays. */
  async function playingPair() {
    const { lobbyId, host, guest, mediation } = await startedLobby([web, web], { lifetime: "session" });
    for (const player of [host, guest]) player.say("ptpMediation_ready", { mediation, udp: false });
    const ends = await Promise.all(
      [host, guest].map(async (player) => {
        const { webSocket } = (await introduced(player)).peers[0] ?? {};
        if (!webSocket) throw new Error("no ticket");
        return { held: webSocket, relay: await openRelay(server.url, webSocket) };
      }),
    );
    for (const { relay } of ends) onTestFinished(() => relay.kill());
    for (const player of [host, guest]) player.reportsSuccess();
    await Promise.all([host, guest].map((player) => player.hears("ptpMediation_success")));
    const [hosts, guests] = ends;
    if (!hosts || !guests) throw new Error("no pair");
    const link = parseTicket(hosts.held.ticket)?.link ?? "";
    await guests.relay.until(() => guests.relay.texts.includes(`bound ${link} true`));
    hosts.relay.send(link, "hello");
    await guests.relay.until(() => guests.relay.payloads.includes("hello"));
    // The platform ends the connection of a client that has said nothing only when that gives up.
    guests.relay.send(link, "hello yourself");
    await hosts.relay.until(() => hosts.relay.payloads.includes("hello yourself"));
    return { lobbyId, host, guest, hosts, guests };
  }

  test("of one that the host has removed, whose ticket is no good any more", async () => {
    const { lobbyId, host, guest, guests } = await playingPair();
    const path = `/lobbies/${lobbyId}/kick`;
    const { secretToken: token } = host;
    expect((await post(server.url, path, { token, clientId: guest.clientId })).status).toBe(200);
    await guests.relay.until(() => guests.relay.closed !== null);
    const again = await openRelay(server.url, guests.held);
    onTestFinished(() => again.kill());
    await again.until(() => again.texts.length > 0);
    expect(again.texts[0]).toMatch(/^refused /);
  });

  test("of one that has left", async () => {
    const { guest, guests } = await playingPair();
    guest.socket.close(1000);
    await guests.relay.until(() => guests.relay.closed !== null);
  });

  test("of all when the host has left, and the lobby with it", async () => {
    const { host, hosts, guests } = await playingPair();
    host.socket.close(1000);
    for (const { relay } of [hosts, guests]) await relay.until(() => relay.closed !== null);
  });
});

test("two pages play on by the relay when their lobby is over because they are connected", async () => {
  const { host, guest, mediation } = await startedLobby([web, web]);
  for (const player of [host, guest]) player.say("ptpMediation_ready", { mediation, udp: false });
  const [ours, theirs] = await Promise.all(
    [host, guest].map(async (player) => (await introduced(player)).peers[0]?.webSocket),
  );
  if (!ours || !theirs) throw new Error("no tickets");
  const [a, b] = [await openRelay(server.url, ours), await openRelay(server.url, theirs)];
  onTestFinished(() => {
    for (const relay of [a, b]) relay.kill();
  });
  for (const player of [host, guest]) player.reportsSuccess();
  await host.hears("lobby_closed");
  const link = parseTicket(ours.ticket)?.link ?? "";
  await a.until(() => a.texts.includes(`bound ${link} true`));
  a.send(link, "still here");
  await b.until(() => b.payloads.includes("still here"));
});

test("a page and a player with UDP are introduced when that one is seen", async () => {
  const { host, guest, mediation } = await startedLobby([web, web]);
  host.say("ptpMediation_ready", { mediation, udp: false });
  await host.settled();
  expect(host.all("ptpMediation_peersConnection_start")).toEqual([]);
  await seen(guest, 1002);
  expect((await introduced(host)).peers).toMatchObject([{ ip: "198.51.100.7", port: 1002, webSocket: {} }]);
  const { peers, you } = await introduced(guest);
  expect(you).toMatchObject({ port: 1002 });
  expect(peers[0]).not.toHaveProperty("ip");
});

describe("a page cannot be connected to", () => {
  for (const [who, features] of [
    ["a plain Orion client", []],
    ["the SDK of before", ["links", "pings"]],
  ] as const) {
    test(`${who}: the mediation ends at once, and the host hears why`, async () => {
      const { host, guest, mediation } = await startedLobby([web, features], { direct: features.length > 0 });
      host.say("ptpMediation_ready", { mediation, udp: false });
      for (const player of [host, guest])
        expect(await player.hears("ptpMediation_aborted")).toMatchObject({ code: "could_not_connect" });
    });
  }
});

test("in a mesh, pages and players with UDP are all introduced to each other", async () => {
  const { host, guests, mediation } = await startedLobby([web, web, web], { topology: "mesh" });
  const [ben = host, cid = host] = guests;
  for (const player of [host, ben]) player.say("ptpMediation_ready", { mediation, udp: false });
  await seen(cid, 1003);
  for (const player of [host, ben, cid]) {
    const { peers } = await introduced(player);
    expect(peers).toHaveLength(2);
    for (const { webSocket } of peers) expect(parseTicket(webSocket.ticket)?.clientId).toBe(player.clientId);
  }
});

test("players who encrypt are told each other's commitments, and wait for those that are missing", async () => {
  const { host, guest, mediation } = await startedLobby([all, all]);
  const [ours, theirs] = [commitment(), commitment()];
  await seen(host, 1001);
  await seen(guest, 1002);
  host.say("ptpMediation_ready", { mediation, commitment: ours });
  // It never changes.
  host.say("ptpMediation_ready", { mediation, commitment: commitment() });
  await host.settled();
  expect(host.all("ptpMediation_peersConnection_start")).toEqual([]);
  guest.say("ptpMediation_ready", { mediation, commitment: theirs });
  expect((await introduced(host)).peers).toMatchObject([
    { commitment: theirs, features: all, webrtc: { polite: false, relayOnly: false } },
  ]);
  expect((await introduced(guest)).peers).toMatchObject([{ commitment: ours, webrtc: { polite: true } }]);
});

describe("a lobby that requires encryption", () => {
  const options = { encryption: "required", isPublic: true, maxMembers: 4 };

  test("lets in nobody whose client does not encrypt, is listed as such, and stays so", async () => {
    const host = await comer("/lobbies", all);
    const { body } = await host.host(options);
    expect(body).toMatchObject({ lobby: { encryption: "required" } });
    const lobbyId = String(body?.lobbyId);
    for (const features of [[], web]) {
      const stranger = await comer(`/lobbies/${lobbyId}`, features);
      const answer = await stranger.join(lobbyId, "Ben");
      expect([answer.status, answer.body?.codes]).toEqual([403, ["encryption_required"]]);
    }
    const ben = await comer(`/lobbies/${lobbyId}`, all);
    expect((await ben.join(lobbyId, "Ben")).status).toBe(200);
    const { body: list } = await request(server.url, "/lobbies");
    expect(list?.lobbies).toContainEqual(expect.objectContaining({ id: lobbyId, encryption: "required" }));
  });

  test("is opened by nobody whose client does not encrypt", async () => {
    for (const features of [[], web]) {
      const host = await comer("/lobbies", features);
      const { status, body } = await host.host(options);
      expect([status, body?.codes]).toEqual([403, ["encryption_required"]]);
    }
  });

  test("is one of two kinds", async () => {
    const host = await comer("/lobbies", all);
    const { status, body } = await host.host({ ...options, encryption: "maybe" });
    expect([status, body?.codes]).toEqual([400, ["invalid_encryption"]]);
  });
});

test("a player of today is told what it was told before: no ticket, no commitment, nothing of WebRTC", async () => {
  const { host, guest } = await startedLobby([["links", "pings"], all]);
  const { mediation } = await guest.hears("ptpMediation_send");
  guest.say("ptpMediation_ready", { mediation, commitment: commitment() });
  await seen(host, 1001);
  await seen(guest, 1002);
  for (const player of [host, guest]) {
    const { peers } = await introduced(player);
    expect(Object.keys(peers[0] ?? {}).toSorted()).toEqual([
      "candidates",
      "clientId",
      "ip",
      "link",
      "mapping",
      "name",
      "port",
      "ports",
      "proven",
      "relay",
    ]);
  }
});
