/** Storage that counts the rows written. */
import type { Alarm } from "./alarms.ts";
import type { Meter } from "./books.ts";
import { realTime } from "./clock.ts";
import { through } from "./through.ts";

/**
 * The same storage. A row is what the platform bills as one: an entry put or deleted, a row of SQL, an alarm set. What
 * `deleteAll` is billed as is not documented: it counts as a row for each entry, and one for the alarm.
 */
export function countedStorage(
  storage: DurableObjectStorage,
  meter: Meter,
  alarm: Alarm,
): DurableObjectStorage {
  const rows = (count: number) => meter.count("rowsWritten", count);
  const kv = through(storage.kv, (name, method) => (...args) => {
    const result = method(...args);
    if (name === "put" || (name === "delete" && result === true)) rows(1);
    return result;
  });
  const sql = through(storage.sql, (name, method) => (...args) => {
    const result = method(...args);
    if (name === "exec" && isCursor(result)) rows(result.rowsWritten);
    return result;
  });
  const methods = through(storage, (name, method) => (...args) => {
    switch (name) {
      case "put":
        rows(typeof args[0] === "object" && args[0] !== null ? Object.keys(args[0]).length : 1);
        break;
      case "delete":
        rows(Array.isArray(args[0]) ? args[0].length : 1);
        break;
      case "setAlarm":
        rows(1);
        alarm.at = Number(args[0]);
        return method(realTime(alarm.at), ...args.slice(1));
      case "getAlarm":
        return Promise.resolve(alarm.at);
      case "deleteAlarm":
        if (alarm.at !== null) rows(1);
        alarm.at = null;
        break;
      case "deleteAll":
        rows([...storage.kv.list()].length + (alarm.at === null ? 0 : 1));
        alarm.at = null;
        break;
    }
    return method(...args);
  });
  return new Proxy(methods, {
    get: (target, name) => (name === "kv" ? kv : name === "sql" ? sql : Reflect.get(target, name)),
  });
}

function isCursor(value: unknown): value is { rowsWritten: number } {
  return typeof value === "object" && value !== null && "rowsWritten" in value;
}
