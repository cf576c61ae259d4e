/** `npx orion-edge`: the server. After the word `demo`: three players who meet on one. */
import { olderThan } from "../node-version.ts";

const sentence = olderThan(22, 13, "Orion Edge");
if (sentence !== null) {
  console.error(sentence);
  process.exit(1);
}
// Loaded only now: an older Node.js has no node:sqlite, and could not say why it fails.
if (process.argv[2] === "demo") {
  process.argv.splice(2, 1);
  await import("../../local/demo.ts");
} else {
  await import("../../local/start.ts");
}
