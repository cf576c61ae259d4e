/** The alarms of all objects. They outlive an object's memory, as those of the platform do. */

/** What an object's alarm is set for, by its own clock in milliseconds since 1970; null for none. */
export type Alarm = { at: number | null };

type Known = { binding: string; id: string; alarm: Alarm };

/** Every object that anybody has ever been given a stub of, or that has run, by its id. */
const known = new Map<string, Known>();

/** Remembers which binding an object is reached by, so that its alarm can be rung. */
export function see(binding: string, id: DurableObjectId): void {
  knownAs(String(id)).binding = binding;
}

/** The alarm of one object. */
export function alarmOf(id: DurableObjectId): Alarm {
  return knownAs(String(id)).alarm;
}

function knownAs(id: string): Known {
  const one = known.get(id) ?? { binding: "", id, alarm: { at: null } };
  known.set(id, one);
  return one;
}

/** When the next alarm of any object is due; infinity for never. */
export function nextAlarm(): number {
  return Math.min(...Array.from(known.values(), ({ alarm }) => alarm.at ?? Number.POSITIVE_INFINITY));
}

/** Rings all alarms that are due. Returns how many there were. */
export async function ringAll(env: object): Promise<number> {
  const due = [...known.values()].filter(({ alarm }) => alarm.at !== null && alarm.at <= Date.now());
  const rung = await Promise.all(
    due.map(async ({ binding, id }) => {
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
