/** That each check of noray's players fires, and fires alone. */
import { expect, test } from "vitest";
import { Game, NorayClient } from "../../measure/kit/noray-client.ts";
import {
  brokenOfNoray,
  echoOf,
  type NorayAsk,
  type NorayPlayer,
  packetOf,
} from "../../measure/kit/noray-promises.ts";
import { expectToFire, type Fault } from "./fires-alone.ts";

const here = { address: "127.0.0.1", tcp: 8_890, registrar: 8_809 };
const there = { address: "127.0.0.1", tcp: 8_891, registrar: 8_810 };

/** One that is there. Its game is at the port that the registrar saw. */
function player(
  oid: string,
  ip: string,
  wish: { isHost?: boolean; gateway?: typeof here } = {},
): NorayPlayer {
  const { isHost = false, gateway = here } = wish;
  const own = (fields: object) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value, writable: true }]));
  const lines = [`set-oid ${oid}`, `set-pid pid-of-${oid}`];
  return {
    ...{ gateway, ip, isHost, asks: [], intrusions: [] },
    client: Object.create(NorayClient.prototype, own({ oid, localPort: 5_000, lines, isClosed: false })),
    game: Object.create(Game.prototype, own({ heard: [] })),
  };
}

type Pair = { host: NorayPlayer; guest: NorayPlayer };

function two(wish: { gateway?: typeof here } = {}): Pair {
  return { host: player("H", "127.1.0.1", { isHost: true, ...wish }), guest: player("G", "127.1.0.2") };
}

/** The guest asks for the host, and both are told: by which address, or by which ports of the relay. */
function meets({ host, guest }: Pair, how: NorayAsk["how"], ofHost = 9_001, ofGuest = 9_002): NorayAsk {
  const answer = how === "connect" ? `connect ${host.ip}:5000` : `connect-relay ${ofHost}`;
  host.client.lines.push(how === "connect" ? `connect ${guest.ip}:5000` : `connect-relay ${ofGuest}`);
  guest.client.lines.push(answer);
  // Long ago: nothing is on its way any more.
  const at = Date.now() - 60_000;
  const ask: NorayAsk = { at, how, of: host, answer, isExcused: false, isLost: false };
  guest.asks.push(ask);
  return ask;
}

/** The guest asks, and is answered by nothing but this. */
function asks(
  { host, guest }: Pair,
  answer: string | null,
  how: NorayAsk["how"] = "connect",
  isExcused = false,
): NorayAsk {
  if (answer !== null) guest.client.lines.push(answer);
  const at = Date.now() - 60_000;
  const ask: NorayAsk = { at, how, of: host, answer, isExcused, isLost: false };
  guest.asks.push(ask);
  return ask;
}

function hears({ game, gateway }: NorayPlayer, text: string, port: number, address = gateway.address): void {
  game.heard.push({ text, from: { address, port } });
}

/** Takes away what this player heard last, of lines. */
const forgets = ({ client }: NorayPlayer) => client.lines.pop();

const faults: [promise: string, ...Fault<NorayPlayer[]>][] = [
  [
    "one answer to each ask",
    /has asked 1 times, and heard/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect");
      if (isFaulty) pair.guest.client.lines.push("error connect Unknown host");
      return Object.values(pair);
    },
  ],
  [
    "the relay carries packets there and back",
    /heard nothing of H by the relay/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay").isLost = isFaulty;
      return Object.values(pair);
    },
  ],
  [
    "an answer comes, unless the gateway has gone",
    /had no answer to connect H/,
    (isFaulty) => {
      const pair = two();
      asks(pair, null, "connect", !isFaulty);
      return Object.values(pair);
    },
  ],
  [
    "the answer is that to the question",
    /was answered error connect-relay/,
    (isFaulty) => {
      const pair = two({ gateway: there });
      asks(pair, isFaulty ? "error connect-relay Unknown host" : "error connect Unknown host");
      return Object.values(pair);
    },
  ],
  [
    "the guest is told the host's own address",
    /was told connect 127\.1\.0\.9:5000 of 127\.1\.0\.1:5000/,
    (isFaulty) => {
      const pair = two();
      const ask = meets(pair, "connect");
      if (isFaulty) ask.answer = "connect 127.1.0.9:5000";
      return Object.values(pair);
    },
  ],
  [
    "a host of the guest's own gateway is found",
    /was answered error connect Unknown host about a host of its own gateway/,
    (isFaulty) => {
      const pair = two({ gateway: isFaulty ? here : there });
      asks(pair, "error connect Unknown host");
      return Object.values(pair);
    },
  ],
  ...(["guest", "host"] as const).map((who): [string, ...Fault<NorayPlayer[]>] => [
    `a relay is refused to nobody, unless the ${who} has just sent to relays of others`,
    /was answered error connect-relay Try again later about a host of its own gateway/,
    (isFaulty) => {
      const pair = two();
      const { at } = asks(pair, "error connect-relay Try again later", "connect-relay");
      pair[who].intrusions.push(at - (isFaulty ? 10_000 : 2_900));
      return Object.values(pair);
    },
  ]),
  [
    "a host hears of nobody who did not ask",
    /heard 1 times 127\.1\.0\.2:5000, for 0 asks/,
    (isFaulty) => {
      const pair = two();
      if (isFaulty) pair.host.client.lines.push("connect 127.1.0.2:5000");
      return Object.values(pair);
    },
  ],
  [
    "a host hears once of each who asked",
    /heard 2 times 127\.1\.0\.2:5000, for 1 asks/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect");
      if (isFaulty) pair.host.client.lines.push("connect 127.1.0.2:5000");
      return Object.values(pair);
    },
  ],
  [
    "a host hears of all who were told of it",
    /heard 0 times 127\.1\.0\.2:5000, of 1 guests/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect");
      if (isFaulty) forgets(pair.host);
      return Object.values(pair);
    },
  ],
  [
    "a host hears of no relay that nobody asked for",
    /heard 1 times connect-relay, for 0 asks/,
    (isFaulty) => {
      const pair = two();
      if (isFaulty) pair.host.client.lines.push("connect-relay 9002");
      return Object.values(pair);
    },
  ],
  [
    "a host hears of all whom the relay was told to",
    /heard 0 times connect-relay, of 1 guests/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      if (isFaulty) forgets(pair.host);
      return Object.values(pair);
    },
  ],
  [
    "a host hears nothing but of guests",
    /heard error connect Unknown host, which is no guest/,
    (isFaulty) => {
      const { host } = two();
      if (isFaulty) host.client.lines.push("error connect Unknown host");
      return [host];
    },
  ],
  [
    "packets come from those alone with whom the relay was asked for",
    /heard packet S 7 of a stranger/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      const stranger = player("S", "127.1.0.3");
      const other = { host: pair.host, guest: stranger };
      if (isFaulty) asks(other, "error connect Unknown host", "connect", true);
      else meets(other, "connect-relay", 9_001, 9_003);
      hears(pair.host, packetOf("S", 7), isFaulty ? 9_002 : 9_003);
      return [...Object.values(pair), stranger];
    },
  ],
  [
    "packets are those of players",
    /heard \$rwx of a stranger/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      hears(pair.host, isFaulty ? "$rwx" : packetOf("G", 7), 9_002);
      return Object.values(pair);
    },
  ],
  [
    "what a host sends back goes to whom it answers",
    /heard echo H packet S 7, which is for another/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      hears(pair.guest, echoOf(packetOf(isFaulty ? "S" : "G", 7), "H"), 9_001);
      return Object.values(pair);
    },
  ],
  [
    "packets come from the gateway",
    /heard packet G 7 from 127\.1\.0\.2/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      hears(pair.host, packetOf("G", 7), 9_002, isFaulty ? "127.1.0.2" : here.address);
      return Object.values(pair);
    },
  ],
  [
    "packets come from ports that were told",
    /heard packet G 7 from port 9003, of which it was not told/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      hears(pair.host, packetOf("G", 7), isFaulty ? 9_003 : 9_002);
      return Object.values(pair);
    },
  ],
  [
    "a player in the place of a silent one hears from the ports that this one was told",
    /heard echo H packet X 7 from port 9001, of which it was not told/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      // Another gateway's ports are not this one's.
      const successor = player("X", pair.guest.ip, { gateway: isFaulty ? there : here });
      hears(pair.host, packetOf("X", 7), 9_002);
      hears(successor, echoOf(packetOf("X", 7), "H"), 9_001);
      return [...Object.values(pair), successor];
    },
  ],
  [
    "a port that was told to players of another address is none of its own",
    /heard packet S 7 from port 9002, of which it was not told/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      const other = { host: player("I", "127.1.0.4", { isHost: true }), guest: player("S", "127.1.0.3") };
      meets(other, "connect-relay", 9_004, 9_003);
      hears(other.host, packetOf("S", 7), isFaulty ? 9_002 : 9_003);
      return [...Object.values(pair), ...Object.values(other)];
    },
  ],
  [
    "no packet comes twice",
    /heard packet G 7 twice/,
    (isFaulty) => {
      const pair = two();
      meets(pair, "connect-relay");
      hears(pair.host, packetOf("G", 7), 9_002);
      if (isFaulty) hears(pair.host, packetOf("G", 7), 9_002);
      return Object.values(pair);
    },
  ],
];

test.each(faults)("it is promised of noray that %s", (_, ...fault) => {
  expectToFire(brokenOfNoray, fault);
});

test("the registrar's late answer is no packet", () => {
  const { host } = two();
  hears(host, "OK", here.registrar);
  expect(brokenOfNoray([host])).toEqual([]);
  hears(host, "OK", 9_002);
  expect(brokenOfNoray([host])).not.toEqual([]);
});

test("a host whose connection has ended need not have heard of all", () => {
  const pair = two();
  meets(pair, "connect");
  forgets(pair.host);
  Object.assign(pair.host.client, { isClosed: true });
  expect(brokenOfNoray(Object.values(pair))).toEqual([]);
});
