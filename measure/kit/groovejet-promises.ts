/** What groovejet's clients rely on, checked from all that the clients of a server said and heard. */
import type { GroovejetClient, GroovejetMessage } from "./groovejet-client.ts";

/** One connection in one room. Each offer and each answer has a number of its own, which says whose it is. */
export type GroovejetPlayer = {
  readonly client: GroovejetClient;
  readonly code: string;
  /** Who it was before, if it came back with its key. */
  readonly before: GroovejetPlayer | null;
  /** Numbers of its offers. */
  readonly offers: number[];
};

export const offerOf = (number: number) => ({ type: "offer", sdp: `offer ${number}` });
export const answerTo = (number: number) => ({ type: "answer", sdp: `answer ${number}` });

const told = new Set(
  `identity createdRoom roomCreated joinedRoom roomJoined clientConnection guestOfferSignal hostSignal hostAnswerSignal
  hostDisconnected hostRejoined hostChanged becameHost guestDisconnected guestRejoined guestLeft roomClosed error`.split(
    /\s+/,
  ),
);
const offers = ["clientConnection", "guestOfferSignal"];
const answers = ["hostSignal", "hostAnswerSignal"];

/** The number of an offer or an answer that was heard. Null for any other message. */
export function numberIn({ type, data }: GroovejetMessage, of: "offer" | "answer"): number | null {
  const signal = (of === "offer" ? offers : answers).includes(type) ? data?.[`${of}Signal`] : null;
  const [, number] = /^\w+ (\d+)$/.exec(String(Object(signal).sdp)) ?? [];
  return number === undefined ? null : Number(number);
}

/** Whether it is in its room, as far as it was told. */
export function isIn({ client }: GroovejetPlayer): boolean {
  return (
    client.socket.readyState === client.socket.OPEN &&
    !client.types.some((type) => type === "roomClosed" || type === "error")
  );
}

/** Whether it is its room's host, as far as it was told. By its query, a client is told nothing. */
export function isHost({ client }: GroovejetPlayer): boolean {
  const last = client.heard.findLast(({ type }) =>
    ["createdRoom", "joinedRoom", "becameHost", "hostChanged"].includes(type),
  );
  if (!last) return client.socket.url.endsWith("&host");
  return last.type === "joinedRoom" ? last.data?.isHost === true : last.type !== "hostChanged";
}

/** What can never become right any more, in sentences. */
export function brokenOfGroovejet(players: readonly GroovejetPlayer[]): string[] {
  const heardBy = new Map<string, GroovejetPlayer>();
  return players.flatMap((player) => {
    const { client, code } = player;
    const wrong: string[] = [];
    for (const message of client.heard) {
      if (!told.has(message.type)) wrong.push(`heard ${message.type}`);
      for (const what of ["offer", "answer"] as const) {
        const number = numberIn(message, what);
        if (number === null) continue;
        const sender = players.find((other) => other.offers.includes(number));
        if (heardBy.has(`${what} ${number}`))
          wrong.push(`heard ${what} ${number}, which was delivered before`);
        heardBy.set(`${what} ${number}`, player);
        if (what === "answer" && sender && !isSame(sender, player))
          wrong.push(`heard the answer ${number} to another's offer`);
        if (what === "offer" && sender?.code !== code)
          wrong.push(`heard the offer ${number} of ${sender?.code}`);
        if (what === "offer" && sender && message.data?.clientId !== sender.client.clientId)
          wrong.push(
            `heard the offer ${number} of ${sender.client.clientId} as that of ${message.data?.clientId}`,
          );
        if (what === "offer" && !wasHost(player)) wrong.push(`is no host, and heard the offer ${number}`);
      }
    }
    if (client.types.length > 0 && client.types[0] !== "identity") wrong.push("was not told first who it is");
    const isBack = client.all("roomJoined")[0]?.data?.reconnected === true;
    if (isBack && player.before && client.clientId !== player.before.client.clientId)
      wrong.push(`came back as another than ${player.before.client.clientId}`);
    return wrong.map((what) => sentenceOf(player, what));
  });
}

/** What must become right when no fault is on any more: each room has one host at most, and it hears its guests, who hear its answers. */
export function owedOfGroovejet(players: readonly GroovejetPlayer[]): string[] {
  const present = players.filter(isIn);
  return present.flatMap((player) => {
    const host = present.find((other) => other.code === player.code && isHost(other));
    if (!host) return [];
    if (isHost(player))
      return player === host ? [] : [sentenceOf(player, `is host beside ${host.client.clientId}`)];
    const last = player.offers.at(-1);
    const isAnswered = player.client.heard.some((message) => numberIn(message, "answer") === last);
    return last !== undefined && isAnswered
      ? []
      : [sentenceOf(player, `had no answer of ${host.client.clientId} to the offer ${last}`)];
  });
}

/** Whether it has been told that it is host, at any time. */
function wasHost(player: GroovejetPlayer): boolean {
  const { client } = player;
  return (
    isHost(player) ||
    client.all("createdRoom").length + client.all("becameHost").length > 0 ||
    client.all("joinedRoom").some(({ data }) => data?.isHost === true)
  );
}

/** The same client, by this connection or by one before. */
function isSame(one: GroovejetPlayer, other: GroovejetPlayer): boolean {
  return one === other || one.client.clientId === other.client.clientId;
}

function sentenceOf({ client, code, offers }: GroovejetPlayer, what: string): string {
  const quiet = (name: string, value: unknown) => (name === "resumeKey" ? "…" : value);
  const heard = client.heard.map(({ type, data, errorType }) =>
    `${type} ${errorType ?? JSON.stringify(data, quiet)}`.slice(0, 90),
  );
  return `In groovejet:${code}, ${client.clientId} ${what}. It offered ${offers.slice(-5)} and heard ${heard.slice(-12).join("; ")}`;
}
