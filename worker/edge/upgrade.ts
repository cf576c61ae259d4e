/** Which object gets to hold a new client's socket. A WebSocket cannot move, so the path that it is opened on decides. */

import { prices } from "../../core/bill.ts";
import { type Form, formOf, pathFor } from "../../core/dialects/groovejet/form.ts";
import { dialectOf } from "../../core/dialects/names.ts";
import { readCode } from "../../core/lobby/code.ts";
import {
  type Filling,
  firstLounge,
  gatewayLoungeCount,
  loungeAfterFilled,
  loungeAfterFull,
  loungeCount,
  loungeName,
  loungeOf,
  type Region,
  regionAt,
} from "../../core/lounges.ts";
import type { Network } from "../../core/network.ts";
import { refuse, refuseFor } from "../../core/problem.ts";
import { offeredTicket, relayPath } from "../../core/wire/relay-message.ts";
import { toHost, toJoin } from "../objects/lobby.ts";
import { drawCode, isDrawn } from "../platform/codes.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import { addressHeader, atServerHeader, gatewayNameHeader, type HolderPort } from "../platform/ports.ts";
import { random } from "../platform/random.ts";
import { lobbyAt, loungeAt } from "../platform/stubs.ts";
import { taggedNetworks } from "../platform/tags.ts";
import { holderLimits } from "../sessions/limits.ts";
import { addressOf, isAtServer } from "./address.ts";
import { count, networksOfRequest } from "./address-limits.ts";
import { gatewayName, gatewayOf, refuseOtherDialect } from "./gateways.ts";
import { countFailedJoin, guessingOf, hasGuessed } from "./guessers.ts";
import { refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { pathText } from "./path.ts";
import { placeOf } from "./place.ts";
import { relaySocket } from "./relay.ts";
import { refuseWithoutRoom } from "./room.ts";
import { refuseOverBudget, spend, spendersOfRequest } from "./spending.ts";
import { askFor, rememberOpen } from "./unknown-codes.ts";

export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Whether it was to open a WebSocket, and a proxy on the way has left out the header that says so. */
export function lostUpgrade({ method, headers }: Request): boolean {
  return method === "GET" && !headers.has("upgrade") && headers.has("sec-websocket-key");
}

/** Where a client comes from, and through which gateways. */
type Arrival = {
  address: string | null;
  atServer: boolean;
  networks: readonly Network[];
  region: Region | null;
  gateway: string | undefined;
};

/**
 * Accepts the socket, on any path, unless its address has opened too many. `/lobbies` means to host, and gets the object of
 * a new lobby. `/lobbies/<code>` means to join, and gets that lobby's object, if it is open and has room. Anything else, and
 * those without luck, get the lounge that this isolate is filling. So do gateways, on whatever path: a member of a dialect's lobby is never in
 * the lobby's object, so a name that a lobby has cannot be told from one that it has not. `/relay` with a ticket is for a relay (relay.ts).
 */
export async function upgrade(request: Request, env: Env): Promise<Response> {
  const address = addressOf(request, env);
  const networks = networksOfRequest(request, env);
  const spenders = spendersOfRequest(request, env);
  const overBudget = refuseOverBudget(spenders);
  if (overBudget) return refused(overBudget);
  const tooMany = await count(env, "CONNECTS", networks);
  if (tooMany) return refused(tooMany);
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  const { pathname } = new URL(request.url);
  const gateway = gatewayName(gatewayOf(request));
  const offered =
    pathname === relayPath ? offeredTicket(request.headers.get("sec-websocket-protocol")) : null;
  if (offered) return await relaySocket(request, env, { ...offered, address, spenders });
  const region = regionAt(placeOf(request));
  const arrival: Arrival = { address, atServer: isAtServer(request, env), networks, region, gateway };
  const [, root, code, ...rest] = pathname.split("/");
  const isLobbyPath = root === "lobbies" && rest.length === 0;
  const typed = isLobbyPath && code ? pathText(code) : null;
  const foreign = typed === null ? null : refuseOtherDialect(request, dialectOf(typed));
  if (foreign) return refused(foreign);
  const socket =
    isLobbyPath && gateway === undefined
      ? await (typed === null ? hostSocket(env, arrival) : joinSocket(env, arrival, typed))
      : null;
  const form = formOfUpgrade(request, env);
  const response = socket ?? (await loungeSocket(env, arrival, pathFor(form)));
  await spend(env, spenders, prices.connect + (form.kind === "query" ? prices.roomInQuery : 0));
  return withSubprotocol(response, request);
}

/** The language that the client speaks, as far as its upgrade tells. */
function formOfUpgrade(request: Request, env: Env): Form {
  if (gatewayOf(request) || !settingsOf(env).groovejet) return { kind: "orion" };
  return formOf(new URL(request.url), request.headers.get("origin"));
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
  const isGuesser = hasGuessed(networks);
  const asking = askFor(code, isGuesser);
  if (asking.refusal) {
    // A guess that is not put to anybody is one all the same: else who is refused goes on for nothing.
    if (isGuesser) await countFailedJoin(env, networks);
    return null;
  }
  const answer = await askForSocket(lobbyAt(env, code), code, toJoin, arrival);
  if (answer?.status === 404) await countFailedJoin(env, networks);
  else if (answer) asking.ended("open");
  return answer?.status === 101 ? answer : null;
}

/** The lounges that this isolate is filling, by region: one for gateways' players, and one for all others. */
const fillings = { gateways: new Map<Region | null, Filling>(), others: new Map<Region | null, Filling>() };

/** `path`: of the request to the lounge. It says which language the client speaks. */
async function loungeSocket(env: Env, arrival: Arrival, path: string): Promise<Response> {
  const { region } = arrival;
  const isForGateways = arrival.gateway !== undefined;
  const filled = isForGateways ? fillings.gateways : fillings.others;
  const lounges = isForGateways ? gatewayLoungeCount : loungeCount;
  const { clientsPerLounge } = settingsOf(env);
  for (let draw = 0; draw < edgeLimits.loungeDraws; draw++) {
    let filling = filled.get(region) ?? firstLounge(region);
    // Counting saves a crowd that comes at once from trying the same full lounge all together.
    if (filling.sent >= clientsPerLounge) filling = loungeAfterFilled(filling, lounges, random());
    filled.set(region, { ...filling, sent: filling.sent + 1 });
    const name = loungeName(filling.lounge, isForGateways);
    const response = await askForSocket(loungeAt(env, name), name, path, arrival);
    if (response?.status === 101) return response;
    // Another request may have looked farther already.
    const now = filled.get(region) ?? filling;
    if (response?.status === 429) {
      if (now.lounge === filling.lounge) filled.set(region, { ...now, sent: now.sent - 1 });
      return await ownLoungeSocket(env, arrival, path);
    }
    if (now.width <= filling.width) filled.set(region, loungeAfterFull(now, lounges, random()));
  }
  logFault("no_lounge_available", { region: region ?? "none" });
  return refused(refuse("unavailable"));
}

/**
 * A socket for somebody whose network has as many as it may in the lounge that is being filled: in a lounge of its own, which all
 * isolates find, so that its sockets there are counted together. Refused if it has as many there.
 */
async function ownLoungeSocket(env: Env, arrival: Arrival, path: string): Promise<Response> {
  const [tag] = taggedNetworks(env, arrival.address ?? undefined, arrival.gateway);
  const isForGateways = arrival.gateway !== undefined;
  const place = Number.parseInt(tag?.name.slice(0, 8) ?? "0", 16) / 2 ** 32;
  const lounge = loungeOf(arrival.region, place, isForGateways ? gatewayLoungeCount : loungeCount);
  const name = loungeName(lounge, isForGateways);
  const response = await openSocket(loungeAt(env, name), name, path, arrival);
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
  { address, atServer, gateway }: Arrival,
): Promise<Response | null> {
  const headers = {
    upgrade: "websocket",
    ...(address !== null && { [addressHeader]: address }),
    ...(atServer && { [atServerHeader]: "yes" }),
    ...(gateway !== undefined && { [gatewayNameHeader]: gateway }),
  };
  try {
    return await object.fetch(`http://object${path}`, { headers });
  } catch (error) {
    logFault("object_unreachable", { holder }, error);
    return null;
  }
}
