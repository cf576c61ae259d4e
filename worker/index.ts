import { refuse } from "../core/problem.ts";
import { type Env, readSettings } from "./env.ts";
import { drain, refused } from "./http.ts";
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
    const response = await answer(request, env);
    if (!request.bodyUsed) await drain(request);
    return response;
  },
} satisfies ExportedHandler<Env>;

async function answer(request: Request, env: Env): Promise<Response> {
  const read = readSettings(env);
  if (!read.ok) {
    logRefusal("not configured", { why: read.why });
    return refused(refuse("not_configured"));
  }
  const { allowedOrigin } = read.settings;
  // A stranger's host header is in it, and may be no host at all.
  if (!URL.canParse(request.url)) return withCors(refused(refuse("not_found")), request, allowedOrigin);
  try {
    if (!mayAsk(request, allowedOrigin)) {
      return withCors(refused(refuse("origin_not_allowed")), request, allowedOrigin);
    }
    const plain = withPlainPath(request);
    if (isUpgrade(plain)) return await upgrade(plain, env);
    return withCors(await router.fetch(plain, env), request, allowedOrigin);
  } catch (error) {
    logFault("request failed", { method: request.method }, error);
    return withCors(refused(refuse("internal")), request, allowedOrigin);
  }
}
