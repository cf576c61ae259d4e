import { refuse } from "../core/problem.ts";
import { type Env, readSettings, type Settings } from "./env.ts";
import { drain, logIfRefused, refused } from "./http.ts";
import { logFault, logRefusal } from "./log.ts";
import { mayAsk, withCors } from "./origin.ts";
import { withPlainPath } from "./path.ts";
import { router } from "./routes.ts";
import { isUpgrade, upgrade } from "./upgrade.ts";

export { Directory } from "./directory.ts";
export { Fleet } from "./fleet.ts";
export { Home } from "./home.ts";

export default {
  async fetch(request, env) {
    const plain = withPlainPath(request);
    const response = await answer(plain, env);
    if (!plain.bodyUsed) await drain(plain);
    return response;
  },
} satisfies ExportedHandler<Env>;

async function answer(request: Request, env: Env): Promise<Response> {
  const read = readSettings(env);
  if (!read.ok) {
    logRefusal("not configured", { why: read.why });
    return logIfRefused(request, refused(refuse("not_configured")));
  }
  const response = logIfRefused(request, await answerTo(request, env, read.settings));
  return response.status === 101 ? response : withCors(response, request, read.settings.allowedOrigin);
}

async function answerTo(request: Request, env: Env, { allowedOrigin }: Settings): Promise<Response> {
  // A stranger's host header is in it, and may be no host at all.
  if (!URL.canParse(request.url)) return refused(refuse("not_found"));
  try {
    if (!mayAsk(request, allowedOrigin)) return refused(refuse("origin_not_allowed"));
    return await (isUpgrade(request) ? upgrade(request, env) : router.fetch(request, env));
  } catch (error) {
    logFault("request failed", { method: request.method }, error);
    return refused(refuse("internal"));
  }
}
