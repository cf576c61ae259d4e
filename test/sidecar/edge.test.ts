/** What an edge may answer a sidecar: whatever it is, the sidecar goes on. */
import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { keyOf } from "../../measure/kit/secret.ts";
import { connectEdge } from "../../udp-sidecar/edge.ts";

for (const length of [16_384, 16_385, 60_000, 1_000_000]) {
  test(`an answer of ${length} bytes, as a proxy's page of errors may be, ends nothing`, async () => {
    const server = createServer((_, response) => response.end("x".repeat(length))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const edge = connectEdge(new URL(`http://127.0.0.1:${address.port}`), keyOf());
    onTestFinished(() => {
      edge.close();
      server.close();
    });
    const reply = await edge.post("/sidecar/heartbeat", {});
    if (length <= 16_384) expect(reply).toEqual({ accepted: true, body: "x".repeat(length) });
    else expect(reply).toMatchObject({ accepted: false, why: { code: "too_long" } });
    // What went wrong late would end the process in the next turns.
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
}
