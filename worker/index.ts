import { waitUntil } from "cloudflare:workers";
import { refuse } from "../core/problem.ts";
import type { Settings } from "../core/settings.ts";
import { drain, hardened, logIfRefused, refused } from "./edge/http.ts";
import { mayAsk, withCors } from "./edge/origin.ts";
import { withPlainPath } from "./edge/path.ts";
import { router } from "./edge/routes.ts";
import { isUpgrade, upgrade } from "./edge/upgrade.ts";
import { type Env, readSettings } from "./platform/env.ts";
import { logFault, logRefusal, tagLobbiesOf } from "./platform/log.ts";

export { Budget } from "./objects/budget.ts";
export { Directory } from "./objects/directory.ts";
export { Fleet } from "./objects/fleet.ts";
export { Lobby } from "./objects/lobby.ts";
export { Lounge } from "./objects/lounge.ts";

export default {
  async fetch(request, env) {
    const plain = withPlainPath(request);
    const answered = answer(plain, env);
    // The platform ends what runs for a client that breaks off. Objects would have done the work, and nobody would be charged for it.
    waitUntil(answered);
    const response = await answered;
    if (!plain.bodyUsed) await drain(plain);
    return response;
  },
} satisfies ExportedHandler<Env>;

async function answer(request: Request, env: Env): Promise<Response> {
  tagLobbiesOf(env);
  const read = readSettings(env);
  if (!read.ok) {
    logRefusal("not_configured", { why: read.why });
    return hardened(logIfRefused(request, refused(refuse("not_configured"))));
  }
  const response = logIfRefused(request, await answerTo(request, env, read.settings));
  if (response.status === 101) return response;
  return withCors(hardened(response), request, read.settings.allowedOrigin);
}

async function answerTo(request: Request, env: Env, { allowedOrigin }: Settings): Promise<Response> {
  // A stranger's host header is in it, and may be no host at all.
  if (!URL.canParse(request.url)) return refused(refuse("not_found"));
  try {
    if (!mayAsk(request, allowedOrigin)) return refused(refuse("origin_not_allowed"));
    return await (isUpgrade(request) ? upgrade(request, env) : router.fetch(request, env));
  } catch (error) {
    logFault("request_failed", { method: request.method }, error);
    return refused(refuse("internal"));
  }
}
