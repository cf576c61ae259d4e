/** The Node.js that a package runs on. npm only warns about `engines`. */

/** The sentence for a Node.js that is older than this version, or null. */
export function olderThan(major: number, minor: number, program: string): string | null {
  const [hasMajor = 0, hasMinor = 0] = process.versions.node.split(".").map(Number);
  if (hasMajor > major || (hasMajor === major && hasMinor >= minor)) return null;
  return `${program} needs Node.js ${major}.${minor} or newer. This is ${process.versions.node}.`;
}
