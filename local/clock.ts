/** The same as in wrangler.toml. */
export const compatibilityDate = "2026-10-01";

/** What is wrong with this machine's clock, in one sentence, or null. workerd does not start before that date. */
export function clockMistake(now: number): string | null {
  if (now >= Date.parse(compatibilityDate)) return null;
  const today = new Date(now).toISOString().slice(0, 10);
  return `The clock of this machine says ${today}, but Orion Edge needs ${compatibilityDate} or later. Set the clock.`;
}
