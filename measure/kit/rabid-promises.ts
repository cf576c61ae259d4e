/** What players of Rabid Hole Punch rely on, checked from all that the plugins of a server heard. */
import type { RabidPlugin } from "./rabid-plugin.ts";

/** The errors that a server sends (texts.ts has the product's own list: this one is the protocol's). */
const errors = new Set(
  `session_exists session_non_existent password_mismatch only_one_player_in_session session_full player_name_in_use
  non_existent_player non_host_player kicked_by_host player_exited_session session_not_started session_timeout
  player_timeout`.split(/\s+/),
);
const names = /^i(:[A-Za-z0-9]{1,12}){1,12}$/;
const start = /^s:(\d+):(.+)$/;
const peer = /^([A-Za-z0-9]{1,12}):(\d+(?:\.\d+){3}):(\d+)$/;

/** What can never become right any more, in sentences. */
export function brokenOfRabid(plugins: readonly RabidPlugin[]): string[] {
  const lists = new Map(plugins.map((plugin) => [plugin, startedWith(plugin)]));
  return plugins.flatMap((plugin) => {
    const wrong = plugin.heard.flatMap(({ text }) => strange(plugin, text));
    const own = lists.get(plugin) ?? [];
    if (new Set(own).size > 1) wrong.push(`was told two starts: ${own.join(" and ")}`);
    for (const other of plugins) {
      const theirs = lists.get(other)?.[0];
      const isNamed = own[0]?.split(" ").includes(addressOf(other)) && other.session === plugin.session;
      if (isNamed && theirs !== undefined && theirs !== own[0])
        wrong.push(`is started with ${own[0]}, and ${other.name} with ${theirs}`);
    }
    for (const each of own[0]?.split(" ") ?? [])
      if (!plugins.some((other) => other.session === plugin.session && addressOf(other) === each))
        wrong.push(`is to meet ${each}, who is nobody`);
    wrong.push(...kickedAndBack(plugin, plugins));
    return wrong.map((what) => sentenceOf(plugin, what));
  });
}

/** Names that this host has removed from its session, was told that they are out, and is told that they are in again. */
function kickedAndBack(host: RabidPlugin, plugins: readonly RabidPlugin[]): string[] {
  const out = plugins.filter(
    ({ session, heard }) => session === host.session && heard.at(-1)?.text === "error:kicked_by_host",
  );
  return out.flatMap(({ name, heard }) => {
    const outAt = heard.at(-1)?.at ?? 0;
    const kick = host.said.findLast(({ at, text }) => text === `k:${host.session}:${name}` && at < outAt);
    if (!kick) return [];
    const told = host.heard.filter(({ at, text }) => at > kick.at && names.test(text));
    const has = ({ text }: { text: string }) => text.split(":").slice(1).includes(name);
    const since = told.findIndex((one) => !has(one));
    const again = since < 0 ? undefined : told.slice(since).find((one) => has(one) && one.at > outAt);
    return again ? [`has removed ${name}, and is told ${again.text}`] : [];
  });
}

/** What must become right when no fault is on any more: all players of a session are told the same, and it is true. */
export function owedOfRabid(plugins: readonly RabidPlugin[]): string[] {
  const playing = plugins.filter(({ state }) => state === "in-session");
  return playing.flatMap((plugin) => {
    const there = playing.filter(({ session }) => session === plugin.session).map(({ name }) => name);
    if (plugin.names.toSorted().join() !== there.toSorted().join())
      return [sentenceOf(plugin, `is told of ${plugin.names}, and there are ${there}`)];
    const other = playing.find(
      ({ session, names }) => session === plugin.session && `${names}` !== `${plugin.names}`,
    );
    return other
      ? [sentenceOf(plugin, `is told of ${plugin.names}, and ${other.name} of ${other.names}`)]
      : [];
  });
}

function strange(plugin: RabidPlugin, text: string): string[] {
  if (text.startsWith("error:")) return errors.has(text.slice(6)) ? [] : [`heard ${text}`];
  if (!names.test(text)) return start.test(text) ? [] : [`heard ${text}`];
  const told = text.split(":").slice(1);
  if (new Set(told).size < told.length) return [`is told of two players of one name: ${text}`];
  return told.includes(plugin.name) ? [] : [`is told of a session that it is not in: ${text}`];
}

/** Everybody's names and addresses, its own among them, as each start has them. */
function startedWith(plugin: RabidPlugin): string[] {
  return plugin.heard.flatMap(({ text }) => {
    const [, own, others] = start.exec(text) ?? [];
    if (own === undefined || others === undefined) return [];
    const peers = others.split(";").map((one) => (peer.test(one) ? one : `unreadable:${one}`));
    return [[...peers, `${plugin.name}:${plugin.from}:${own}`].toSorted().join(" ")];
  });
}

function addressOf({ name, from, port }: RabidPlugin): string {
  return `${name}:${from}:${port}`;
}

function sentenceOf({ session, name, port, heard, said }: RabidPlugin, what: string): string {
  const all = [
    ...heard.map((one) => ({ ...one, who: "heard" })),
    ...said.map((one) => ({ ...one, who: "said" })),
  ];
  const story = all
    .sort((a, b) => a.at - b.at)
    .filter(({ text }, i, list) => text !== list[i - 2]?.text)
    .slice(-24)
    .map(({ at, who, text }) => `${Math.round(at)} ${who} ${text}`);
  return `In rabid:${session}, ${name} at port ${port} ${what}. It ${story.join("; ")}`;
}
