/** How the objects, and the Worker, find each other. */

import { shardOfGame } from "../../core/directory/search.ts";
import { loungeShape, type Region, regionOfLounge } from "../../core/lounges.ts";
import { type Env, settingsOf } from "./env.ts";
import { platformLimits } from "./limits.ts";
import type { DirectoryPort, HolderPort, LobbyPort, RelayPort } from "./ports.ts";

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

/** The shard that lists a lobby: that of its game, so that one object knows all lobbies of a game. */
export function directoryOf(
  env: Env,
  { lobbyId, game }: { lobbyId: string; game: string | undefined },
): DurableObjectStub<DirectoryPort> {
  const { directoryShards } = settingsOf(env);
  return directoryAt(
    env,
    game === undefined ? Number.parseInt(lobbyId, 36) % directoryShards : shardOfGame(game, directoryShards),
  );
}

/** The shard that lists all lobbies of a game. */
export function directoryOfGame(env: Env, game: string): DurableObjectStub<DirectoryPort> {
  return directoryAt(env, shardOfGame(game, settingsOf(env).directoryShards));
}

/** A relay over WebSocket, by its name. `region`: where it is put if this call creates it. Undefined if the deployment has none. */
export function relayAt(
  { RELAY }: Env,
  name: string,
  region: Region | null = null,
): DurableObjectStub<RelayPort> | undefined {
  return RELAY?.getByName(name, callOptions(region));
}

/** A shard by its number. */
export function directoryAt(env: Env, shard: number): DurableObjectStub<DirectoryPort> {
  return env.DIRECTORY.getByName(`shard-${shard}`, callOptions(settingsOf(env).region));
}

/**
 * How an object is called. `region`: where it is put if this call creates it; null for near the caller. Left to itself, the platform
 * would repeat a call five times within 10 s, and our own tries would each take as long.
 */
export function callOptions(region: Region | null): DurableObjectNamespaceGetDurableObjectOptions {
  const retry = { maxRetries: platformLimits.platformRetries, timeoutMs: platformLimits.platformRetryMs };
  return region ? { locationHint: region, retry } : { retry };
}
