/** The HTTP table: parse, call, answer. */
import { type IRequestStrict, Router } from "itty-router";
import type { z } from "zod";
import { type Micros, prices } from "../../core/bill.ts";
import { pickSidecar } from "../../core/fleet.ts";
import { readCode } from "../../core/lobby/code.ts";
import { type Outcome, refuse } from "../../core/problem.ts";
import type { ClientToken } from "../../core/token.ts";
import { hostRequest, joinRequest, listQuery, startRequest } from "../../core/wire/http.ts";
import { heartbeatPath, observationsPath } from "../../core/wire/sidecar-post.ts";
import { liveSidecars } from "../objects/fleet.ts";
import { listLobbies } from "../objects/shards.ts";
import { isDrawn } from "../platform/codes.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { verifyToken } from "../platform/keys.ts";
import { platformLimits } from "../platform/limits.ts";
import { type Details, logFault } from "../platform/log.ts";
import type { Guessing, HolderPort, SteerCall } from "../platform/ports.ts";
import { random } from "../platform/random.ts";
import { released, retry } from "../platform/retry.ts";
import { holderAt } from "../platform/stubs.ts";

import { addressOf } from "./address.ts";
import { count, networksOfRequest } from "./address-limits.ts";
import { asksSeldom } from "./client-requests.ts";
import { countFailedJoin, guessingOf, hasGuessed } from "./guessers.ts";

import { json, preflight, readJson, refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { pathText } from "./path.ts";
import { placeOf } from "./place.ts";
import { refuseStrangerWithoutRoom, refuseWithoutRoom, rememberMember } from "./room.ts";
import { receiveHeartbeat, receiveObservations } from "./sidecar-posts.ts";
import { refuseOverBudget, spend } from "./spending.ts";
import { type Asking, askFor, endOf, rememberOpen } from "./unknown-codes.ts";

/** Who asks, and the id of the request. */
type ClientCall = { clientId: string; requestId: string; guessing?: Guessing | undefined };

type Route = (request: IRequestStrict & Request, env: Env) => Response | Promise<Response>;

const ping: Route = () => new Response("pong");

const list: Route = async (request, env) => {
  const address = addressOf(request, env);
  const overBudget = refuseOverBudget(env, address);
  if (overBudget) return refused(overBudget);
  const tooMany = await count(env, "LISTINGS", networksOfRequest(request, env));
  if (tooMany) return refused(tooMany);
  const query = listQuery.safeParse(request.query);
  if (!query.success) return refused(refuse("invalid_query"));
  const lobbies = await retry(() => listLobbies(env, query.data), platformLimits.promptRetryDelaysMs).catch(
    (error: unknown) => {
      logFault("directory_unreachable", {}, error);
      return null;
    },
  );
  await spend(env, address, prices.listing * settingsOf(env).directoryShards);
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
    { schema: hostRequest, status: 201, price: prices.host },
    async (holder, call, { token: _, ...body }) => {
      const outcome = released(await holder.hostLobby({ ...call, request: body }));
      if (outcome.ok) {
        rememberOpen(outcome.value.lobbyId);
        rememberMember(call.clientId, outcome.value.lobbyId);
      }
      return outcome;
    },
  );
};

const join: Route = async (request, env) => {
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  return await aboutLobby(
    request,
    env,
    joinRequest,
    prices.join,
    async (holder, call, lobbyId, { peerName, privacy }) => {
      const outcome = released(await holder.joinLobby({ ...call, lobbyId, peerName, privacy }));
      if (outcome.ok) rememberMember(call.clientId, outcome.value.lobbyId);
      return outcome;
    },
  );
};

const start: Route = async (request, env) => {
  const place = placeOf(request);
  return await aboutLobby(request, env, startRequest, prices.start, async (holder, call, lobbyId) => {
    const noRoom = await refuseStrangerWithoutRoom(env, call.clientId, lobbyId);
    if (noRoom) return noRoom;
    const sidecar = pickSidecar(await liveSidecars(env, false), { place, chance: random() });
    return await holder.startMediation(lobbyId, { ...call, place, sidecar });
  });
};

const steer =
  (wish: SteerCall["wish"]): Route =>
  async (request, env) =>
    await aboutLobby(request, env, startRequest, prices.steer, async (holder, call, lobbyId) => {
      const noRoom = await refuseStrangerWithoutRoom(env, call.clientId, lobbyId);
      return noRoom ?? (await holder.steerMediation(lobbyId, { ...call, wish }));
    });

/** Answers what a client asks of the lobby in the path. A client that asks about many codes of no lobby is told to wait. */
async function aboutLobby<Body extends { token: string }, T>(
  request: IRequestStrict & Request,
  env: Env,
  schema: z.ZodType<Body>,
  price: Micros,
  call: (
    holder: DurableObjectStub<HolderPort>,
    by: ClientCall,
    lobbyId: string | null,
    body: Body,
  ) => Promise<Outcome<T>>,
): Promise<Response> {
  const networks = networksOfRequest(request, env);
  const guessing = guessingOf(networks) ?? undefined;
  const typed = codeOf(request);
  // A code that was never drawn creates no object: the client's own holder refuses it.
  const lobbyId = typed !== null && isDrawn(env, typed) ? typed : null;
  let asking: Asking | null = null;
  return await asClient(request, env, { schema, status: 200, price }, async (holder, by, body) => {
    // Once for all tries of this request.
    asking ??= lobbyId === null ? null : askFor(lobbyId, hasGuessed(networks));
    if (asking?.refusal) return asking.refusal;
    const outcome = released(await call(holder, { ...by, guessing }, lobbyId, body));
    const end = endOf(outcome);
    if (end !== null) asking?.ended(end);
    const isUnknown = !outcome.ok && outcome.codes.includes("no_such_lobby");
    return (isUnknown && (await countFailedJoin(env, networks))) || outcome;
  });
}

function codeOf(request: IRequestStrict): string | null {
  return readCode(pathText(request.params.lobbyId ?? ""));
}

/** Answers what a client asks of the object that holds its socket. `price`: what it costs if it is done. */
async function asClient<Body extends { token: string }, T>(
  request: IRequestStrict & Request,
  env: Env,
  { schema, status, price }: { schema: z.ZodType<Body>; status: number; price: Micros },
  call: (holder: DurableObjectStub<HolderPort>, by: ClientCall, body: Body) => Promise<Outcome<T>>,
): Promise<Response> {
  const address = addressOf(request, env);
  const overBudget = refuseOverBudget(env, address);
  if (overBudget) return refused(overBudget);
  const networks = networksOfRequest(request, env);
  const body = await readJson(request, schema, edgeLimits.bodyBytes);
  const client = body.ok ? await verifyToken(env, body.value.token) : null;
  if (!body.ok || !client) {
    // Apart: whoever has no token uses up nothing of what its neighbours who have one may ask.
    const tooMany = await count(env, "REQUESTS", networks, "without a token");
    return refused(tooMany ?? (body.ok ? refuse("invalid_token") : body));
  }
  const { clientId } = client;
  const isSeldom = asksSeldom(clientId);
  const tooMany = await count(env, "REQUESTS", networks);
  if (tooMany && !isSeldom) return refused(tooMany, { clientId });
  const outcome = await askHolder(env, client, (holder, requestId) =>
    call(holder, { clientId, requestId }, body.value),
  );
  await spend(env, address, outcome.ok ? price : prices.refused);
  return answer(outcome, status, { clientId, lobbyId: codeOf(request) ?? undefined });
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
  return outcome.value === null ? new Response(null, { status }) : json(outcome.value, status);
}

const table: [method: "GET" | "POST", path: string, route: Route][] = [
  ["GET", "/ping", ping],
  ["GET", "/lobbies", list],
  ["POST", "/lobbies", host],
  ["POST", "/lobbies/:lobbyId/join", join],
  ["POST", "/lobbies/:lobbyId/ptp/start", start],
  ["POST", "/lobbies/:lobbyId/ptp/stop", steer("stop")],
  ["POST", "/lobbies/:lobbyId/ptp/proceed", steer("proceed")],
  ["POST", heartbeatPath, receiveHeartbeat],
  ["POST", observationsPath, receiveObservations],
];

export const router = Router<IRequestStrict & Request, [Env]>();
router.options("*", preflight);
for (const [method, path, route] of table) {
  if (method === "POST") router.post(path, route);
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
router.all("*", () => refused(refuse("not_found")));
