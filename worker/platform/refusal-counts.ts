/** Refusals that this isolate has not told the statistics yet, by their codes. A refusal costs no call. */

const untold = new Map<string, number>();
/** Events and codes together: more than there are. */
const most = 200;

/** `code`: of a refused request, perhaps several. The first of them says what it was. */
export function countRefusal(event: string, code: unknown): void {
  const [first = ""] = event === "request_refused" && typeof code === "string" ? code.split(" ") : [];
  const name = first === "" ? event : first;
  if (untold.has(name) || untold.size < most) untold.set(name, (untold.get(name) ?? 0) + 1);
}

export function hasUntoldRefusals(): boolean {
  return untold.size > 0;
}

/** All of them. They count as told from now on. */
export function takeRefusals(): Record<string, number> {
  const counts = Object.fromEntries(untold);
  untold.clear();
  return counts;
}
