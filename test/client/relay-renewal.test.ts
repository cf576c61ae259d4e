/** Links on the relay outlive their lobby: their tickets are renewed over the WebSocket, which stays open as long as they need it. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connect, type Link, type Lobby, type Orion } from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { next, nextOn } from "./heard.ts";

/** To the clients, a ticket seems to be good for four seconds. The server and the relay know nothing of this. */
const lifeMs = 4_000;
const renewed = vi.hoisted(() => ({ count: 0 }));
vi.mock(import("../../core/wire/server-message.ts"), async (original) => {
  const real = await original();
  return {
    ...real,
    readServerMessage: (text) => {
      const message = real.readServerMessage(text);
      if (message?.method === "ptpRelay_renewed") {
        renewed.count += message.payload.tickets.length;
        return { ...message, payload: { ...message.payload, lifeMs } };
      }
      if (message?.method !== "ptpMediation_peersConnection_start") return message;
      for (const peer of message.payload.peers) {
        if ("relay" in peer && peer.relay) peer.relay.lifeMs = lifeMs;
      }
      return message;
    },
  };
});

let server: Server;
let orion: Orion<Lobby>;
beforeAll(async () => {
  server = await startTestServer();
  orion = await connect(server.url);
});
afterAll(() => server.stop());

/** WebSockets that this program has open. */
const open: WebSocket[] = [];
const Real = globalThis.WebSocket;
beforeAll(() => {
  globalThis.WebSocket = class extends Real {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      open.push(this);
    }
  };
  return () => {
    globalThis.WebSocket = Real;
  };
});
/** Those of lobbies. Relays over WebSocket have others, which are standbys as long as a link lasts. */
const openNow = () =>
  open.filter(({ readyState, url }) => readyState === Real.OPEN && !url.endsWith("/relay"));

async function linked(privacy: "open" | "relay-only"): Promise<{ all: Lobby[]; links: Link[] }> {
  const ada = await orion.host({ name: "Ada", privacy });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const over = [ada, bo].map((player) => next(player, "closed"));
  const links = (await Promise.all([ada.start(), bo.started()])).flat();
  expect(await Promise.all(over)).toEqual(Array(2).fill({ reason: "connected" }));
  return { all: [ada, bo], links };
}

async function hears(from: Link | undefined, to: Link | undefined, word: string): Promise<void> {
  const heard = to && nextOn(to, "message");
  from?.send(word);
  expect(new TextDecoder().decode(await heard)).toBe(word);
}

test("a link on the relay goes on when its lobby is over and left, its tickets are renewed, and then all closes", async () => {
  const { all, links } = await linked("relay-only");
  const [hers, his] = links;
  await Promise.all(all.map((player) => player.leave()));
  expect(openNow()).toHaveLength(2);
  const [bound, before] = [server.sidecar?.relayed.bound ?? 0, renewed.count];
  // Both ends bind with every new ticket at once.
  await vi.waitFor(() => expect(server.sidecar?.relayed.bound).toBeGreaterThanOrEqual(bound + 4), {
    timeout: 30_000,
  });
  expect(renewed.count).toBeGreaterThanOrEqual(before + 2);
  await hears(hers, his, "still here");
  await hears(his, hers, "so am I");
  expect(server.sidecar?.relayed.refusals).toMatchObject({ ticket_expired: 0, ticket_superseded: 0 });
  const closed = openNow().map((socket) => once(socket, "close"));
  await Promise.all(links.map((link) => link.close()));
  await Promise.all(closed);
});

test("players who need no relay leave the server when their lobby is over", async () => {
  const { links } = await linked("open");
  await vi.waitFor(() => expect(openNow()).toEqual([]));
  for (const { path } of links) expect(path).not.toBe("relay");
  await hears(links[0], links[1], "by ourselves");
  await Promise.all(links.map((link) => link.close()));
});
