/** STUN at the sidecar's two ports, over real UDP: pages find out where others reach them, and nobody else is any the worse for it. */
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { gatewayLimits } from "../../core/dialects/limits.ts";
import { plainAddress } from "../../core/endpoint.ts";
import { mappedEndpoint, stunRequest } from "../../deploy/check/stun.ts";
import { type StandIn, startStandIn } from "../../measure/kit/edge.ts";
import { openUdpClient, type UdpClient } from "../../measure/kit/relay.ts";
import { datagramOf, keyOf, tokenOf } from "../../measure/kit/secret.ts";
import { listen, type Receiver } from "../../udp-sidecar/receiver.ts";
import { type Sidecar, startSidecar } from "../../udp-sidecar/sidecar.ts";

const soon = { interval: 1 };
const hasV6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === "::1");

describe("at a sidecar", () => {
  const cleanUps: (() => Promise<unknown> | unknown)[] = [];
  let edge: StandIn;
  let sidecar: Sidecar;
  beforeEach(async () => {
    edge = await startStandIn();
    sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0 }, () => {});
    cleanUps.push(edge.stop, sidecar.stop);
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  const client = async (address?: string): Promise<UdpClient> => {
    const opened = await openUdpClient(address);
    cleanUps.push(opened.close);
    return opened;
  };

  test("both ports tell a page where it comes from, over IPv4 and IPv6", async ({ skip }) => {
    for (const address of ["127.0.0.1", "::1"]) {
      if (address === "::1" && !hasV6) skip("the machine has no IPv6");
      const page = await client(address);
      for (const port of [sidecar.port, sidecar.secondPort]) {
        const request = stunRequest();
        await page.send(request, port);
        const answer = await page.next();
        expect(mappedEndpoint(request, answer)).toEqual({ ip: address, port: page.port });
      }
    }
  });

  test("the edge hears that they do, and of no player that asked", async () => {
    const page = await client();
    await page.send(stunRequest(), sidecar.port);
    await page.next();
    await sidecar.known;
    expect(edge.beats[0]).toMatchObject({ stun: true });
    expect(sidecar.counts).toEqual({ observed: 0, junk: 0, forged: 0, dropped: 0 });
    expect(edge.observed).toEqual([]);
  });

  test("Orion's datagrams from the same socket are seen all the same, and not answered", async () => {
    const page = await client();
    await page.send(datagramOf(tokenOf("Ada")), sidecar.port);
    await page.send(stunRequest(), sidecar.port);
    await page.next();
    await vi.waitFor(() => expect(edge.observed.flat()).toHaveLength(1), soon);
    expect(page.heard).toHaveLength(1);
  });

  test("answers that come to a port, and STUN that is no question, are junk and hear nothing", async () => {
    const page = await client();
    const request = stunRequest();
    await page.send(request, sidecar.port);
    const answer = await page.next();
    await page.send(answer, sidecar.port);
    const indication = Buffer.from(request);
    indication.writeUInt16BE(0x0011, 0);
    await page.send(indication, sidecar.secondPort);
    await vi.waitFor(() => expect(sidecar.counts.junk).toBe(2), soon);
    expect(page.heard).toHaveLength(1);
  });
});

describe("whoever asks at speed", () => {
  let now = 0;
  let receiver: Receiver;
  const clients: UdpClient[] = [];
  beforeEach(async () => {
    now = 1_000;
    receiver = await listen(
      {
        ...{ key: keyOf(), ports: { first: 0, second: 0 }, bind: undefined, addresses: () => [] },
        ...{ clock: Date.now, elapsed: () => now },
      },
      () => true,
    );
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await receiver.close();
  });
  const comes = async (address: string) => {
    const client = await openUdpClient(address);
    clients.push(client);
    return client;
  };
  const answerBytes = 32;
  /** So many questions, a few at a time. Done when all were looked at. */
  const asks = async (client: UdpClient, count: number, port = receiver.ports.first) => {
    const name = port === receiver.ports.first ? "first" : "second";
    const looked = () => receiver.counts[name].stun + receiver.counts[name].unanswered;
    for (let i = 0; i < count; i += 50) {
      const before = looked();
      const some = Math.min(50, count - i);
      for (let j = 0; j < some; j++) await client.send(stunRequest(), port);
      await vi.waitFor(() => expect(looked()).toBe(before + some), soon);
    }
  };

  test("gets what one address may have in a second at each port, and the next second as much again", async () => {
    const page = await comes("127.0.0.1");
    const most = Math.floor(gatewayLimits.answerBytesToAddress / answerBytes);
    await asks(page, 200);
    expect(receiver.counts.first).toMatchObject({ stun: most, unanswered: 200 - most });
    await asks(page, 1, receiver.ports.second);
    expect(receiver.counts.second.stun).toBe(1);
    now += 1_000;
    await asks(page, 200);
    expect(receiver.counts.first.stun).toBe(2 * most);
    await vi.waitFor(() => expect(page.heard).toHaveLength(2 * most + 1), soon);
    expect(page.heard.every(({ length }) => length === answerBytes)).toBe(true);
  });

  test("from many addresses gets what one port may send in a second, and a neighbour waits for the next", async ({
    skip,
  }) => {
    if (process.platform !== "linux") skip("127.0.0.2 is an address on Linux alone");
    const perAddress = Math.floor(gatewayLimits.answerBytesToAddress / answerBytes);
    const addresses = Math.ceil(gatewayLimits.answerBytesFromPort / answerBytes / perAddress) + 5;
    for (let i = 0; i < addresses; i++) {
      const client = await comes(`127.0.${2 + (i >> 7)}.${1 + (i & 127)}`);
      await asks(client, perAddress);
    }
    const bytes = receiver.counts.first.stun * answerBytes;
    expect(bytes).toBeLessThanOrEqual(gatewayLimits.answerBytesFromPort);
    expect(bytes).toBeGreaterThan(gatewayLimits.answerBytesFromPort - answerBytes);
    const late = await comes("127.0.0.1");
    await asks(late, 1);
    expect(late.heard).toHaveLength(0);
    now += 1_000;
    const request = stunRequest();
    await late.send(request, receiver.ports.first);
    expect(mappedEndpoint(request, await late.next())?.ip).toBe(plainAddress("127.0.0.1"));
  });

  test("hears nothing while the sidecar stops", async () => {
    const page = await comes("127.0.0.1");
    receiver.leave();
    await page.send(stunRequest(), receiver.ports.first);
    await vi.waitFor(() => expect(receiver.counts.first.dropped).toBe(1), soon);
    expect(page.heard).toEqual([]);
  });
});
