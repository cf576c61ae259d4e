/**
 * `npm version <version> --no-git-tag-version` calls it: writes the version of package.json, its one place, wherever a file has to have a copy.
 * `test/docs/versions.test.ts` holds that they are the same.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runOneOff } from "../local/one-off.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where copies are, and what stands around each. */
export const copies: { file: string; around: [before: string, after: string] }[] = [
  { file: "client/package.json", around: ['\n  "version": "', '"'] },
  { file: "client/README.md", around: ["orion-edge-client-", ".tgz"] },
  { file: "examples/node-bot/package.json", around: ["orion-edge-client-", ".tgz"] },
  { file: "examples/react-chat/package.json", around: ["orion-edge-client-", ".tgz"] },
  { file: "packages/conformance/README.md", around: ["orion-edge-conformance-", ".tgz"] },
  { file: "packages/server/README.md", around: ["orion-edge-", ".tgz"] },
  { file: "docs/writing-a-client.md", around: ["orion-edge-conformance-", ".tgz"] },
  { file: "docs/watching.md", around: ['"status":"ready","version":"', '"'] },
];

/** The versions that this file has in these places. */
export function versionsIn({ file, around }: (typeof copies)[number]): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(pattern(around))].map(([, version = ""]) => version);
}

function pattern([before, after]: [string, string]): RegExp {
  return new RegExp(`(?<=${escaped(before)})(\\d+\\.\\d+\\.\\d+)(?=${escaped(after)})`, "g");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const help = `Writes the version of package.json wherever a file has a copy. npm version calls it.

Usage: node packages/set-version.ts

  --help  This text
`;

if (import.meta.main) {
  await runOneOff({ help, options: { help: { type: "boolean" } } }, () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const { file, around } of copies) {
      const path = join(root, file);
      writeFileSync(path, readFileSync(path, "utf8").replace(pattern(around), version));
    }
  });
}
