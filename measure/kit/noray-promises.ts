/** What noray's players rely on, checked from what all clients of a server asked, and what they heard by TCP and by the relay. */
import type { Game, NorayAddress, NorayClient } from "./noray-client.ts";

/** `answer`: the line that came for it. Null if none came in time. */
export type NorayAsk = {
  readonly at: number;
  readonly how: "connect" | "connect-relay";
  readonly of: NorayPlayer;
  answer: string | null;
  /** A gateway or a client that it needs has gone, or may be going. */
  isExcused: boolean;
  /** Nothing came back of what was sent by the relay. */
  isLost: boolean;
};

/** One client, and its game's socket. A player only hosts, or only asks: so each line that it hears is about one ask. */
export type NorayPlayer = {
  readonly gateway: NorayAddress;
  readonly client: NorayClient;
  readonly game: Game;
  /** Its own. */
  readonly ip: string;
  readonly isHost: boolean;
  readonly asks: NorayAsk[];
  /** When it sent something to relays that it was not told, in milliseconds since 1970. */
  readonly intrusions: number[];
};

/** What a guest sends by the relay, and what its host sends back. */
export const packetOf = (oid: string, number: number) => `packet ${oid} ${number}`;
export const echoOf = (packet: string, oid: string) => `echo ${oid} ${packet}`;
const packet = /^(?:echo (\S+) )?packet (\S+) (\d+)$/;

/** Milliseconds for which nobody gets a relay from where a player has spoken to the same partner (docs/dialects.md). */
const takenMs = 3_000;
/** Milliseconds after which a line that went with a packet, or the other's answer, has come. */
const skewMs = 2_000;

/** What can never become right any more, in sentences. */
export function brokenOfNoray(players: readonly NorayPlayer[]): string[] {
  return players.flatMap((player) => {
    const wrong = player.isHost ? wrongAtHost(player, players) : wrongAtGuest(player);
    return [...wrong, ...wrongPackets(player, players)].map((what) => sentenceOf(player, what));
  });
}

function linesOf({ client }: NorayPlayer): string[] {
  return client.lines.filter((line) => !line.startsWith("set-"));
}

function endpointOf({ ip, client }: NorayPlayer): string {
  return `${ip}:${client.localPort}`;
}

/** One answer to each ask, and the right one. */
function wrongAtGuest(guest: NorayPlayer): string[] {
  const lines = linesOf(guest);
  const wrong: string[] = [];
  if (lines.length > guest.asks.length)
    wrong.push(`has asked ${guest.asks.length} times, and heard ${lines.join(", ")}`);
  for (const ask of guest.asks) {
    const { how, of: host, answer, isExcused, isLost } = ask;
    if (isLost && !isExcused) wrong.push(`heard nothing of ${host.client.oid} by the relay`);
    if (answer === null) {
      if (!isExcused) wrong.push(`had no answer to ${how} ${host.client.oid}`);
      continue;
    }
    const isMet = answer.startsWith(`${how} `);
    if (!isMet && !answer.startsWith(`error ${how} `))
      wrong.push(`was answered ${answer} to ${how} ${host.client.oid}`);
    if (isMet && how === "connect" && answer !== `connect ${endpointOf(host)}`)
      wrong.push(`was told ${answer} of ${endpointOf(host)}`);
    // Within one gateway nothing else is needed.
    if (!isMet && !isExcused && host.gateway === guest.gateway && !isTaken(guest, ask))
      wrong.push(`was answered ${answer} about a host of its own gateway`);
  }
  return wrong;
}

/** Whether one of the two may have the place of a silent player at the other's relay: by what it sent there, and not by an ask. */
function isTaken(guest: NorayPlayer, { at, of: host, answer }: NorayAsk): boolean {
  if (answer !== "error connect-relay Try again later") return false;
  return [guest, host].some(({ intrusions }) =>
    intrusions.some((one) => Math.abs(one - at) < takenMs + skewMs),
  );
}

/** A line for each ask of a guest that was answered, and none but for asks. */
function wrongAtHost(host: NorayPlayer, players: readonly NorayPlayer[]): string[] {
  const lines = linesOf(host);
  const asks = players.flatMap((guest) =>
    guest.asks.filter((ask) => ask.of === host).map((ask) => ({ ...ask, endpoint: endpointOf(guest) })),
  );
  const wrong = lines.flatMap((line) =>
    /^connect(-relay)? /.test(line) ? [] : [`heard ${line}, which is no guest`],
  );
  const compare = (what: string, heard: number, of: typeof asks) => {
    const met = of.filter(
      ({ at, how, answer }) => answer?.startsWith(`${how} `) && at < Date.now() - skewMs,
    ).length;
    if (heard > of.length) wrong.push(`heard ${heard} times ${what}, for ${of.length} asks`);
    if (heard < met && !host.client.isClosed)
      wrong.push(`heard ${heard} times ${what}, of ${met} guests who were told of it`);
  };
  const connects = asks.filter(({ how }) => how === "connect");
  const told = [
    ...lines.filter((line) => line.startsWith("connect ")).map((line) => line.slice(8)),
    ...connects.map(({ endpoint }) => endpoint),
  ];
  for (const endpoint of new Set(told)) {
    const heard = lines.filter((line) => line === `connect ${endpoint}`).length;
    compare(
      endpoint,
      heard,
      connects.filter((ask) => ask.endpoint === endpoint),
    );
  }
  const relayed = lines.filter((line) => line.startsWith("connect-relay ")).length;
  compare(
    "connect-relay",
    relayed,
    asks.filter(({ how }) => how === "connect-relay"),
  );
  return wrong;
}

/**
 * Packets come from those only with whom the relay was asked for, once, from a port that was told. When a player has been silent, another
 * program at its address may take its place in a pair. So "told" and "asked" mean any player of the same address.
 */
function wrongPackets(player: NorayPlayer, players: readonly NorayPlayer[]): string[] {
  const { game, client, gateway, ip } = player;
  const ports = new Set(
    players.filter((other) => other.ip === ip && other.gateway === gateway).flatMap(relayPortsOf),
  );
  const heardBefore = new Set<string>();
  // The registrar answers each datagram: a late answer may find the game.
  const heard = game.heard.filter(({ text, from }) => !(text === "OK" && from.port === gateway.registrar));
  return heard.flatMap(({ text, from }) => {
    const [, host, guest] = packet.exec(text) ?? [];
    const sender = players.find((other) => other.client.oid === (host ?? guest));
    const wrong: string[] = [];
    const isPaired = (asker: NorayPlayer, of: NorayPlayer) =>
      players.some(
        ({ ip, asks }) =>
          ip === asker.ip && asks.some((ask) => ask.how === "connect-relay" && ask.of.ip === of.ip),
      );
    if (!sender || !(isPaired(player, sender) || isPaired(sender, player)))
      wrong.push(`heard ${text} of a stranger`);
    if (host !== undefined && guest !== client.oid) wrong.push(`heard ${text}, which is for another`);
    if (from.address !== gateway.address) wrong.push(`heard ${text} from ${from.address}`);
    if (!client.isClosed && !ports.has(from.port))
      wrong.push(`heard ${text} from port ${from.port}, of which it was not told`);
    if (heardBefore.has(text)) wrong.push(`heard ${text} twice`);
    heardBefore.add(text);
    return wrong;
  });
}

/** Ports of relays that it was told. */
function relayPortsOf({ client }: NorayPlayer): number[] {
  return client.lines
    .filter((line) => line.startsWith("connect-relay "))
    .map((line) => Number(line.slice(14)));
}

function sentenceOf(player: NorayPlayer, what: string): string {
  const { client, isHost, gateway, asks } = player;
  const asked = asks.map(
    ({ at, how, of, answer }) => `${at} ${how} ${of.client.oid} at ${of.gateway.tcp}: ${answer}`,
  );
  return `noray's ${isHost ? "host" : "guest"} ${client.oid} at ${endpointOf(player)} (${gateway.tcp}) ${what}. It ${asked.slice(-8).join("; ")} and heard ${linesOf(player).slice(-8).join("; ")}`;
}
