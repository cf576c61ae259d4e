/** What an isolate remembers of many strangers, in bounded memory. */

/** Sets an entry as the newest. If there are more than `most` then, the oldest is forgotten: the one set longest ago. */
export function remember<Value>(entries: Map<string, Value>, key: string, value: Value, most: number): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > most && oldest !== undefined) entries.delete(oldest);
}
