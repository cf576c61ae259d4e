/** The HTTP table: parse, call, answer. */
import { type IRequestStrict, Router } from "itty-router";
import type { z } from "zod";
import { limits } from "../core/limits.ts";
import { readLobbyId } from "../core/lobby/lobby-id.ts";
import { type Outcome, refuse } from "../core/problem.ts";
import type { Token } from "../core/token.ts";
import { hostRequest, joinRequest, listQuery, startRequest } from "../core/wire/http.ts";
import { heartbeatPath, observationsPath } from "../core/wire/sidecar-post.ts";
import { count, countFailedJoin, networkOfRequest, refuseGuesser } from "./address-limits.ts";
import type { Env } from "./env.ts";
import { json, preflight, readJson, refused } from "./http.ts";
import { verifyToken } from "./keys.ts";
import { type Details, logFault } from "./log.ts";
import { pathText } from "./path.ts";
import { placeOf } from "./place.ts";
import { type HomePort, homeAt } from "./ports.ts";
import { released, retry } from "./retry.ts";
import { refuseWithoutRoom } from "./room.ts";
import { listLobbies } from "./shards.ts";
import { receiveHeartbeat, receiveObservations } from "./sidecar-posts.ts";

/** Who asks, and the name of the request. */
type ClientCall = { clientId: string; attempt: string };

type Route = (request: IRequestStrict & Request, env: Env) => Response | Promise<Response>;

const ping: Route = () => new Response("pong");

const list: Route = async (request, env) => {
  const tooMany = await count(env, "LISTINGS", networkOfRequest(request, env));
  if (tooMany) return refused(tooMany);
  const query = listQuery.safeParse(request.query);
  if (!query.success) return refused(refuse("invalid_query"));
  const lobbies = await retry(() => listLobbies(env, query.data), limits.promptRetryDelaysMs).catch(
    (error: unknown) => {
      logFault("directory unreachable", {}, error);
      return null;
    },
  );
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
    { schema: hostRequest, status: 201 },
    (home, call, { token: _, ...body }) => home.hostLobby({ ...call, request: body }),
  );
};

const join: Route = async (request, env) => {
  const network = networkOfRequest(request, env);
  const guesser = refuseGuesser(network);
  if (guesser) return refused(guesser);
  const noRoom = await refuseWithoutRoom(env);
  if (noRoom) return refused(noRoom);
  const lobbyId = lobbyIdOf(request);
  return await asClient(
    request,
    env,
    { schema: joinRequest, status: 200 },
    async (home, call, { peerName }) => {
      const outcome = released(await home.joinLobby({ ...call, lobbyId, peerName }));
      const failed = !outcome.ok && outcome.codes.includes("no_such_lobby");
      return (failed && (await countFailedJoin(env, network))) || outcome;
    },
  );
};

const start: Route = async (request, env) =>
  await asClient(request, env, { schema: startRequest, status: 200 }, (home, call) =>
    home.startMediation(lobbyIdOf(request), { ...call, place: placeOf(request) }),
  );

function lobbyIdOf(request: IRequestStrict): string | null {
  return readLobbyId(pathText(request.params.lobbyId ?? ""));
}

/** Answers what a client asks of its home. */
async function asClient<Body extends { token: string }, T>(
  request: IRequestStrict & Request,
  env: Env,
  { schema, status }: { schema: z.ZodType<Body>; status: number },
  call: (home: HomePort, by: ClientCall, body: Body) => Promise<Outcome<T>>,
): Promise<Response> {
  const tooMany = await count(env, "REQUESTS", networkOfRequest(request, env));
  if (tooMany) return refused(tooMany);
  const body = await readJson(request, schema, limits.bodyBytes);
  if (!body.ok) return refused(body);
  const token = await verifyToken(env, body.value.token);
  if (!token) return refused(refuse("invalid_token"));
  const { clientId } = token;
  const outcome = await askHome(env, token, (home, attempt) => call(home, { clientId, attempt }, body.value));
  return answer(outcome, status, { clientId, lobbyId: lobbyIdOf(request) ?? undefined });
}

/** Calls the client's home: again, under the same name, if the call failed. */
async function askHome<T>(
  env: Env,
  { home, clientId }: Token,
  call: (home: HomePort, attempt: string) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const attempt = crypto.randomUUID();
  try {
    return await retry(() => call(homeAt(env, home), attempt), limits.promptRetryDelaysMs);
  } catch (error) {
    logFault("home unreachable", { home }, error);
    // It may have been done, and only the answers lost: what was refused must not be.
    await retry(() => homeAt(env, home).takeBack(clientId, attempt), limits.promptRetryDelaysMs).catch(
      () => {},
    );
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
