/** `npx orion-edge-sidecar`: one sidecar, until it is told to stop. */
import { olderThan } from "../node-version.ts";

const sentence = olderThan(20, 19, "The sidecar");
if (sentence !== null) {
  console.error(sentence);
  process.exit(1);
}
await import("../../udp-sidecar/main.ts");
