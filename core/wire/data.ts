/** What a lobby, or a member, says of itself, on the wire: which keys and values there may be, and how many. */
import type { Data, DataChange, DataValue } from "../data.ts";
import { either, nullable, number, recordOf, text, truth } from "../shape.ts";
import { wireLimits } from "./limits.ts";

/** `__proto__` would not be a key like any other. */
const key = text(wireLimits.dataKeyLength, 1, /^[A-Za-z][\w.-]*$/);
const value = either(text(), either(number(), truth));

export const dataShape = recordOf(key, value);
export const dataChangeShape = recordOf(key, nullable(value));

/** Bytes of it as JSON in UTF-8. */
export function dataBytes(data: Data): number {
  return new TextEncoder().encode(JSON.stringify(data)).length;
}

/** Whether a lobby may have this data. */
export function fitsLobby(data: Data): boolean {
  return Object.keys(data).length <= wireLimits.lobbyDataKeys && dataBytes(data) <= wireLimits.lobbyDataBytes;
}

/** Whether a member may. */
export function fitsMember(data: Data): boolean {
  return (
    Object.keys(data).length <= wireLimits.memberDataKeys && dataBytes(data) <= wireLimits.memberDataBytes
  );
}

/** The data after a change. The same object if nothing changes. */
export function changedData(data: Data, change: DataChange): Data {
  const changes = differing(data, change);
  if (!changes) return data;
  const after: Record<string, DataValue> = { ...data };
  for (const [name, now] of Object.entries(changes)) {
    if (now === null) delete after[name];
    else after[name] = now;
  }
  return after;
}

/** The part of a change that changes something. Undefined if nothing of it does. */
export function differing(data: Data, change: DataChange): DataChange | undefined {
  // `constructor` is a key like any other.
  const before = (key: string) => (Object.hasOwn(data, key) ? data[key] : null);
  const some = Object.entries(change).filter(([key, value]) => value !== before(key));
  return some.length > 0 ? Object.fromEntries(some) : undefined;
}
