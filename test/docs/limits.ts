/** docs/limits.md, made from core/limits.ts: every bound with its reason, as it stands there. */
import { readFileSync } from "node:fs";
import { limits } from "../../core/limits.ts";

const head = `# Limits

Every bound of the service, with its unit and its reason. This page is made from \`core/limits.ts\`. After a change there, run
\`npx vitest run test/docs/promises.test.ts -u\`. What a client meets of them is in [protocol.md](protocol.md#limits) and
[links.md](links.md#limits), what a server asks of its operator in
[running-locally.md](running-locally.md#a-server-that-strangers-can-reach).

| limit | value | reason |
| --- | --- | --- |
`;

export function limitsPage(): string {
  const source = readFileSync(new URL("../../core/limits.ts", import.meta.url), "utf8");
  const reasons = new Map(
    [...source.matchAll(/\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*(\w+):/g)].map(
      ([, reason = "", name = ""]) => [name, reason.replace(/\s*\n\s*\*?\s*/g, " ")],
    ),
  );
  const rows = Object.entries(limits).map(([name, value]) => {
    const text = [value].flat().map((each) => each.toLocaleString("en").replaceAll(",", " "));
    return `| \`${name}\` | ${text.join(", ")} | ${(reasons.get(name) ?? "").replaceAll("|", "\\|")} |`;
  });
  return `${head}${rows.join("\n")}\n`;
}
