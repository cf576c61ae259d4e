/**
 * The operator's view: a page at `/operator`, and what it asks under `/operator/api/`. Without a key in the deployment there is nothing at these
 * addresses. Nothing else of the service uses these keys, and they open nothing else.
 */
import { isLocalHost } from "../../core/endpoint.ts";
import { readLobbyId } from "../../core/lobby/code.ts";
import { accept, type Outcome, type Refusal, refuse } from "../../core/problem.ts";
import {
  closeRequest,
  findRequest,
  type OperatorLook,
  removeRequest,
  tagShape,
} from "../../core/wire/operator.ts";
import { isDrawn } from "../platform/codes.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import { logFault, logOperator } from "../platform/log.ts";
import { hasOperatorView, type Rights } from "../platform/operator-keys.ts";
import type { OperatorWish } from "../platform/ports.ts";
import { released } from "../platform/retry.ts";
import { statsOf } from "../platform/statistics.ts";
import { lobbyAt } from "../platform/stubs.ts";
import { lobbyTag } from "../platform/tags.ts";
import { bearerToken, json, readJson, refused } from "./http.ts";
import { edgeLimits } from "./limits.ts";
import { tryKey } from "./operator-tries.ts";
import { operatorCharts, operatorLobbies, operatorNow } from "./operator-view.ts";
import { servePage } from "./page.ts";

export const operatorPath = "/operator";
const apiPath = `${operatorPath}/api/`;

/** Whether the request is for the view. Nothing else of the service answers it then. */
export function isOperatorPath(pathname: string): boolean {
  return (
    pathname === operatorPath || pathname.startsWith(`${operatorPath}/`) || pathname === "/operator.html"
  );
}

/** Answers a request for the view. Null if this deployment has none. */
export async function operate(request: Request, env: Env): Promise<Response | null> {
  if (!hasOperatorView(env)) return null;
  const { pathname } = new URL(request.url);
  const foreign = refuseForeign(request, env);
  if (foreign) return refused(foreign);
  if (pathname === operatorPath) {
    if (request.method !== "GET" && request.method !== "HEAD") return notAllowed("GET, HEAD");
    return await servePage(request, env, "operator.html");
  }
  if (!pathname.startsWith(apiPath)) return refused(refuse("not_found"));
  const response = await api(request, env, pathname.slice(apiPath.length));
  response.headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  response.headers.set("referrer-policy", "no-referrer");
  return response;
}

/**
 * A name that is not this server's may be one that somebody leads here, so that a page of his reads this one in the operator's browser (DNS rebinding). And a
 * key in the address is refused, so that nobody gets used to it: servers, proxies and browsers keep addresses.
 */
function refuseForeign(request: Request, env: Env): Refusal | null {
  const { headers } = request;
  const url = new URL(request.url);
  if (!isOwnHost(url, env)) return refuse("foreign_host");
  const origin = headers.get("origin");
  const isForeign = origin !== null && URL.parse(origin)?.host !== url.host;
  const isApi = url.pathname.startsWith(apiPath);
  const site = isApi ? headers.get("sec-fetch-site") : null;
  if (isForeign || (site !== null && site !== "same-origin" && site !== "none"))
    return refuse("origin_not_allowed");
  const isInUrl = url.search !== "" || url.username !== "" || url.password !== "";
  return isInUrl || /^basic\b/i.test(headers.get("authorization") ?? "") ? refuse("key_in_url") : null;
}

/** At Cloudflare only the deployment's own names lead here. Under `npm start` any may: there it must be one that nobody else can give. */
function isOwnHost({ host, hostname }: URL, env: Env): boolean {
  const named = settingsOf(env).operatorOrigin.map((origin) => URL.parse(origin)?.host);
  if (named.includes(host)) return true;
  if (env.clientAddress !== "socket") return named.length === 0;
  return isLocalHost(hostname) || isAddress(hostname);
}

/** Also a public one. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

async function api(request: Request, env: Env, path: string): Promise<Response> {
  const key = bearerToken(request);
  const rights = key === "" ? refuse("wrong_operator_key") : await tryKey(request, env, key);
  if (!rights.ok) {
    const response = refused(rights);
    if (response.status === 401) response.headers.set("www-authenticate", "Bearer");
    return response;
  }
  const [what = "", tag = "", deed = "", ...rest] = path.split("/");
  if (rest.length > 0) return refused(refuse("not_found"));
  if (what === "lobbies" && tag !== "")
    return await aboutLobby(request, env, { tag, deed, rights: rights.value });
  if (tag !== "") return refused(refuse("not_found"));
  switch (what) {
    case "now":
      if (!reads(request)) return notAllowed("GET, HEAD");
      return json({ ...(await operatorNow(env)), mayAct: rights.value === "act" });
    case "charts":
      return reads(request) ? json(await operatorCharts(env)) : notAllowed("GET, HEAD");
    case "lobbies":
      return reads(request) ? json(await operatorLobbies(env)) : notAllowed("GET, HEAD");
    case "find":
      return request.method === "POST" ? await find(request, env) : notAllowed("POST");
    default:
      return refused(refuse("not_found"));
  }
}

function reads({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

function notAllowed(allow: string): Response {
  const response = refused(refuse("method_not_allowed"));
  response.headers.set("allow", allow);
  return response;
}

/** The tag of a lobby that is open, by what the operator was told of it. */
async function find(request: Request, env: Env): Promise<Response> {
  const body = await readJson(request, findRequest, edgeLimits.bodyBytes);
  if (!body.ok) return refused(body);
  const text = body.value.lobby.trim();
  const lobbyId = tagShape.test(text) ? null : readLobbyId(text);
  if (lobbyId !== null && !isDrawn(env, lobbyId)) return refused(refuse("no_such_lobby"));
  const tag = lobbyId === null ? text : lobbyTag(env, lobbyId);
  const found = await codeOf(env, tag);
  return found.ok ? json({ tag }) : refused(found);
}

/** The code of the lobby of this tag, if the statistics know it: a lobby that was never opened must not be created where its operator is. */
async function codeOf(env: Env, tag: string): Promise<Outcome<string>> {
  if (!tagShape.test(tag)) return refuse("no_such_lobby");
  try {
    const lobbyId = await statsOf(env, tag)?.find(tag);
    return lobbyId ? accept(lobbyId) : refuse("no_such_lobby");
  } catch (error) {
    logFault("stats_unreachable", {}, error);
    return refuse("unavailable");
  }
}

type About = { tag: string; deed: string; rights: Rights };

async function aboutLobby(request: Request, env: Env, { tag, deed, rights }: About): Promise<Response> {
  if (deed === "") return reads(request) ? await look(env, tag) : notAllowed("GET, HEAD");
  if (deed !== "close" && deed !== "kick" && deed !== "ban") return refused(refuse("not_found"));
  if (request.method !== "POST") return notAllowed("POST");
  if (rights !== "act") return refused(refuse("read_only_key"));
  const wish = await wishOf(request, tag, deed);
  if (!wish.ok) return refused(wish);
  const done = await ask(env, tag, wish.value);
  if (!done.ok) return refused(done);
  logOperator("operator_acted", { deed, lobbyId: done.value.lobbyId });
  return new Response(null, { status: 204 });
}

async function look(env: Env, tag: string): Promise<Response> {
  const looked = await ask(env, tag, { kind: "look" });
  if (!looked.ok) return refused(looked);
  const { inspection } = looked.value;
  return inspection
    ? json({ tag, lobby: inspection } satisfies OperatorLook)
    : refused(refuse("no_such_lobby"));
}

async function wishOf(
  request: Request,
  tag: string,
  deed: "close" | "kick" | "ban",
): Promise<Outcome<OperatorWish>> {
  const requestId = crypto.randomUUID();
  if (deed === "close") {
    const body = await readJson(request, closeRequest, edgeLimits.bodyBytes);
    if (!body.ok) return body;
    return body.value.confirm === tag ? accept({ kind: "close", requestId }) : refuse("not_confirmed");
  }
  const body = await readJson(request, removeRequest, edgeLimits.bodyBytes);
  if (!body.ok) return body;
  const { confirm, clientId: memberId, reason } = body.value;
  if (confirm !== tag) return refuse("not_confirmed");
  return accept({ kind: "kick", requestId, memberId, reason, ban: deed === "ban" });
}

/** Asks the lobby itself. The view's own objects may believe in one that is over: they hear of it now. */
async function ask(env: Env, tag: string, wish: OperatorWish) {
  const found = await codeOf(env, tag);
  if (!found.ok) return found;
  const lobbyId = found.value;
  try {
    const outcome = released(await lobbyAt(env, lobbyId).operate(wish));
    if (outcome.ok) return accept({ lobbyId, inspection: outcome.value });
    if (outcome.codes.includes("no_such_lobby")) await forget(env, tag, lobbyId);
    return outcome;
  } catch (error) {
    logFault("lobby_unreachable", { lobbyId }, error);
    return refuse("unavailable");
  }
}

async function forget(env: Env, tag: string, lobbyId: string): Promise<void> {
  await statsOf(env, tag)
    ?.hearNews([{ kind: "over", lobbyId }])
    .catch(() => {});
}
