/** Signals of WebRTC by a real lobby: they are the SDK's, whoever sends them. */
import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../client/index.ts";
import { startTestServer } from "../../measure/kit/server.ts";

test("a game hears no signal that is for the SDK, and a stranger's offer does nothing", async () => {
  const server = await startTestServer({ udpPort: null });
  onTestFinished(() => server.stop());
  const orion = await connect(server.url);
  onTestFinished(() => orion[Symbol.asyncDispose]());
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const heard: unknown[] = [];
  ada.on("signal", ({ data }) => heard.push(data));
  const offer = { link: "0123456789ab", connection: 0, number: 0, kind: "offer", sdp: "v=0\r\n" };
  for (const data of [{ "orion-webrtc": offer }, { "orion-webrtc": null }, { "orion-webrtc": "x" }])
    await bo.signal(ada.clientId, data);
  await bo.signal(ada.clientId, { hello: 1 });
  await vi.waitFor(() => expect(heard).toEqual([{ hello: 1 }]));
});
