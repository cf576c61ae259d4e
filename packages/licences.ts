/** The licences of what a bundle has in it. Most ask that their text goes with every copy. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** One text, of the packages whose files are among `inputs`, and of `more`. Throws for a package that has no text of its licence. */
export function licencesOf(inputs: readonly string[], more: readonly string[] = []): string {
  const names = inputs.flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  const parts = [...new Set([...names, ...more])].sort().map(licenceOf);
  const unicode = readFileSync(join(root, "core/unicode-license.txt"), "utf8");
  return [...parts, `The table of characters that look alike, of Unicode\n\n${unicode.trim()}`]
    .join(`\n\n${"-".repeat(80)}\n\n`)
    .concat("\n");
}

function licenceOf(name: string): string {
  const folder = join(root, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined || !existsSync(join(folder, file))) throw new Error(`${name} has no licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
}
