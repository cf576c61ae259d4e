/** The HTTP table: parse, call, answer. */
import { type IRequestStrict, Router } from "itty-router";
import type { z } from "zod";
import { limits } from "../core/limits.ts";
import { readLobbyId } from "../core/lobby/lobby-id.ts";
import { type Outcome, refuse } from "../core/problem.ts";
import type { Token } from "../core/token.ts";
import { hostRequest, joinRequest, listQuery, startRequest } from "../core/wire/http.ts";
import { heartbeatPath, observationsPath } from "../core/wire/sidecar-post.ts";
import type { Env } from "./env.ts";
import { json, preflight, readJson, refused } from "./http.ts";
import { verifyToken } from "./keys.ts";
import { logFault } from "./log.ts";
import { placeOf } from "./place.ts";
import { type HomePort, homeAt } from "./ports.ts";
import { retry } from "./retry.ts";
import { listLobbies } from "./shards.ts";
import { receiveHeartbeat, receiveObservations } from "./sidecar-posts.ts";

type Route = (request: IRequestStrict & Request, env: Env) => Response | Promise<Response>;

const ping: Route = () => new Response("pong");

const list: Route = async (request, env) => {
  const query = listQuery.safeParse(request.query);
  if (!query.success) return refused("invalid_query");
  return new Response(await listLobbies(env, query.data), {
    headers: { "content-type": "application/json" },
  });
};

const host: Route = async (request, env) =>
  answer(
    await asClient(request, env, hostRequest, (home, { clientId }, { token: _, ...body }, attempt) =>
      home.hostLobby({ clientId, attempt, request: body }),
    ),
    201,
  );

const join: Route = async (request, env) =>
  answer(
    await asClient(request, env, joinRequest, (home, { clientId }, { peerName }, attempt) =>
      home.joinLobby({ clientId, attempt, lobbyId: lobbyIdOf(request), peerName }),
    ),
    200,
  );

const start: Route = async (request, env) =>
  answer(
    await asClient(request, env, startRequest, (home, { clientId }, _, attempt) =>
      home.startMediation(lobbyIdOf(request), { clientId, attempt, place: placeOf(request) }),
    ),
    200,
  );

function lobbyIdOf(request: IRequestStrict): string | null {
  return readLobbyId(request.params.lobbyId ?? "");
}

/** Reads the body, verifies its token, and calls the client's home: again, under the same name, if the call failed. */
async function asClient<Body extends { token: string }, T>(
  request: Request,
  env: Env,
  schema: z.ZodType<Body>,
  call: (home: HomePort, token: Token, body: Body, attempt: string) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const body = await readJson(request, schema, limits.bodyBytes);
  if (!body.ok) return body;
  const token = await verifyToken(env, body.value.token);
  if (!token) return refuse("invalid_token");
  const attempt = crypto.randomUUID();
  try {
    return await retry(
      () => call(homeAt(env, token.home), token, body.value, attempt),
      limits.promptRetryDelaysMs,
    );
  } catch (error) {
    logFault("home unreachable", { home: token.home }, error);
    return refuse("unavailable");
  }
}

/** A null value is an answer without a body. */
function answer(outcome: Outcome<unknown>, status: number): Response {
  if (!outcome.ok) return refused(...outcome.codes);
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
  if (method === "GET") router.get(path, route);
  else router.post(path, route);
}
for (const path of new Set(table.map(([, path]) => path))) {
  const allowed = table.filter((row) => row[1] === path).map(([method]) => method);
  router.all(path, () => {
    const response = refused("method_not_allowed");
    response.headers.set("allow", [...allowed, "OPTIONS"].join(", "));
    return response;
  });
}
router.all("*", () => refused("not_found"));
