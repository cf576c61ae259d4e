/** The HTTP table: parse, call, answer. */
import { type IRequestStrict, Router } from "itty-router";
import type { z } from "zod";
import { type Micros, prices } from "../../core/bill.ts";
import { groovejetPath } from "../../core/dialects/groovejet/form.ts";
import { dialectOf, parseName } from "../../core/dialects/names.ts";
import { pickSidecar } from "../../core/fleet.ts";
import { readLobbyId } from "../../core/lobby/code.ts";
import type { Feature } from "../../core/lobby/features.ts";
import { accept, type Outcome, refuse, wrongGuesses } from "../../core/problem.ts";
import type { ClientToken } from "../../core/token.ts";
import { listQuery, type MatchAnswer, type MatchRequest, matchRequest } from "../../core/wire/finding.ts";
import {
  changeMemberRequest,
  changeRequest,
  handOverRequest,
  hostRequest,
  iceRequest,
  joinRequest,
  kickRequest,
  leaveRequest,
  resumeRequest,
  startRequest,
  steerRequest,
} from "../../core/wire/http.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { check } from "../../core/wire/schema.ts";
import { heartbeatPath, observationsPath } from "../../core/wire/sidecar-post.ts";
import { liveSidecars } from "../objects/fleet.ts";
import { listLobbies, shardsAsked } from "../objects/shards.ts";
import type { Snapshot } from "../objects/snapshots.ts";
import { drawGroovejetName, isDrawn } from "../platform/codes.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { verifySecretToken, verifyToken } from "../platform/keys.ts";
import { platformLimits } from "../platform/limits.ts";
import { type Details, logFault } from "../platform/log.ts";
import type { Guessing, HolderPort, MemberWish, SteerCall } from "../platform/ports.ts";
import { random } from "../platform/random.ts";
import { released, retry } from "../platform/retry.ts";
import { holderAt } from "../platform/stubs.ts";

import { count, countDrawnRoom, guessingNetworks, networksOfRequest } from "./address-limits.ts";
import { asksSeldom } from "./client-requests.ts";
import { gatewayName, gatewayOf, guessedIn, refuseOtherDialect } from "./gateways.ts";
import { countFailedJoin, guessingOf, hasGuessed } from "./guessers.ts";

import { health } from "./health.ts";
import { bearerToken, ifMatch, json, preflight, readBytes, readJson, refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { type PageFile, servePage, serveStatic } from "./page.ts";
import { pathText } from "./path.ts";
import { placeOf } from "./place.ts";
import { refuseStrangerWithoutRoom, refuseWithoutRoom, rememberMember } from "./room.ts";
import { receiveHeartbeat, receiveObservations } from "./sidecar-posts.ts";
import { refuseOverBudget, spend, spendersOfRequest } from "./spending.ts";
import { staticPaths } from "./static-paths.ts";
import { withStun } from "./stun.ts";
import { type Asking, askFor, endOf, rememberOpen } from "./unknown-codes.ts";

/** Who asks, through which gateways (null for none), and the id of the request. */
type ClientCall = {
  clientId: string;
  requestId: string;
  gateway: string | null;
  guessing?: Guessing | undefined;
};

type Route = (request: IRequestStrict & Request, env: Env) => Response | Promise<Response>;

const ping: Route = () => new Response("pong");

const healthz: Route = async (_, env) => await health(env);

const page =
  (file: PageFile): Route =>
  async (request, env) =>
    await servePage(request, env, file);

const list: Route = async (request, env) => {
  const foreign = refuseOtherDialect(request, null);
  if (foreign) return refused(foreign);
  const spenders = spendersOfRequest(request, env);
  const overBudget = refuseOverBudget(spenders);
  if (overBudget) return refused(overBudget);
  const tooMany = await count(env, "LISTINGS", networksOfRequest(request, env));
  if (tooMany) return refused(tooMany);
  const query = check(listQuery, request.query);
  if (!query.ok) return refused(query);
  const lobbies = await retry(() => listLobbies(env, query.value), platformLimits.promptRetryDelaysMs).catch(
    (error: unknown) => {
      logFault("directory_unreachable", {}, error);
      return null;
    },
  );
  await spend(env, spenders, prices.listing * shardsAsked(env, query.value));
  if (lobbies === null) return refused(refuse("unavailable"));
  return new Response(lobbies, {
    headers: { "content-type": "application/json" },
  });
};

const host: Route = async (request, env) => {
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  return await asClient(
    request,
    env,
    { reads: hostRequest, status: 201, price: prices.host },
    async (holder, call, { token: _, code, ...body }) => {
      const name = nameToOpen(request, code);
      if (!name.ok) return name;
      const outcome = released(
        await holder.hostLobby({
          ...call,
          request: { ...body, ...(name.value !== null && { code: name.value }) },
        }),
      );
      // An object of a version before does not know names: it has drawn a code.
      if (outcome.ok && name.value !== null && outcome.value.lobbyId !== name.value) {
        await holder.takeBack(call.clientId, call.requestId);
        return refuse("unavailable");
      }
      return admitted(call, outcome);
    },
  );
};

/** The name that a gateway wants its lobby to have; null for a code that the server draws. */
function nameToOpen(request: Request, wanted = ""): Outcome<string | null> {
  const dialect = dialectOf(wanted);
  const foreign = refuseOtherDialect(request, dialect);
  if (foreign) return foreign;
  if (dialect === null) return accept(null);
  return parseName(wanted) ? accept(wanted) : refuse("invalid_code");
}

const join: Route = async (request, env) =>
  await aboutLobby(
    request,
    env,
    joinRequest,
    prices.join,
    async (holder, call, lobbyId, { token: _, ...body }) =>
      admitted(call, released(await holder.joinLobby({ ...call, lobbyId, ...body }))),
  );

const match: Route = async (request, env) => {
  const foreign = refuseOtherDialect(request, null);
  if (foreign) return refused(foreign);
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  return await asClient<MatchRequest, MatchAnswer>(
    request,
    env,
    {
      reads: matchRequest,
      status: ({ created }) => (created ? 201 : 200),
      price: ({ created }) => prices.match + (created ? prices.host : prices.join),
      refusedPrice: prices.match + prices.refused,
    },
    async (holder, call, { token: _, ...body }) =>
      admitted(call, released(await holder.matchLobby({ ...call, request: body }))),
  );
};

const resume: Route = async (request, env) =>
  await aboutLobby(
    request,
    env,
    resumeRequest,
    prices.resume,
    async (holder, call, lobbyId, { token: _, ...body }) =>
      admitted(call, released(await holder.resumeMember({ ...call, lobbyId, request: body }))),
  );

/** Notes who is in which lobby now. The answer, as it is. */
function admitted<Answer extends { lobbyId: string }>(
  { clientId }: ClientCall,
  outcome: Outcome<Answer>,
): Outcome<Answer> {
  if (!outcome.ok) return outcome;
  const { lobbyId } = outcome.value;
  rememberOpen(lobbyId);
  rememberMember(clientId, lobbyId);
  return outcome;
}

const leave: Route = async (request, env) =>
  await aboutLobby(
    request,
    env,
    leaveRequest,
    prices.refused,
    async (holder, call, lobbyId) => holder.leaveLobby(lobbyId, call),
    { isSecret: true },
  );

const start: Route = async (request, env) => {
  const place = placeOf(request);
  return await aboutLobby(
    request,
    env,
    startRequest,
    prices.start,
    async (holder, call, lobbyId, { patienceMs, term }) => {
      const sidecar = pickSidecar(await liveSidecars(env, false), { place, chance: random() });
      return await holder.startMediation(lobbyId, { ...call, place, sidecar, patienceMs, term });
    },
  );
};

const steer =
  (wish: SteerCall["wish"]): Route =>
  async (request, env) =>
    await aboutLobby(request, env, steerRequest, prices.steer, async (holder, call, lobbyId, { term }) =>
      holder.steerMediation(lobbyId, { ...call, wish, term }),
    );

/** Asks the client's lobby for what the body says. */
function asking<Body extends { token: string }>(
  schema: z.ZodType<Body>,
  wishOf: (body: Omit<Body, "token">) => MemberWish,
  price: Micros = prices.change,
): Route {
  return async (request, env) =>
    await aboutLobby(
      request,
      env,
      schema,
      price,
      async (holder, call, lobbyId, { token: _, ...body }) =>
        holder.askLobby(lobbyId, { ...call, wish: wishOf(body) }),
      { isSecret: true },
    );
}

/** The same of a request whose token is in its headers. */
const askingBy =
  (
    wishOf: (request: IRequestStrict & Request) => Outcome<MemberWish> | Promise<Outcome<MemberWish>>,
    price: Micros,
  ): Route =>
  async (request, env) => {
    const token = bearerToken(request);
    const read = async () => {
      // Before the body: a stranger's may be large, and slow.
      const client = await clientOf(env, { token }, true);
      if (!client.ok) return client;
      const wish = await wishOf(request);
      return wish.ok ? accept({ token, wish: wish.value }) : wish;
    };
    return await aboutLobby(
      request,
      env,
      read,
      price,
      async (holder, call, lobbyId, { wish }) => holder.askLobby(lobbyId, { ...call, wish }),
      { isSecret: true },
    );
  };

const handOver = asking(handOverRequest, ({ clientId: memberId, term }) => {
  return { kind: "hand-over", memberId, term };
});
const kick = asking(kickRequest, ({ clientId: memberId, reason = "", ban = false, term }) => {
  return { kind: "kick", memberId, reason, ban, term };
});
const change = asking(changeRequest, (change) => ({ kind: "change", change }));
const changeMember = asking(
  changeMemberRequest,
  (change) => ({ kind: "change-member", change }),
  prices.changeMember,
);
const unban = askingBy(
  ({ params }) => accept({ kind: "unban", memberId: pathText(params.clientId ?? "") }),
  prices.change,
);
const ice: Route = async (request, env) =>
  await aboutLobby(
    request,
    env,
    iceRequest,
    prices.ice,
    async (holder, call, lobbyId) => {
      const outcome = released(await holder.askLobby(lobbyId, { ...call, wish: { kind: "ice" } }));
      if (!outcome.ok || outcome.value === null || !("iceServers" in outcome.value)) return outcome;
      return accept(await withStun(request, env, outcome.value));
    },
    { isSecret: true },
  );
const look = askingBy(() => accept({ kind: "look" }), prices.picture);
const readSnapshot = askingBy(() => accept({ kind: "read-snapshot" }), prices.picture);
const writeSnapshot = askingBy(async (request) => {
  const ifVersion = ifMatch(request);
  if (!ifVersion.ok) return ifVersion;
  const bytes = await readBytes(request, wireLimits.snapshotBytes);
  return bytes.ok
    ? accept({ kind: "write-snapshot", bytes: bytes.value, ifVersion: ifVersion.value })
    : bytes;
}, prices.snapshot);

/** Who asks, and what it says that its client can do. */
type Claim = { token: string; features?: readonly Feature[] | undefined };

/** What a request's body and headers say: by a schema of its JSON, or otherwise. */
type Reads<Body> = z.ZodType<Body> | (() => Promise<Outcome<Body>>);

/**
 * Answers what a client asks of the lobby in the path. A client that asks about many codes of no lobby is told to wait, and so is one that is no
 * member while the machine has no room: its question may create an object.
 */
async function aboutLobby<Body extends Claim, T>(
  request: IRequestStrict & Request,
  env: Env,
  reads: Reads<Body>,
  price: Micros,
  call: (
    holder: DurableObjectStub<HolderPort>,
    by: ClientCall,
    lobbyId: string | null,
    body: Body,
  ) => Promise<Outcome<T>>,
  { isSecret = false }: { isSecret?: boolean } = {},
): Promise<Response> {
  const networks = networksOfRequest(request, env);
  const dialect = dialectOf(pathText(request.params.lobbyId ?? ""));
  const foreign = refuseOtherDialect(request, dialect);
  if (foreign) return refused((await count(env, "REQUESTS", networks, "without a token")) ?? foreign);
  const through = guessedIn(request);
  const guessers = guessingNetworks(request, env);
  const guessing = guessingOf(guessers) ?? undefined;
  const typed = codeOf(request);
  // A code that was never drawn creates no object: the client's own holder refuses it.
  const lobbyId = typed !== null && isDrawn(env, typed) ? typed : null;
  let asking: Asking | null = null;
  const mayAskFor = async (code: string, clientId: string): Promise<Asking> => {
    const refusal = await refuseStrangerWithoutRoom(env, clientId, code);
    if (refusal) return { refusal };
    const isGuesser = hasGuessed(guessers);
    const asking = askFor(code, isGuesser, through);
    if (asking.refusal === null || !isGuesser) return asking;
    // A guess that is not put to anybody is one all the same: else who is refused goes on for nothing.
    return { refusal: (await countFailedJoin(env, guessers, through)) ?? asking.refusal };
  };
  return await asClient(request, env, { reads, status: 200, price, isSecret }, async (holder, by, body) => {
    // Once for all tries of this request.
    asking ??= lobbyId === null ? null : await mayAskFor(lobbyId, by.clientId);
    if (asking?.refusal) return asking.refusal;
    const outcome = released(await call(holder, { ...by, guessing }, lobbyId, body));
    const end = endOf(outcome);
    if (end !== null) asking?.ended(end);
    const isWrong = !outcome.ok && outcome.codes.some((code) => wrongGuesses.has(code));
    return (isWrong && (await countFailedJoin(env, guessers, through))) || outcome;
  });
}

function codeOf(request: IRequestStrict): string | null {
  return readLobbyId(pathText(request.params.lobbyId ?? ""));
}

/** A number, or what it is for an answer. */
type NumberFor<T> = number | ((answered: T) => number);

function numberFor<T>(number: NumberFor<T>, answered: T): number {
  return typeof number === "number" ? number : number(answered);
}

/**
 * `price`: what it costs if it is done; `refusedPrice`: and if not. `isSecret`: whether the token alone is not enough.
 */
type ClientRequest<Body, T> = {
  reads: Reads<Body>;
  status: NumberFor<T>;
  price: NumberFor<T>;
  refusedPrice?: Micros;
  isSecret?: boolean;
};

/**
 * Whose token this is, or whose secret token, and what it may say. A token alone may have been read from UDP: its reader must not say what the
 * client can do.
 */
async function clientOf<Body extends Claim>(
  env: Env,
  body: Body,
  isSecret: boolean,
): Promise<Outcome<{ client: ClientToken; body: Body }>> {
  const secret = await verifySecretToken(env, body.token);
  if (secret) return accept({ client: secret, body });
  const plain = await verifyToken(env, body.token);
  if (!plain) return refuse("invalid_token");
  if (isSecret) return refuse("needs_secret_token");
  return accept({ client: plain, body: { ...body, features: undefined } });
}

/** Answers what a client asks of the object that holds its socket. */
async function asClient<Body extends Claim, T>(
  request: IRequestStrict & Request,
  env: Env,
  about: ClientRequest<Body, T>,
  call: (holder: DurableObjectStub<HolderPort>, by: ClientCall, body: Body) => Promise<Outcome<T>>,
): Promise<Response> {
  const { reads, status, price, refusedPrice = prices.refused, isSecret = false } = about;
  const spenders = spendersOfRequest(request, env);
  const overBudget = refuseOverBudget(spenders);
  if (overBudget) return refused(overBudget);
  const networks = networksOfRequest(request, env);
  const read = await (typeof reads === "function" ? reads() : readJson(request, reads, edgeLimits.bodyBytes));
  const claimed = read.ok ? await clientOf(env, read.value, isSecret) : read;
  if (!claimed.ok) {
    // Apart: whoever has no token uses up nothing of what its neighbours who have one may ask.
    const tooMany = await count(env, "REQUESTS", networks, "without a token");
    return refused(tooMany ?? claimed);
  }
  const { client, body } = claimed.value;
  const { clientId } = client;
  const gateway = gatewayName(gatewayOf(request)) ?? null;
  const isSeldom = asksSeldom(clientId);
  const tooMany = await count(env, "REQUESTS", networks);
  if (tooMany && !isSeldom) return refused(tooMany, { clientId });
  const outcome = await askHolder(env, client, (holder, requestId) =>
    call(holder, { clientId, requestId, gateway }, body),
  );
  await spend(env, spenders, outcome.ok ? numberFor(price, outcome.value) : refusedPrice);
  const code = outcome.ok ? numberFor(status, outcome.value) : 0;
  return answer(outcome, code, { clientId, lobbyId: codeOf(request) ?? undefined });
}

/** Calls the client's holder: again, under the same request id, if the call failed. */
async function askHolder<T>(
  env: Env,
  { holder, clientId }: ClientToken,
  call: (holder: DurableObjectStub<HolderPort>, requestId: string) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const requestId = crypto.randomUUID();
  try {
    return await retry(() => call(holderAt(env, holder), requestId), platformLimits.promptRetryDelaysMs);
  } catch (error) {
    logFault("object_unreachable", { holder }, error);
    // It may have been done, and only the answers lost: a refused request must have no effect.
    await retry(
      () => holderAt(env, holder).takeBack(clientId, requestId),
      platformLimits.promptRetryDelaysMs,
    ).catch(() => {});
    return refuse("unavailable");
  }
}

/** A null value is an answer without a body. */
function answer(outcome: Outcome<unknown>, status: number, about: Details): Response {
  if (!outcome.ok) return refused(outcome, about);
  const { value } = outcome;
  if (value === null) return new Response(null, { status });
  return isSnapshot(value) ? snapshot(value) : json(value, status);
}

function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "bytes" in value;
}

/** A snapshot is what another player's game has written: nothing may take it for a page. */
function snapshot({ bytes, version }: Snapshot): Response {
  return new Response(bytes, {
    headers: {
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
      etag: `"${version}"`,
    },
  });
}

/** A code for a room of groovejet's older clients. Nothing is created before the room's host comes. */
const drawRoom: Route = async (request, env) => {
  if (!settingsOf(env).groovejet) return refused(refuse("not_found"));
  const foreign = refuseOtherDialect(request, null);
  if (foreign) return refused(foreign);
  const overBudget = refuseOverBudget(spendersOfRequest(request, env));
  if (overBudget) return refused(overBudget);
  const tooMany = await countDrawnRoom(env, networksOfRequest(request, env));
  if (tooMany) return refused(tooMany);
  return json({ code: parseName(drawGroovejetName(env))?.name });
};

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
const table: [method: Method, path: string, route: Route][] = [
  ["GET", "/ping", ping],
  ["GET", "/healthz", healthz],
  ["GET", "/favicon.ico", page("favicon.ico")],
  ["GET", "/favicon.svg", page("favicon.svg")],
  ["GET", "/robots.txt", page("robots.txt")],
  ["GET", "/lobbies", list],
  ["POST", "/lobbies", host],
  ["POST", "/lobbies/match", match],
  ["POST", "/lobbies/:lobbyId/join", join],
  ["POST", "/lobbies/:lobbyId/ptp/start", start],
  ["POST", "/lobbies/:lobbyId/ptp/stop", steer("stop")],
  ["POST", "/lobbies/:lobbyId/ptp/proceed", steer("proceed")],
  ["POST", "/lobbies/:lobbyId/leave", leave],
  ["POST", "/lobbies/:lobbyId/resume", resume],
  ["POST", "/lobbies/:lobbyId/host", handOver],
  ["POST", "/lobbies/:lobbyId/kick", kick],
  ["POST", "/lobbies/:lobbyId/ice", ice],
  ["DELETE", "/lobbies/:lobbyId/bans/:clientId", unban],
  ["PATCH", "/lobbies/:lobbyId/members/me", changeMember],
  ["GET", "/lobbies/:lobbyId/snapshot", readSnapshot],
  ["PUT", "/lobbies/:lobbyId/snapshot", writeSnapshot],
  ["GET", "/lobbies/:lobbyId", look],
  ["PATCH", "/lobbies/:lobbyId", change],
  ["POST", "/rooms", drawRoom],
  ["POST", `${groovejetPath}/rooms`, drawRoom],
  ["POST", heartbeatPath, receiveHeartbeat],
  ["POST", observationsPath, receiveObservations],
];

const verbs = { POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;

export const router = Router<IRequestStrict & Request, [Env]>();
router.options("*", preflight);
for (const [method, path, route] of table) {
  if (method !== "GET") router[verbs[method]](path, route);
  // The platform leaves out the body of an answer to HEAD.
  else router.get(path, route).head(path, route);
}
for (const path of new Set(table.map(([, path]) => path))) {
  const methods = table.filter((row) => row[1] === path).map(([method]) => method);
  const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : method));
  router.all(path, () => {
    const response = refused(refuse("method_not_allowed"));
    response.headers.set("allow", [...allowed, "OPTIONS"].join(", "));
    return response;
  });
}
// Not in the table: other methods find nothing there, as from the first version on.
router.get("/", page("index.html")).head("/", page("index.html"));
for (const path of staticPaths) router.get(path, serveStatic).head(path, serveStatic);
router.all("*", () => refused(refuse("not_found")));
