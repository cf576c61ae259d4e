/** A sidecar starts its gateways, gives them what they need, tells how they are, and stops them. */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { gatewayLimits } from "../../../core/dialects/limits.ts";
import { startStandIn, takeAll } from "../../../measure/kit/edge.ts";
import { freeUdpPort } from "../../../measure/kit/free-ports.ts";

import { keyOf, tokenOf } from "../../../measure/kit/secret.ts";
import type { Gateway, GatewayContext } from "../../../udp-sidecar/gateways/gateway.ts";
import { type GatewayPlan, GatewayPortError } from "../../../udp-sidecar/gateways/start.ts";
import type { Line } from "../../../udp-sidecar/log.ts";
import { startSidecar } from "../../../udp-sidecar/sidecar.ts";
import { blocked, FakeEdge } from "./fake-edge.ts";

/** A gateway with one UDP port, that does nothing there. */
function plan(name: "rabid" | "noray", port = 0) {
  const given: GatewayContext[] = [];
  let stops = 0;
  const start = async (context: GatewayContext): Promise<Gateway> => {
    given.push(context);
    const socket = createSocket("udp4");
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening").catch((error: unknown) => {
      socket.close();
      throw error;
    });
    let isOpen = true;
    return {
      name,
      ports: { udp: socket.address().port },
      counts: { messages: { taken: 7, junk: 2 }, drops: { rate: 3 } },
      players: () => 5,
      relays: () => 4,
      stop: async () => {
        stops += 1;
        if (isOpen) socket.close();
        isOpen = false;
      },
    };
  };
  const ports = [{ kind: "UDP" as const, port, flag: `--${name}Port` }];
  const planned: GatewayPlan = { name, ports, start };
  return { planned, given, stops: () => stops };
}

async function startWith(
  plans: readonly GatewayPlan[],
  { edge, skipTaken = false, port = 0 } = {} as { edge?: URL; skipTaken?: boolean; port?: number },
) {
  const standIn = await startStandIn(takeAll);
  onTestFinished(standIn.stop);
  const lines: Line[] = [];
  const gateways = { plans, skipTaken, admission: gatewayLimits };
  const metrics = { port: 0, host: "127.0.0.1" };
  const options = { edge: edge ?? standIn.url, key: keyOf(), port, bind: "127.0.0.1", metrics, gateways };
  const sidecar = await startSidecar(options, (line) => lines.push(line));
  onTestFinished(sidecar.stop);
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${sidecar.metricsPort}${path}`);
    return { status: answer.status, text: (await answer.text()).trim() };
  };
  return { sidecar, standIn, lines, get };
}

/** A port that another program has. */
async function takenPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return socket.address().port;
}

test("a gateway gets the edge, the key, and a way to tell what it sees; it ends with the sidecar", async () => {
  const rabid = plan("rabid");
  const { sidecar, standIn } = await startWith([rabid.planned]);
  const [context] = rabid.given;
  expect(context).toMatchObject({ key: keyOf(), bind: "127.0.0.1", admission: gatewayLimits });
  expect(context?.edge.href).toBe(standIn.url.href);
  expect(sidecar.gateways.running.map(({ gateway }) => gateway.name)).toEqual(["rabid"]);
  const text = tokenOf("Ada");
  const clientId = text.split(".")[1] ?? "";
  context?.observe({ clientId, proof: { kind: "token", text }, ip: "203.0.113.7", port: 4_000 });
  await vi.waitFor(() =>
    expect(standIn.observed.flat()).toMatchObject([{ clientId, ip: "203.0.113.7", port: 4_000 }]),
  );
  await sidecar.stop();
  expect(rabid.stops()).toBe(1);
});

test("a sidecar that stops leaves the lobbies of its gateways", async () => {
  const edge = await FakeEdge.start();
  const rabid = plan("rabid");
  const { sidecar } = await startWith([rabid.planned], { edge: edge.url });
  const session = await rabid.given[0]?.sessions("rabid").join("203.0.113.7", "rabid:a", { name: "Bo" });
  await sidecar.stop();
  expect(session?.endReason).toBe("left");
  await vi.waitFor(() => expect(edge.open).toBe(0));
});

test("a port that another program has is told in one sentence, and nothing is left running", async () => {
  const taken = await takenPort();
  const port = await freeUdpPort();
  const [noray, rabid] = [plan("noray"), plan("rabid", taken)];
  const failure = await startWith([noray.planned, rabid.planned], { port }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(GatewayPortError);
  const { message, gateway, reason } = failure as GatewayPortError;
  expect([gateway, reason]).toEqual(["rabid", "EADDRINUSE"]);
  expect(message).toContain(String(taken));
  expect(message).toContain("--rabidPort");
  expect(message).toMatch(/^[^\n]+\.$/);
  expect(noray.stops()).toBe(1);
  // Its own ports are free again.
  const again = await startWith([], { port });
  expect(again.sidecar.port).toBe(port);
});

test("if the operator allows it the rest starts, and the log and the health say which does not", async () => {
  const taken = await takenPort();
  const [noray, rabid] = [plan("noray"), plan("rabid", taken)];
  const { sidecar, lines, get } = await startWith([rabid.planned, noray.planned], { skipTaken: true });
  await sidecar.known;
  expect(sidecar.gateways.skipped).toEqual(["rabid"]);
  expect(lines.filter(({ event }) => event === "gateway_not_started")).toMatchObject([
    { level: "error", gateway: "rabid", reason: "EADDRINUSE" },
  ]);
  expect(await get("/healthz")).toEqual({ status: 200, text: "ok" });
  expect(await get("/healthz/noray")).toEqual({ status: 200, text: "ok" });
  expect(await get("/healthz/rabid")).toEqual({ status: 503, text: "port_taken" });
  expect(await get("/healthz/groovejet")).toEqual({ status: 404, text: "off" });
});

test("settings of another server that change nothing here are named in the log", async () => {
  const lines: Line[] = [];
  const standIn = await startStandIn(takeAll);
  onTestFinished(standIn.stop);
  const gateways = { plans: [], skipTaken: false, admission: gatewayLimits, ignored: ["NORAY_A", "NORAY_B"] };
  const options = { edge: standIn.url, key: keyOf("b"), port: 0, bind: "127.0.0.1", gateways };
  const sidecar = await startSidecar(options, (line) => lines.push(line));
  onTestFinished(sidecar.stop);
  expect(lines[0]).toMatchObject({ event: "settings_ignored", sidecar: "b", names: "NORAY_A NORAY_B" });
});

test("a fault that is not about a port is not left out", async () => {
  const broken: GatewayPlan = { name: "rabid", ports: [], start: () => Promise.reject(new Error("ours")) };
  await expect(startWith([broken], { skipTaken: true })).rejects.toThrow("ours");
});

test("the metrics tell players, relays, messages, drops and sessions of each gateway", async () => {
  const edge = await FakeEdge.start();
  const [noray, rabid] = [plan("noray"), plan("rabid")];
  const { get } = await startWith([noray.planned, rabid.planned], { edge: edge.url });
  const sessions = rabid.given[0]?.sessions("rabid");
  await sessions?.join("203.0.113.7", "rabid:a", { name: "Bo" });
  edge.refusal = () => ({ status: 409, body: { errors: ["No."], codes: ["no_such_lobby"] } });
  await sessions?.join("203.0.113.7", "rabid:b", { name: "Bo" }).catch(() => {});
  const { text } = await get("/metrics");
  for (const line of [
    'orion_gateway_players{gateway="noray"} 5',
    'orion_gateway_relays{gateway="rabid"} 4',
    'orion_gateway_sessions{gateway="rabid"} 1',
    'orion_gateway_sessions{gateway="noray"} 0',
    'orion_gateway_sessions_opening{gateway="rabid"} 0',
    'orion_gateway_session_failures_total{gateway="rabid",code="no_such_lobby"} 1',
    'orion_gateway_messages_total{gateway="rabid",verdict="junk"} 2',
    'orion_gateway_drops_total{gateway="noray",cause="rate"} 3',
    "orion_gateways_held 0",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("while the edge does not serve the gateways, the health, the metrics and the log say so", async () => {
  const edge = await FakeEdge.start();
  const rabid = plan("rabid");
  const { get, lines, sidecar } = await startWith([rabid.planned], { edge: edge.url });
  await sidecar.known;
  edge.refusal = () => blocked;
  const joined = rabid.given[0]?.sessions("rabid").join("203.0.113.7", "rabid:a", { name: "Bo" });
  await vi.waitFor(async () =>
    expect(await get("/healthz/rabid")).toEqual({ status: 503, text: "not_served" }),
  );
  expect((await get("/metrics")).text).toContain("orion_gateways_held 1");
  expect(lines.at(-1)).toMatchObject({ level: "error", event: "gateways_not_served", status: 429 });
  edge.refusal = () => null;
  await joined;
  expect(await get("/healthz/rabid")).toEqual({ status: 200, text: "ok" });
  expect(lines.at(-1)).toMatchObject({ level: "info", event: "gateways_served" });
});
