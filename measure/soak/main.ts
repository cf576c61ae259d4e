/** `npm run soak`: hundreds of players at random, faults at random, and every promise that shows from outside checked. */
import { randomInt } from "node:crypto";
import { help, readOptions } from "./options.ts";

const wish = readOptions(process.argv.slice(2), randomInt(1, 2 ** 32));
if (wish.kind === "help") {
  console.log(help);
} else if (wish.kind === "error") {
  console.error(`${wish.why} (--help tells all options)`);
  process.exitCode = 2;
} else {
  const { soak } = await import("./run.ts");
  const { seconds, players, seed } = wish.options;
  console.log(`${players} players for ${seconds} s, --seed ${seed}`);
  const { violation, figures } = await soak(wish.options, (line) => console.log(line));
  for (const line of figures) console.log(line);
  if (violation !== null) console.error(`\n${violation}\n\nTo repeat its decisions: --seed ${seed}`);
  process.exit(violation === null ? 0 : 1);
}
