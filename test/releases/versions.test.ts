/** The release before (old) beside this version (new): SDK, Worker and sidecar, each older or newer than the others (docs/updating.md). */
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import * as newSdk from "../../client/index.ts";
import type { Server } from "../../local/server.ts";
import { type Program, startProgram } from "../../measure/kit/program.ts";
import { keyOf, keyTextOf } from "../../measure/kit/secret.ts";
import { edgeSessionsOf } from "../../udp-sidecar/gateways/edge-sessions.ts";
import { Turns } from "../../udp-sidecar/gateways/turns.ts";
import {
  chat,
  type Deployment,
  newDeployment,
  oldSdk,
  oldSidecar,
  play,
  type Sdk,
  startDeployment,
} from "./a-release.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const open: { leave?(): Promise<void>; stop?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await (one.leave?.() ?? one.stop?.());
});

async function running(...args: Parameters<typeof startDeployment>): Promise<Server> {
  const server = await startDeployment(...args);
  open.push(server);
  return server;
}

/** Ada, whose game has one SDK, hosts a lobby. Bo, whose game has the other, joins it. */
async function pair({ url }: Server, adas: Sdk, bos: Sdk, wish: object = {}) {
  const ada = await (await adas.connect(url)).host({ name: "Ada", ...wish });
  open.push(ada);
  const bo = await (await bos.connect(url)).join(ada.code, { name: "Bo" });
  open.push(bo);
  return { ada, bo };
}

/** A sidecar as a program, without gateways unless the environment says otherwise. */
function startSidecarOf(program: string, server: Server, { secret }: Deployment): Program {
  const ports = ["--udpPort=0", "--secondUdpPort=0", "--metricsPort=off", "--host=127.0.0.1"];
  const key = keyTextOf("fra-1", { under: secret });
  const sidecar = startProgram(process.execPath, [program, `--edge=${server.url.origin}`, ...ports], {
    ORION_SIDECAR_KEY: key,
  });
  open.push(sidecar);
  return sidecar;
}

const sdks = { old: oldSdk, new: newSdk };

describe("with a new sidecar", () => {
  test.each([
    ["new", "old", "old"],
    ["new", "old", "new"],
    ["new", "new", "old"],
    ["old", "old", "old"],
    ["old", "new", "new"],
    ["old", "new", "old"],
  ] as const)(
    "on the %s Worker a host with the %s SDK and a guest with the %s one meet, chat and play, not encrypted",
    async (worker, adas, bos) => {
      const server = await running(worker);
      const { ada, bo } = await pair(server, sdks[adas], sdks[bos]);
      await chat(ada, bo, "Ready?");
      const links = await play(ada, bo);
      // The old SDK does not say.
      expect(links.map(({ encrypted = false }) => encrypted)).toEqual([false, false]);
      expect(links.map(({ path }) => path)).not.toContain("websocket");
    },
  );

  test("on the old Worker players of noray and Rabid wait, and the sidecar is told why", async () => {
    const deployment = newDeployment();
    const { url } = await running("old", deployment, null);
    const told: (string | undefined)[] = [];
    const elapsed = () => performance.now();
    const sessions = edgeSessionsOf({
      ...{
        edge: url,
        key: keyOf("fra-1", { under: deployment.secret }),
        dialect: "rabid",
        turns: new Turns(elapsed),
      },
      ...{ clock: Date.now, elapsed, told: (trouble) => told.push(trouble?.code) },
    });
    onTestFinished(() => sessions.stop());
    const wish = { name: "Ann", isPublic: false, maxMembers: 4 };
    const opened = sessions.host("203.0.113.7", "rabid:NiceRoom", wish, { forMs: 5_000 });
    await expect(opened).rejects.toMatchObject({ code: "unanswered" });
    // The sidecar logs it as gateways_not_served.
    expect(told).toContain("unexpected_answer");
  });
});

describe("with the old sidecar", () => {
  test.each([
    ["old", "old"],
    ["new", "new"],
    ["old", "new"],
  ] as const)(
    "on the new Worker a host with the %s SDK and a guest with the %s one play",
    async (adas, bos) => {
      const deployment = newDeployment();
      const server = await running("new", deployment, null);
      const sidecar = startSidecarOf(oldSidecar, server, deployment);
      await sidecar.prints(/"event":"sidecar_accepted"/);
      const { ada, bo } = await pair(server, sdks[adas], sdks[bos]);
      await play(ada, bo);
    },
  );
});

describe("what the release before cannot do", () => {
  test("a lobby that wants encryption refuses a player with the old SDK", async () => {
    const server = await running("new");
    const ada = await (await newSdk.connect(server.url)).host({ name: "Ada", encryption: "required" });
    open.push(ada);
    const bo = await oldSdk.connect(server.url);
    await expect(bo.join(ada.code, { name: "Bo" })).rejects.toMatchObject({ code: "encryption_required" });
  });

  test("a Worker of the release before cannot open a lobby that wants encryption: the new SDK refuses it", async () => {
    const server = await running("old");
    const orion = await newSdk.connect(server.url);
    await expect(orion.host({ name: "Ada", encryption: "required" })).rejects.toMatchObject({
      code: "no_encryption",
    });
  });

  test("without a sidecar, a lobby with a player who has the old SDK cannot start", async () => {
    const server = await running("new", newDeployment(), null);
    const { ada } = await pair(server, newSdk, oldSdk);
    await expect(ada.start()).rejects.toMatchObject({ code: "no_sidecar" });
  });
});
