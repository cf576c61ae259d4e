/**
 * The Worker as it is deployed, with handles for faults. Only tests bundle this file.
 *
 * `GET /test/crash?home=<id>` ends the object that is a client's home; `?lobby=<id>`, `?directory=<n>` and
 * `?fleet` likewise. An object that is ended loses its memory and its sockets, and keeps its storage.
 */

import type { Env } from "../../worker/env.ts";
import worker, {
  Directory as RealDirectory,
  Fleet as RealFleet,
  Lobby as RealLobby,
  Lounge as RealLounge,
} from "../../worker/index.ts";

export class Lounge extends RealLounge {
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}
export class Lobby extends RealLobby {
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}
export class Directory extends RealDirectory {
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}
export class Fleet extends RealFleet {
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}

type FaultyEnv = Omit<Env, "LOUNGE" | "LOBBY" | "DIRECTORY" | "FLEET"> & {
  LOUNGE: DurableObjectNamespace<Lounge>;
  LOBBY: DurableObjectNamespace<Lobby>;
  DIRECTORY: DurableObjectNamespace<Directory>;
  FLEET: DurableObjectNamespace<Fleet>;
};

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname !== "/test/crash") return await worker.fetch(request, env);
    const [[kind, name] = ["", ""]] = url.searchParams;
    // The call that ends the object fails with it.
    await objectNamed(env, kind, name)
      .crash()
      .catch(() => {});
    return new Response("crashed");
  },
} satisfies ExportedHandler<FaultyEnv>;

function objectNamed(env: FaultyEnv, kind: string, name: string) {
  if (kind === "directory") return env.DIRECTORY.getByName(`shard-${name}`);
  if (kind === "fleet") return env.FLEET.getByName("fleet");
  if (name.length === 5) return env.LOBBY.getByName(name);
  return env.LOUNGE.get(env.LOUNGE.idFromString(name));
}
