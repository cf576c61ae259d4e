/** The Worker is updated under open lobbies, and put back to the release before (docs/updating.md). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { Lobby } from "../../client/index.ts";
import * as newSdk from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { freeTcpPort } from "../../measure/kit/free-ports.ts";
import { Player } from "../../measure/kit/player.ts";
import { names, next } from "../client/heard.ts";
import { chat, newDeployment, oldSdk, startDeployment } from "./a-release.ts";

/** Milliseconds after which a place waits for a player who loses the connection. */
const presentMs = 10_000;
const stays = { lifetime: "session", onHostLoss: "migrate", graceMs: 300_000, isPublic: true } as const;

test("lobbies that were opened before an update go on after it, and after a return to the version before", async () => {
  const persist = mkdtempSync(join(tmpdir(), "orion-edge-test-"));
  const deployment = newDeployment({ httpPort: await freeTcpPort(), persist });
  let server: Server | null = await startDeployment("old", deployment);
  const { url } = server;
  const [older, newer] = [await oldSdk.connect(url), await newSdk.connect(url)];
  const opened: Lobby[] = [];
  onTestFinished(async () => {
    await Promise.all(opened.map((lobby) => lobby.leave()));
    await server?.stop();
    rmSync(persist, { recursive: true, force: true });
  });
  /** Everybody's connection breaks, and everybody comes back by itself. */
  const changeTo = async (version: "old" | "new") => {
    await pass(presentMs);
    const back = opened.map((lobby) => next(lobby, "resumed"));
    await server?.stop();
    server = await startDeployment(version, deployment);
    await Promise.all(back);
  };

  const ada = await older.host({ name: "Ada", ...stays, data: { map: "dust" } });
  const bo = await newer.join(ada.code, { name: "Bo" });
  opened.push(ada, bo);
  await chat(ada, bo, "on the old version");

  await changeTo("new");
  await chat(ada, bo, "on the new version");
  expect([names(ada), names(bo)]).toEqual([
    ["Ada", "Bo"],
    ["Ada", "Bo"],
  ]);
  expect(bo.data).toEqual({ map: "dust" });
  expect((await newer.list()).lobbies).toMatchObject([{ code: ada.code, members: 2 }]);
  const cy = await (await newSdk.connect(url)).host({ name: "Cy", ...stays, encryption: "required" });
  const di = await (await newSdk.connect(url)).join(cy.code, { name: "Di" });
  opened.push(cy, di);

  await changeTo("old");
  await chat(bo, ada, "on the old version again");
  await chat(cy, di, "and in a lobby of the new one");
  const { lobbies } = await older.list();
  expect(lobbies.map(({ code }) => code).sort()).toEqual([ada.code, cy.code].sort());
  // The version before does not know that only clients that encrypt may come in.
  const ed = await Player.connect(url);
  expect((await ed.join(cy.code, "Ed")).status).toBe(200);
  await ed.leave();
  // Its players' clients do: they are linked to nobody with whom they cannot encrypt.
  const played = [cy.start(), di.started()].map((attempt) => attempt.catch(({ code }) => code));
  expect(await Promise.all(played)).toContain("not-encrypted");
}, 300_000);
