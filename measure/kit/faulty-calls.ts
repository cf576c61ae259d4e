/** Calls between objects that fail, or whose answers are lost. Part of `faulty-worker.ts`. */

/** `fail`: the call never arrives. `lose`: its answer is lost after the work was done. `throw`: the object's own code throws. */
export type Failing = "fail" | "lose" | "throw";

/** By method: how many of the next calls fail so. */
const due = {
  fail: new Map<string, number>(),
  lose: new Map<string, number>(),
  throw: new Map<string, number>(),
};
let failures = 0;

export function isFailing(how: string): how is Failing {
  return how in due;
}

/** `count`: how many of the next calls of this method; infinity until it is set anew. `*` is every method. */
export function failNext(method: string, how: Failing, count: number): void {
  due[how].set(method, count);
}

/** Milliseconds that the first call to each name takes, as at Cloudflare, where the name is looked up around the world. */
let firstCallMs = 0;
const met = new Set<string>();

export function delayFirstCalls(ms: number): void {
  firstCallMs = ms;
}

async function meet(name: unknown): Promise<void> {
  if (typeof name !== "string" || met.has(name)) return;
  met.add(name);
  if (firstCallMs > 0) await scheduler.wait(firstCallMs);
}

/** Methods whose calls wait before they arrive, until they are let go. */
const held = new Set<string>();
let everHeld = 0;
/** By method: how many calls were made so far. */
const made = new Map<string, number>();

export function holdCalls(method: string, isHeld: boolean): void {
  if (isHeld) held.add(method);
  else held.delete(method);
}

/** How many calls have had to wait so far. */
export function heldCalls(): number {
  return everHeld;
}

export function callsOf(method: string): number {
  return made.get(method) ?? 0;
}

async function waitWhileHeld(method: string): Promise<void> {
  if (!held.has(method)) return;
  everHeld += 1;
  // The platform does not let one request wait for another one's promise.
  while (held.has(method)) await scheduler.wait(10);
}

/** How many calls have failed so far, in any way. */
export function callFailures(): number {
  return failures;
}

const doubles = new WeakMap<object, object>();

/** The same bindings, with every call through them able to fail. */
export function faultyBindings<Env extends object>(env: Env): Env {
  const known = doubles.get(env);
  if (known) return known as Env;
  const double = new Proxy(env, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return isNamespace(value) ? faultyNamespace(value) : value;
    },
  });
  doubles.set(env, double);
  return double;
}

type Method = (...args: unknown[]) => unknown;

function faultyNamespace(namespace: object): object {
  return through(namespace, (name, method) => {
    if (name !== "get" && name !== "getByName") return method;
    return (...args) => {
      const stub = method(...args);
      return typeof stub === "object" && stub !== null ? faultyStub(stub, args[0]) : stub;
    };
  });
}

/** `called`: the name, if it was reached by one. */
function faultyStub(stub: object, called: unknown): object {
  return through(stub, (name, method) => async (...args) => {
    throwIfDue("throw", name);
    throwIfDue("fail", name);
    made.set(name, callsOf(name) + 1);
    await waitWhileHeld(name);
    await meet(called);
    const answer = await method(...args);
    try {
      throwIfDue("lose", name);
    } catch (error) {
      // The platform keeps something of a result until it is told that nobody wants it.
      if (typeof answer === "object" && answer !== null && Symbol.dispose in answer)
        (answer as Disposable)[Symbol.dispose]();
      throw error;
    }
    return answer;
  });
}

function throwIfDue(how: Failing, name: string): void {
  for (const method of [name, "*"]) {
    const left = due[how].get(method) ?? 0;
    if (left <= 0) continue;
    due[how].set(method, left - 1);
    failures += 1;
    // As the platform marks an error of a call that may be repeated, and one that code of the object threw, or passed on.
    throw Object.assign(new Error("a call was failed by a test"), {
      retryable: true,
      ...(how === "throw" && { remote: true }),
    });
  }
}

/** The same object, each method replaced. The platform's objects know themselves, not what stands before them. */
function through(object: object, instead: (name: string, method: Method) => Method): object {
  return new Proxy(object, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || typeof name !== "string") return value;
      return instead(name, (...args) => Reflect.apply(value, target, args));
    },
  });
}

function isNamespace(value: unknown): value is object {
  return typeof value === "object" && value !== null && "idFromName" in value;
}
