/** One JSON object a line. Never a token, a secret or a player's address. */

export function logFault(what: string, details: Record<string, string | number> = {}, error?: unknown): void {
  console.error(
    JSON.stringify({
      level: "error",
      what,
      ...details,
      ...(error !== undefined && { error: reason(error) }),
    }),
  );
}

function reason(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
