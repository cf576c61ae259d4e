/** `npx orion-edge-conformance`: plays with somebody else's client, and says which rules it breaks. */
import { olderThan } from "../node-version.ts";

const sentence = olderThan(22, 13, "The conformance kit");
if (sentence !== null) {
  console.error(sentence);
  process.exit(2);
}
// Loaded only now: an older Node.js has no node:sqlite, and could not say why it fails.
await import("../../conformance/main.ts");
