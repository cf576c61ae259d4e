/** What `npm start` and the like say when npm has installed only what a deployment needs. */

/** The sentence for an error that a missing package caused, or null for any other error. */
export function missingPackage(error: unknown): string | null {
  const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
  const name = isMissing ? /Cannot find package '([^']+)'/.exec(error.message)?.[1] : undefined;
  return name === undefined ? null : missingSentence(name);
}

export function missingSentence(name: string): string {
  return `The package ${name} is not installed: npm left out the development packages. Run: npm ci --include=dev`;
}
