/** A player that hides its addresses, and a server that would not keep them. */
import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../client/index.ts";
import { Player } from "../../measure/kit/player.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { handmadeServer } from "./handmade-server.ts";
import { expectError, next } from "./heard.ts";

test("a player that joins as relay-only is linked by the relay alone, and the others as ever", async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const orion = await connect(server.url);
  const ada = await orion.host({ name: "Ada", isPublic: true });
  const bo = await orion.join(ada.code, { name: "Bo", privacy: "relay-only" });
  const cy = await orion.join(ada.code, { name: "Cy" });
  expect([ada, bo, cy].map(({ privacy }) => privacy)).toEqual(["open", "open", "open"]);
  expect((await orion.list()).lobbies).toMatchObject([{ code: ada.code, privacy: "open" }]);
  const introduced = [ada, bo].map((player) => next(player, "introduced"));
  const [hers, his, cys] = await Promise.all([ada.start(), bo.started(), cy.started()]);
  expect(hers.map(({ peer }) => peer.name)).toEqual(["Bo", "Cy"]);
  // The relay over WebSocket may be the first that is usable.
  await vi.waitFor(() => expect([hers[0]?.path, his[0]?.path]).toEqual(["relay", "relay"]));
  const [toAda, toBo] = await Promise.all(introduced);
  const hidden = { endpoint: null, ports: [], candidates: [] };
  expect(toAda?.peers[0]).toMatchObject(hidden);
  expect(toAda?.peers[1]?.endpoint).not.toBeNull();
  expect(toBo?.peers).toMatchObject([{ name: "Ada", ...hidden }]);
  await Promise.all([...hers, ...his, ...cys].map((link) => link.close()));
});

test("a player that wants to hide does not stay with a server that does not know how", async () => {
  const { url, said } = await handmadeServer();
  const orion = await connect(url);
  await expectError(orion.join("AAAAA", { name: "Bo", privacy: "relay-only" }), "no_privacy");
  await expectError(orion.host({ name: "Ada", privacy: "relay-only" }), "no_privacy");
  const bo = await orion.join("AAAAA", { name: "Bo" });
  expect(bo.privacy).toBeNull();
  expect(said.filter(({ method }) => method.startsWith("ptpMediation"))).toEqual([]);
  await bo.leave();
});

test("a lobby that takes only clients that encrypt refuses all others", async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const orion = await connect(server.url);
  await using ada = await orion.host({ name: "Ada", encryption: "required" });
  await using bo = await orion.join(ada.code, { name: "Bo" });
  expect(bo.members).toHaveLength(2);
  const plain = await Player.connect(server.url);
  expect(await plain.join(ada.code, "Cy")).toMatchObject({
    status: 403,
    body: { codes: ["encryption_required"] },
  });
});

test("a server that does not know such lobbies opens none", async () => {
  const { url } = await handmadeServer();
  const orion = await connect(url);
  await expectError(orion.host({ name: "Ada", encryption: "required" }), "no_encryption");
});
