/** How the objects, and the Worker, find each other. */
import { loungeShape, type Region, regionOfLounge } from "../../core/lounges.ts";
import type { Env } from "./env.ts";
import { platformLimits } from "./limits.ts";
import type { HolderPort, LobbyPort } from "./ports.ts";

/** The object that holds sockets under this name. */
export function holderAt(env: Env, name: string): DurableObjectStub<HolderPort> {
  return loungeShape.test(name) ? loungeAt(env, name) : lobbyAt(env, name);
}

export function loungeAt(env: Env, name: string): DurableObjectStub<HolderPort> {
  return env.LOUNGE.getByName(name, callOptions(regionOfLounge(name)));
}

/** The lobby of this code. `region`: where it is put if this call creates it, so only who acts for its host says one. */
export function lobbyAt(env: Env, code: string, region: Region | null = null): DurableObjectStub<LobbyPort> {
  return env.LOBBY.getByName(code, callOptions(region));
}

/**
 * How an object is called. `region`: where it is put if this call creates it; null for near the caller. Left to itself, the platform
 * would repeat a call five times within 10 s, and our own tries would each take as long.
 */
export function callOptions(region: Region | null): DurableObjectNamespaceGetDurableObjectOptions {
  const retry = { maxRetries: platformLimits.platformRetries, timeoutMs: platformLimits.platformRetryMs };
  return region ? { locationHint: region, retry } : { retry };
}
