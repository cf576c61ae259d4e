/** A sidecar that dies while the server still sends players to it. */

import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../client/index.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { keyOf, keyTextOf, secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";

test("players whose sidecar has died are seen by another, and linked, before they take UDP for blocked", async () => {
  const server = await startTestServer({ udpPort: null, secret });
  onTestFinished(() => server.stop());
  const port = await freeUdpPort();
  const program = startProgram("node", ["udp-sidecar/main.ts", "--udpPort", String(port)], {
    ORION_EDGE: server.url.href,
    ORION_SIDECAR_KEY: keyTextOf("dies"),
  });
  await program.prints(/sidecar_accepted/);
  // Without a goodbye: the server takes it for alive.
  process.kill(program.pid, "SIGKILL");
  await program.ended;
  const orion = await connect(server.url);
  const ada = await orion.host({ name: "Ada" });
  const bo = await orion.join(ada.code, { name: "Bo" });
  const links = Promise.all([ada.start(), bo.started()]);
  const other = await startSidecar({ edge: server.url, key: keyOf("other"), port: 0 }, noteTold);
  onTestFinished(() => other.stop());
  await other.known;
  expect((await links).flat().map(({ peer }) => peer.name)).toEqual(["Bo", "Ada"]);
  await Promise.all((await links).flat().map((link) => link.close()));
});
