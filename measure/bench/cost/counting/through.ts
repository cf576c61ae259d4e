type Method = (...args: unknown[]) => unknown;

/** The same object, each method replaced by what `instead` makes of it. What is no method stays as it is. */
export function through<T extends object>(object: T, instead: (name: string, method: Method) => Method): T {
  return new Proxy(object, {
    get: (target, name) => {
      // The platform's objects know themselves, not what stands before them.
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || typeof name !== "string") return value;
      return instead(name, (...args) => Reflect.apply(value, target, args));
    },
  });
}
