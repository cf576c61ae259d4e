/** Durable Objects that are counted, whatever their class. */
import { DurableObject } from "cloudflare:workers";
import { type Alarm, alarmOf } from "./alarms.ts";
import { countedBindings } from "./bindings.ts";
import { Meter } from "./books.ts";
import { framesSent } from "./frames.ts";
import { countedStorage } from "./storage.ts";

type ObjectClass<Env> = new (ctx: DurableObjectState, env: Env) => DurableObject<Env>;

/** What happens to an object without anybody calling it. */
const happenings = {
  webSocketMessage: "messages",
  webSocketClose: "closes",
  webSocketError: "closes",
  alarm: "alarms",
} as const;

/** Its var `costCallMs`: milliseconds a call from one object to another takes to get there. */
type Delays = { costCallMs?: string };

/** The same class, with its storage, its calls to others, what happens to it, and its time awake on the books. */
export function counted<Env extends object>(Original: ObjectClass<Env>): ObjectClass<Env> {
  const className = Original.name.replace(/^_+/, "");
  const meters = new WeakMap<object, { meter: Meter; alarm: Alarm; silence(): Promise<void> }>();
  class Counted extends Original {
    constructor(ctx: DurableObjectState, env: Env & Delays) {
      const { storage } = ctx;
      const meter = new Meter(className);
      const alarm = alarmOf(ctx.id);
      // The platform takes no stand-in for the object's state itself.
      Object.defineProperty(ctx, "storage", { value: countedStorage(storage, meter, alarm) });
      Object.defineProperty(ctx, "getWebSocketAutoResponseTimestamp", { value: pingedJustNow(ctx) });
      super(ctx, countedBindings(env, { meter, callMs: Number(env.costCallMs ?? 0) }));
      meters.set(this, { meter, alarm, silence: () => storage.deleteAlarm() });
    }

    /** Rings the alarm if it is due by the object's clock. */
    async ringIfDue(): Promise<boolean> {
      const own = meters.get(this);
      if (!own || own.alarm.at === null || own.alarm.at > Date.now()) return false;
      // The platform would ring too, when it is time by its own clock. It rings before any timer of the object.
      const silenced = own.silence();
      await this.alarm?.();
      await silenced;
      return true;
    }
  }
  for (const [name, method] of methodsOf(Original)) {
    const what = Object.entries(happenings).find(([happening]) => happening === name)?.[1];
    const value = function (this: object, ...args: unknown[]): unknown {
      const own = meters.get(this);
      // A constructor calls methods too, before there is anything to count by.
      if (!own) return Reflect.apply(method, this, args);
      if (what) own.meter.count(what);
      if (what === "alarms") own.alarm.at = null;
      const before = framesSent();
      const result = own.meter.awake(() => Reflect.apply(method, this, args));
      // What the object has sent before it waited for anything.
      if (what === "messages") own.meter.count("framesAtOnce", framesSent() - before);
      return result;
    };
    Object.defineProperty(Counted.prototype, name, { value, configurable: true, writable: true });
  }
  return Counted;
}

/**
 * When a client last pinged, by the clock that can be set forward. Clients, whose clocks are their own, are taken to have gone
 * on pinging, if they ever did.
 */
function pingedJustNow(ctx: DurableObjectState): (socket: WebSocket) => Date | null {
  const pinged = ctx.getWebSocketAutoResponseTimestamp.bind(ctx);
  return (socket) => (pinged(socket) === null ? null : new Date(Date.now()));
}

/** All methods, inherited ones too, down to what the platform itself brings. */
function methodsOf<Env>(Original: ObjectClass<Env>): Map<string, (...args: unknown[]) => unknown> {
  const methods = new Map<string, (...args: unknown[]) => unknown>();
  for (
    let prototype: object = Original.prototype;
    prototype !== DurableObject.prototype && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name !== "constructor" && typeof value === "function" && !methods.has(name))
        methods.set(name, value);
    }
  }
  return methods;
}
