/** What an edge may answer a sidecar: whatever it is, the sidecar goes on. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { keyOf } from "../../measure/kit/secret.ts";
import { connectEdge } from "../../udp-sidecar/edge.ts";

/** A sidecar's way to an edge that answers like this. */
async function anEdge(answers: RequestListener) {
  const server = createServer(answers).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const edge = connectEdge(new URL(`http://127.0.0.1:${address.port}`), keyOf());
  onTestFinished(() => {
    edge.close();
    server.close();
  });
  return edge;
}

for (const length of [16_384, 16_385, 60_000, 1_000_000]) {
  test(`an answer of ${length} bytes, as a proxy's page of errors may be, ends nothing`, async () => {
    const edge = await anEdge((_, response) => response.end("x".repeat(length)));
    const reply = await edge.post("/sidecar/heartbeat", {});
    if (length <= 16_384) expect(reply).toEqual({ accepted: true, body: "x".repeat(length) });
    else expect(reply).toMatchObject({ accepted: false, why: { code: "too_long" } });
    // What went wrong late would end the process in the next turns.
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
}

test("an edge that asks a sidecar to wait gets no more posts of that kind until then", async () => {
  // Time passes as the test says.
  let now = 5_000;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  const heard: string[] = [];
  let answer = { status: 429, headers: { "retry-after": "1" } as Record<string, string> };
  const edge = await anEdge(({ url = "" }, response) => {
    heard.push(url);
    response.writeHead(answer.status, answer.headers).end("{}");
  });
  for (let i = 0; i < 10; i++)
    expect(await edge.post("/sidecar/observations", {})).toEqual({
      accepted: false,
      why: { code: "status", status: 429 },
      isFinal: false,
    });
  expect(heard).toEqual(["/sidecar/observations"]);
  answer = { status: 200, headers: {} };
  expect((await edge.post("/sidecar/heartbeat", {})).accepted).toBe(true);
  now += 999;
  expect((await edge.post("/sidecar/observations", {})).accepted).toBe(false);
  expect(heard.length).toBe(2);
  now += 1;
  expect((await edge.post("/sidecar/observations", {})).accepted).toBe(true);
  expect(heard.length).toBe(3);
});
