import { waitUntil } from "cloudflare:workers";
import { refuse } from "../core/problem.ts";
import { forPeople } from "./edge/error-page.ts";
import { admitGateway } from "./edge/gateway-door.ts";
import { healthAnswer } from "./edge/health.ts";
import { drain, hardened, logIfRefused, refused } from "./edge/http.ts";
import { isOperatorPath, operate } from "./edge/operator.ts";
import { type AllowedPages, mayAsk, ownOrigin, withCors } from "./edge/origin.ts";
import { isPageFile } from "./edge/page.ts";
import { hasPlainHost, withPlainPath } from "./edge/path.ts";
import { router } from "./edge/routes.ts";
import { countGateway } from "./edge/sidecar-limits.ts";
import { isUpgrade, lostUpgrade, upgrade } from "./edge/upgrade.ts";
import { type Env, readSettings } from "./platform/env.ts";
import { logFault, logRefusal, tagLobbiesOf } from "./platform/log.ts";
import { tellRefusalsSoon } from "./platform/statistics.ts";

export { Budget } from "./objects/budget.ts";
export { Directory } from "./objects/directory.ts";
export { Fleet } from "./objects/fleet.ts";
export { Lobby } from "./objects/lobby.ts";
export { Lounge } from "./objects/lounge.ts";
export { Relay } from "./objects/relay.ts";
export { Stats } from "./objects/stats.ts";

export default {
  async fetch(request, env) {
    const plain = withPlainPath(request);
    const answered = answer(plain, env);
    // The platform ends what runs for a client that breaks off. Objects would have done the work, and nobody would be charged for it.
    waitUntil(answered);
    const response = await answered;
    if (!plain.bodyUsed) await drain(plain);
    tellRefusalsSoon(env);
    return response;
  },
} satisfies ExportedHandler<Env>;

async function answer(request: Request, env: Env): Promise<Response> {
  tagLobbiesOf(env);
  if (!hasPlainHost(request)) return hardened(logIfRefused(request, refused(refuse("not_found"))));
  const read = readSettings(env);
  if (!read.ok) {
    logRefusal("not_configured", { why: read.why });
    const why = refuse("not_configured");
    if (URL.parse(request.url)?.pathname === "/healthz") return hardened(healthAnswer(why));
    return hardened(await forPeople(request, env, logIfRefused(request, refused(why))));
  }
  const pages = { named: read.settings.allowedOrigin, own: ownOrigin(request, env) };
  const operated = await operatorAnswer(request, env);
  const response = logIfRefused(request, operated ?? (await answerTo(request, env, pages)));
  if (response.status === 101 || isPageFile(response)) return response;
  const told = hardened(await forPeople(request, env, response));
  // No page of another origin may read the operator's view.
  return operated ? told : withCors(told, request, pages);
}

/** The answer of the operator's view; null for all that is not for it. A WebSocket is a player's, whatever its path. */
async function operatorAnswer(request: Request, env: Env): Promise<Response | null> {
  const url = URL.parse(request.url);
  if (!url || !isOperatorPath(url.pathname) || isUpgrade(request)) return null;
  try {
    return await operate(request, env);
  } catch (error) {
    logFault("request_failed", { method: request.method }, error);
    return refused(refuse("internal"));
  }
}

async function answerTo(request: Request, env: Env, pages: AllowedPages): Promise<Response> {
  // A stranger's host header is in it, and may be no host at all.
  if (!URL.canParse(request.url)) return refused(refuse("not_found"));
  try {
    if (!mayAsk(request, pages)) return refused(refuse("origin_not_allowed"));
    const gateway = await admitGateway(request, env);
    if (!gateway.ok) return refused(gateway);
    const tooMany = gateway.value && (await countGateway(env, gateway.value.sidecar, isUpgrade(request)));
    if (tooMany) return refused(tooMany, { sidecar: gateway.value?.sidecar.name });
    if (lostUpgrade(request)) return refused(refuse("upgrade_missing"));
    return await (isUpgrade(request) ? upgrade(request, env) : router.fetch(request, env));
  } catch (error) {
    logFault("request_failed", { method: request.method }, error);
    return refused(refuse("internal"));
  }
}
