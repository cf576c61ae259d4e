/** Bindings that count the calls made through them. */
import { isNamespace, see } from "./alarms.ts";
import { countCall, type Meter } from "./books.ts";
import { through } from "./through.ts";

/** Who calls: an object, which is awake while it waits, and whose calls take `callMs` to get there; or the Worker. */
export type Caller = { meter: Meter; callMs: number } | null;

/** The same bindings, with every namespace of objects counting. */
export function countedBindings<Env extends object>(env: Env, caller: Caller): Env {
  return new Proxy(env, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return isNamespace(value) ? countedNamespace(value, String(name), caller) : value;
    },
  });
}

function countedNamespace(
  namespace: DurableObjectNamespace,
  binding: string,
  caller: Caller,
): DurableObjectNamespace {
  return through(namespace, (name, method) => {
    if (name !== "get" && name !== "getByName") return method;
    return (...args: unknown[]) => {
      const stub = method(...args);
      return isStub(stub) ? countedStub(stub, binding, caller) : stub;
    };
  });
}

function countedStub(stub: DurableObjectStub, binding: string, caller: Caller): DurableObjectStub {
  see(binding, stub.id);
  return through(stub, (name, method) => (...args: unknown[]) => {
    countCall(binding, name);
    if (!caller) return method(...args);
    const { meter, callMs } = caller;
    return meter.awake(async () => {
      if (callMs > 0) await scheduler.wait(callMs);
      return await method(...args);
    });
  });
}

function isStub(value: unknown): value is DurableObjectStub {
  return typeof value === "object" && value !== null && "id" in value && "fetch" in value;
}
