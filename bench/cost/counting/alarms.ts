/** Rings the alarms of all objects there are. */

/** Every object that anybody has ever been given a stub of. */
const seen = new Map<string, { binding: string; id: string }>();

/** Remembers an object, so that its alarm can be rung. */
export function see(binding: string, id: DurableObjectId): void {
  seen.set(`${binding} ${id}`, { binding, id: String(id) });
}

/** Rings all alarms that are due. Returns how many there were. */
export async function ringAll(env: object): Promise<number> {
  const rung = await Promise.all(
    Array.from(seen.values(), async ({ binding, id }) => {
      const namespace: unknown = Reflect.get(env, binding);
      if (!isNamespace(namespace)) return false;
      const stub = namespace.get(namespace.idFromString(id));
      return "ringIfDue" in stub && typeof stub.ringIfDue === "function" && (await stub.ringIfDue()) === true;
    }),
  );
  return rung.filter(Boolean).length;
}

export function isNamespace(value: unknown): value is DurableObjectNamespace {
  return typeof value === "object" && value !== null && "idFromName" in value && "newUniqueId" in value;
}
