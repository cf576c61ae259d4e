/**
 * What objects keep, and what they say to each other, in a form that outlives a server: with `{host}` and the like where ids
 * stood, and times as they were written. `test/vectors/kept/` has what each release wrote (write-kept.ts).
 */
import { fileURLToPath } from "node:url";
import type { Server } from "../../local/server.ts";
import type { Player } from "./player.ts";
import { startTestServer, type TestServerOptions } from "./server.ts";

export type Kept = { rows: [key: string, value: unknown][]; attachments: { id: string }[] };
export type Call = { class: string; method: string; args: unknown[]; answer: unknown };
export type Binding = "LOBBY" | "LOUNGE" | "DIRECTORY" | "FLEET" | "RELAY";

/** A server whose objects show what they keep, and take something else in its place. */
export function startKeptServer(options: TestServerOptions = {}): Promise<Server> {
  const entry = fileURLToPath(new URL("./kept-worker.ts", import.meta.url));
  return startTestServer({ entry, ...options });
}

export async function keptOf(base: URL, binding: Binding, name: string): Promise<Kept> {
  return JSON.parse(await (await fetch(new URL(`/test/kept?${binding}=${name}`, base))).text());
}

export async function keep(base: URL, binding: Binding, name: string, kept: Kept): Promise<void> {
  const url = new URL(`/test/kept?${binding}=${name}`, base);
  const { ok } = await fetch(url, { method: "POST", body: JSON.stringify(kept) });
  if (!ok) throw new Error(`${binding} ${name} did not keep it`);
}

export async function call(
  base: URL,
  binding: Binding,
  name: string,
  { method, args }: Pick<Call, "method" | "args">,
): Promise<unknown> {
  const url = new URL(`/test/call?${binding}=${name}`, base);
  const response = await fetch(url, { method: "POST", body: JSON.stringify({ method, args }) });
  if (!response.ok) throw new Error(`${method} of ${binding} failed with status ${response.status}`);
  return JSON.parse(await response.text());
}

/** All calls between objects so far. */
export async function callsSoFar(base: URL): Promise<Call[]> {
  return JSON.parse(await (await fetch(new URL("/test/recorded", base))).text());
}

/** What stands for each id: by names like `host`, the players; besides them, other texts by theirs. */
export function namesOf(
  players: { [name: string]: Player },
  others: { [name: string]: string },
): Map<string, string> {
  const names = new Map(Object.entries(others));
  for (const [name, player] of Object.entries(players)) {
    names.set(`${name}'s token`, player.token);
    names.set(name, player.clientId);
    // A lobby's own members are held by the lobby.
    if (![...names.values()].includes(player.holder)) names.set(`${name}'s holder`, player.holder);
  }
  return names;
}

/** The same, with names where ids stood. The longest first: a token has its client's id in it. */
export function withNames<T>(value: T, names: Map<string, string>): T {
  let text = JSON.stringify(value);
  const byLength = [...names].sort(([, a], [, b]) => b.length - a.length);
  for (const [name, id] of byLength) text = text.replaceAll(id, `{${name}}`);
  return JSON.parse(text);
}

/** The same again, with ids of now, and all times moved by so many milliseconds. */
export function withIds<T>(value: unknown, names: Map<string, string>, laterMs: number): T {
  let text = JSON.stringify(value);
  for (const [name, id] of names) text = text.replaceAll(`{${name}}`, id);
  const isTime = (one: unknown): one is number => typeof one === "number" && one > 1e12;
  return JSON.parse(text, (_, one) => (isTime(one) ? one + laterMs : one));
}
