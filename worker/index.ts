import { type Env, readSettings } from "./env.ts";
import { refused, withCors } from "./http.ts";
import { logFault } from "./log.ts";
import { router } from "./routes.ts";
import { isUpgrade, upgrade } from "./upgrade.ts";

export { Directory } from "./directory.ts";
export { Fleet } from "./fleet.ts";
export { Home } from "./home.ts";

export default {
  async fetch(request, env) {
    const read = readSettings(env);
    if (!read.ok) {
      logFault("not configured", { why: read.why });
      return refused("not_configured");
    }
    // A stranger's host header is in it, and may be no host at all.
    if (!URL.canParse(request.url)) return withCors(refused("not_found"), read.settings.allowedOrigin);
    try {
      if (isUpgrade(request)) return await upgrade(request, env);
      return withCors(await router.fetch(request, env), read.settings.allowedOrigin);
    } catch (error) {
      logFault("request failed", { method: request.method }, error);
      return withCors(refused("internal"), read.settings.allowedOrigin);
    }
  },
} satisfies ExportedHandler<Env>;
