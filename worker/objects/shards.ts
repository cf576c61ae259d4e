/** The directory's shards, seen as one list. */
import type { ListQuery } from "../../core/wire/http.ts";
import { type Env, settingsOf } from "../platform/env.ts";
import type { DirectoryPort } from "../platform/ports.ts";
import { released } from "../platform/retry.ts";
import { callOptions } from "../platform/stubs.ts";

/** The shard that lists a lobby. */
export function shardOf(env: Env, lobbyId: string): DurableObjectStub<DirectoryPort> {
  const { directoryShards } = settingsOf(env);
  return shard(env, Number.parseInt(lobbyId, 36) % directoryShards);
}

/** The body of `GET /lobbies`: all public lobbies, or a page of them with the cursor of the next one. */
export async function listLobbies(env: Env, query: ListQuery): Promise<string> {
  const paged = query.limit !== undefined || query.cursor !== undefined || query.name !== undefined;
  return paged ? await listPage(env, query) : await listAll(env);
}

/** This isolate's last answer, for deployments that allow an old one. Data, not a promise: requests must not share those. */
let lastAnswer = { at: 0, body: "" };

async function listAll(env: Env): Promise<string> {
  const { directoryShards, directoryMaxAgeMs } = settingsOf(env);
  // An answer of the future is one of before the clock was set back.
  if (Math.abs(Date.now() - lastAnswer.at) < directoryMaxAgeMs) return lastAnswer.body;
  const parts = await Promise.all(Array.from({ length: directoryShards }, (_, i) => shard(env, i).all()));
  const body = listBody(parts);
  if (directoryMaxAgeMs > 0) lastAnswer = { at: Date.now(), body };
  return body;
}

/** A cursor is `<shard>-<order in the shard>`: a page goes through the shards one after another. */
async function listPage(env: Env, { limit, cursor, name }: ListQuery): Promise<string> {
  const { directoryShards } = settingsOf(env);
  const [first = 0, start = 0] = cursor?.split("-").map(Number) ?? [];
  const parts: string[] = [];
  let left = limit;
  for (let i = first, after = start; i < directoryShards; i++, after = 0) {
    const page = released(await shard(env, i).list({ after, name, limit: left }));
    parts.push(page.lobbies);
    if (page.next !== undefined) return listBody(parts, `${i}-${page.next}`);
    if (left !== undefined) left -= page.count;
    if (left === 0 && i + 1 < directoryShards) return listBody(parts, `${i + 1}-0`);
  }
  return listBody(parts);
}

function listBody(parts: string[], cursor?: string): string {
  const lobbies = parts.filter((part) => part !== "").join(",");
  return `{"lobbies":[${lobbies}]${cursor === undefined ? "" : `,"cursor":"${cursor}"`}}`;
}

function shard(env: Env, index: number): DurableObjectStub<DirectoryPort> {
  const { region } = settingsOf(env);
  return env.DIRECTORY.getByName(`shard-${index}`, callOptions(region));
}
