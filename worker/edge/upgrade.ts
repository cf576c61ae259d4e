/** Which object gets to hold a new client's socket. A WebSocket cannot move, so the path that it is opened on decides. */

import { prices } from "../../core/bill.ts";
import { readCode } from "../../core/lobby/code.ts";
import {
  type Filling,
  firstLounge,
  loungeAfterFilled,
  loungeAfterFull,
  loungeCount,
  loungeName,
  loungeOf,
  type Region,
  regionAt,
} from "../../core/lounges.ts";
import { type Network, networksOf } from "../../core/network.ts";
import { refuse, refuseFor } from "../../core/problem.ts";
import { toHost, toJoin } from "../objects/lobby.ts";
import { drawCode, isDrawn } from "../platform/codes.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import { addressHeader, type HolderPort } from "../platform/ports.ts";
import { random } from "../platform/random.ts";
import { lobbyAt, loungeAt } from "../platform/stubs.ts";
import { taggedNetworks } from "../platform/tags.ts";
import { holderLimits } from "../sessions/limits.ts";
import { addressOf } from "./address.ts";
import { count } from "./address-limits.ts";
import { countFailedJoin, guessingOf, hasGuessed } from "./guessers.ts";
import { refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { pathText } from "./path.ts";
import { placeOf } from "./place.ts";
import { refuseWithoutRoom } from "./room.ts";
import { refuseOverBudget, spend } from "./spending.ts";
import { askFor, rememberOpen } from "./unknown-codes.ts";

export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Where a client comes from. */
type Arrival = { address: string | null; networks: readonly Network[]; region: Region | null };

/**
 * Accepts the socket, on any path, unless its address has opened too many. `/lobbies` means to host, and gets the object of
 * a new lobby. `/lobbies/<code>` means to join, and gets that lobby's object, if it is open and has room. Anything else, and
 * those without luck, get the lounge that this isolate is filling.
 */
export async function upgrade(request: Request, env: Env): Promise<Response> {
  const address = addressOf(request, env);
  const networks = address === null ? [] : networksOf(address);
  const overBudget = refuseOverBudget(env, address);
  if (overBudget) return refused(overBudget);
  const tooMany = await count(env, "CONNECTS", networks);
  if (tooMany) return refused(tooMany);
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  const arrival: Arrival = { address, networks, region: regionAt(placeOf(request)) };
  const [, root, code, ...rest] = new URL(request.url).pathname.split("/");
  const isLobbyPath = root === "lobbies" && rest.length === 0;
  const socket = isLobbyPath
    ? await (code ? joinSocket(env, arrival, pathText(code)) : hostSocket(env, arrival))
    : null;
  const response = socket ?? (await loungeSocket(env, arrival));
  await spend(env, address, prices.connect);
  return withSubprotocol(response, request);
}

/**
 * The answer with the first of the subprotocols that the client offers. They mean nothing here, but browsers and most
 * libraries close a WebSocket whose server chooses none of those offered.
 */
function withSubprotocol(response: Response, request: Request): Response {
  const offered = request.headers.get("sec-websocket-protocol")?.split(",", 1)[0]?.trim();
  if (!offered || !response.webSocket) return response;
  const headers = { "sec-websocket-protocol": offered };
  return new Response(null, { status: 101, webSocket: response.webSocket, headers });
}

/** A socket in the object of a new lobby, near its host. Null if no code was free. */
async function hostSocket(env: Env, arrival: Arrival): Promise<Response | null> {
  for (let draw = 0; draw < holderLimits.codeDraws; draw++) {
    const code = drawCode(env);
    const opened = await openSocket(lobbyAt(env, code, arrival.region), code, toHost, arrival);
    if (opened?.status !== 101) continue;
    rememberOpen(code);
    return opened;
  }
  return null;
}

/** A socket in the lobby of this code. Null if it is not open, or has no room, or the client guesses codes. */
async function joinSocket(env: Env, arrival: Arrival, typed: string): Promise<Response | null> {
  const { networks } = arrival;
  const code = readCode(typed);
  // The object that gets the socket shows whether there is such a lobby. A guesser is not told.
  if (code === null || guessingOf(networks)) return null;
  if (!isDrawn(env, code)) {
    await countFailedJoin(env, networks);
    return null;
  }
  const asking = askFor(code, hasGuessed(networks));
  if (asking.refusal) return null;
  const answer = await askForSocket(lobbyAt(env, code), code, toJoin, arrival);
  if (answer?.status === 404) await countFailedJoin(env, networks);
  else if (answer) asking.ended("open");
  return answer?.status === 101 ? answer : null;
}

/** The lounge that this isolate is filling, by region. */
const fillings = new Map<Region | null, Filling>();

async function loungeSocket(env: Env, arrival: Arrival): Promise<Response> {
  const { region } = arrival;
  const { clientsPerLounge } = settingsOf(env);
  for (let draw = 0; draw < edgeLimits.loungeDraws; draw++) {
    let filling = fillings.get(region) ?? firstLounge(region);
    // Counting saves a crowd that comes at once from trying the same full lounge all together.
    if (filling.sent >= clientsPerLounge) filling = loungeAfterFilled(filling, loungeCount, random());
    fillings.set(region, { ...filling, sent: filling.sent + 1 });
    const name = loungeName(filling.lounge);
    const response = await askForSocket(loungeAt(env, name), name, "/", arrival);
    if (response?.status === 101) return response;
    // Another request may have looked farther already.
    const now = fillings.get(region) ?? filling;
    if (response?.status === 429) {
      if (now.lounge === filling.lounge) fillings.set(region, { ...now, sent: now.sent - 1 });
      return await ownLoungeSocket(env, arrival);
    }
    if (now.width <= filling.width) fillings.set(region, loungeAfterFull(now, loungeCount, random()));
  }
  logFault("no_lounge_available", { region: region ?? "none" });
  return refused(refuse("unavailable"));
}

/**
 * A socket for somebody whose network has as many as it may in the lounge that is being filled: in a lounge of its own, which all
 * isolates find, so that its sockets there are counted together. Refused if it has as many there.
 */
async function ownLoungeSocket(env: Env, arrival: Arrival): Promise<Response> {
  const [tag] = taggedNetworks(env, arrival.address ?? undefined);
  const lounge = loungeOf(arrival.region, Number.parseInt(tag?.name.slice(0, 8) ?? "0", 16) / 2 ** 32);
  const name = loungeName(lounge);
  const response = await openSocket(loungeAt(env, name), name, "/", arrival);
  return response ?? refused(refuseFor(edgeLimits.addressPeriodS));
}

/** Hands the socket to an object. Null if it has no room for it, or does not answer. */
async function openSocket(...asked: Parameters<typeof askForSocket>): Promise<Response | null> {
  const answer = await askForSocket(...asked);
  return answer?.status === 101 ? answer : null;
}

/** What an object answers to an upgrade. Null if it does not answer. */
async function askForSocket(
  object: DurableObjectStub<HolderPort>,
  holder: string,
  path: string,
  { address }: Arrival,
): Promise<Response | null> {
  const headers = { upgrade: "websocket", ...(address !== null && { [addressHeader]: address }) };
  try {
    return await object.fetch(`http://object${path}`, { headers });
  } catch (error) {
    logFault("object_unreachable", { holder }, error);
    return null;
  }
}
