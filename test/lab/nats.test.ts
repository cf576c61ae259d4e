/** That every way to the internet of the lab treats datagrams as it says, seen with raw sockets. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Access, accesses } from "../../measure/lab/access.ts";
import { namesOf } from "../../measure/lab/namespace.ts";
import { whyNoLab } from "../../measure/lab/requirement.ts";
import { openTopology, otherServerAddress, type Topology } from "../../measure/lab/topology.ts";
import { type Endpoint, type Probe, startProbe } from "./probe.ts";

const why = whyNoLab();
if (why !== null) console.warn(`Skipped: ${why}`);
const canRunLab = why === null;

const cones = ["full-cone", "port-restricted", "same-lan", "lossy"] as const satisfies Access[];
const perDestination = ["symmetric", "cgnat"] as const satisfies Access[];
/** Those that lose datagrams are asked again. */
const reliable = accesses.filter((access) => access !== "lossy" && access !== "udp-dropped");

describe.skipIf(!canRunLab)("the lab's ways to the internet", () => {
  let topology: Topology;
  /** Three destinations: they differ in port alone, and in address alone. */
  let server: Probe;
  let otherPort: Probe;
  beforeAll(async () => {
    topology = await openTopology();
    [server, otherPort] = await Promise.all([startProbe(topology.server), startProbe(topology.server)]);
  });
  afterAll(() => topology?.[Symbol.dispose]());

  /** The endpoint from which the server sees the player, after some datagrams if the first are lost. */
  async function seen(player: Probe, to: Endpoint, by: Probe, word: string): Promise<Endpoint> {
    for (let i = 0; i < 5; i += 1) player.send(to, word);
    return await by.hears(word);
  }
  const otherAddress = () => ({ address: otherServerAddress, port: server.own.port });

  for (const access of ["none", ...cones] as const) {
    for (const side of ["a", "b"] as const) {
      test(`${access} ${side} shows the same endpoint to every destination`, async () => {
        const player = await startProbe(topology.player(access, side));
        const word = `${access}-${side}`;
        const endpoint = await seen(player, server.own, server, `${word}-1`);
        expect(endpoint.port).toBe(player.own.port);
        expect(endpoint.address === player.own.address).toBe(access === "none");
        expect(await seen(player, otherPort.own, otherPort, `${word}-2`)).toEqual(endpoint);
        expect(await seen(player, otherAddress(), server, `${word}-3`)).toEqual(endpoint);
      });
    }
  }

  for (const access of perDestination) {
    for (const side of ["a", "b"] as const) {
      test(`${access} ${side} shows another port to every destination`, async () => {
        const player = await startProbe(topology.player(access, side));
        const word = `${access}-${side}`;
        const endpoints = [
          await seen(player, server.own, server, `${word}-1`),
          await seen(player, otherPort.own, otherPort, `${word}-2`),
          await seen(player, otherAddress(), server, `${word}-3`),
        ];
        expect(new Set(endpoints.map(({ address }) => address)).size).toBe(1);
        expect(new Set([player.own, ...endpoints].map(({ port }) => port)).size).toBe(4);
        // To the same destination, it is the same again.
        expect(await seen(player, server.own, server, `${word}-4`)).toEqual(endpoints[0]);
      });
    }
  }

  test("the two sides of an access are two NATs, and those of the same LAN are one", async () => {
    for (const access of reliable) {
      const players = await Promise.all([
        startProbe(topology.player(access, "a")),
        startProbe(topology.player(access, "b")),
      ]);
      const [a, b] = [
        await seen(players[0], server.own, server, `${access}-a-5`),
        await seen(players[1], server.own, server, `${access}-b-5`),
      ];
      expect(a.address === b.address, access).toBe(access === "same-lan");
    }
  });

  for (const access of ["port-restricted", "same-lan", "symmetric", "cgnat"] as const) {
    test(`${access} lets in only those that were sent to, by address and by port`, async () => {
      const player = await startProbe(topology.player(access, "a"));
      const endpoint = await seen(player, server.own, server, `${access}-6`);
      otherPort.send(endpoint, "from another port");
      server.send(endpoint, "from where it was sent to");
      await player.hears("from where it was sent to");
      expect(player.texts()).not.toContain("from another port");
    });
  }

  for (const access of ["none", "full-cone"] as const) {
    test(`${access} lets in whoever knows the endpoint`, async () => {
      const player = await startProbe(topology.player(access, "a"));
      const endpoint = await seen(player, server.own, server, `${access}-6`);
      otherPort.send(endpoint, "from another port");
      await player.hears("from another port");
      const stranger = await startProbe(topology.player("none", "b"));
      stranger.send(endpoint, "from another address");
      await player.hears("from another address");
      player.send(stranger.own, "an answer");
      expect(await stranger.hears("an answer")).toEqual(endpoint);
    });
  }

  test("a full cone lets nobody in at a port that it has not given to a player", async () => {
    const player = await startProbe(topology.player("full-cone", "a"));
    const silent = await startProbe(topology.player("full-cone", "a"));
    const { address } = await seen(player, server.own, server, "full-cone-7");
    server.send({ address, port: silent.own.port }, "unasked");
    server.send({ address, port: player.own.port }, "asked");
    await player.hears("asked");
    silent.send(server.own, "echo now it has");
    await silent.hears("now it has");
    expect(silent.texts()).toEqual(["now it has"]);
  });

  for (const access of cones) {
    test(`${access} gives a peer the same endpoint after the peer's early datagram`, async () => {
      const player = await startProbe(topology.player(access, "a"));
      const endpoint = await seen(player, server.own, server, `${access}-8`);
      for (let i = 0; i < 5; i += 1) otherPort.send(endpoint, "early");
      server.send(endpoint, "echo fence");
      expect(await seen(player, otherPort.own, otherPort, `${access}-9`)).toEqual(endpoint);
    });
  }

  test("two of the same LAN reach each other by their private endpoints, and not by their public ones", async () => {
    const [a, b] = await Promise.all([
      startProbe(topology.player("same-lan", "a")),
      startProbe(topology.player("same-lan", "b")),
    ]);
    await seen(a, server.own, server, "same-lan-a-10");
    const endpoint = await seen(b, server.own, server, "same-lan-b-10");
    b.send(await server.hears("same-lan-a-10"), "a hole from within");
    a.send(endpoint, "by its public endpoint");
    a.send(b.own, "by its private endpoint");
    expect(await b.hears("by its private endpoint")).toEqual(a.own);
    expect(b.texts()).not.toContain("by its public endpoint");
  });

  for (const side of ["a", "b"] as const) {
    test(`udp-dropped ${side} lets TCP through, and no datagram`, async () => {
      const player = await startProbe(topology.player("udp-dropped", side));
      player.send(server.own, `udp-dropped-${side}`);
      await player.fetches(server.own);
      expect(server.texts()).not.toContain(`udp-dropped-${side}`);
    });
  }

  test("what is sent to a private address of another home gets nowhere", async () => {
    const player = await startProbe(topology.player("port-restricted", "a"));
    const other = await startProbe(topology.player("full-cone", "b"));
    player.send(other.own, "to a neighbour that is none");
    player.send({ address: "10.9.9.9", port: other.own.port }, "to nobody");
    player.send(server.own, "echo fence");
    await player.hears("fence");
    expect(other.texts()).toEqual([]);
  });

  test("a lossy uplink takes 40 ms a round trip, and loses some datagrams of a hundred", async () => {
    const player = await startProbe(topology.player("lossy", "a"));
    const rounds = 400;
    // Not all at once: a busy machine's sockets would lose some too.
    for (let i = 0; i < rounds; i += 1) {
      player.send(server.own, `echo ${i}`);
      if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const began = performance.now();
    await seen(player, server.own, server, "lossy-11");
    for (let i = 0; i < 5; i += 1) player.send(server.own, "echo fence");
    await player.hears("fence");
    expect(performance.now() - began).toBeGreaterThan(40);
    const lost = rounds - player.texts().filter((text) => text !== "fence").length;
    // 4 in 100 on average, of both ways: outside of this once in many millions of runs.
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(48);
  });
});

describe.skipIf(!canRunLab)("a topology", () => {
  test("adds a delay to everybody's round trips if it is told to", async () => {
    using topology = await openTopology({ only: ["none", "port-restricted", "cgnat"], delayMs: 40 });
    const server = await startProbe(topology.server);
    for (const access of ["none", "port-restricted", "cgnat"] as const) {
      const player = await startProbe(topology.player(access, "b"));
      // A busy machine makes some of them later.
      let fastestMs = Number.POSITIVE_INFINITY;
      for (let nr = 0; nr < 5; nr++) {
        const began = performance.now();
        player.send(server.own, `echo back ${nr}`);
        await player.hears(`back ${nr}`);
        fastestMs = Math.min(fastestMs, performance.now() - began);
      }
      expect(fastestMs, access).toBeGreaterThan(40);
      expect(fastestMs, access).toBeLessThan(120);
      await player.fetches(server.own);
    }
  });

  test("leaves no namespace behind, and does not know the players that it was made without", async () => {
    const before = namesOf("orion-lab-");
    {
      using topology = await openTopology({ only: ["symmetric"] });
      expect(namesOf("orion-lab-").length).toBeGreaterThan(before.length);
      expect(() => topology.player("cgnat", "a")).toThrow("no player with cgnat");
    }
    expect(namesOf("orion-lab-")).toEqual(before);
  });

  test("has players with two uplinks, whose address changes as they move", async () => {
    const roamers = [{ name: "phone", from: "port-restricted", to: "cgnat" } as const];
    using topology = await openTopology({ only: [], roamers });
    const server = await startProbe(topology.server);
    const phone = topology.roamer("phone");
    const player = await startProbe(phone);
    const seen = async (word: string) => {
      player.send(server.own, word);
      return (await server.hears(word)).address;
    };
    const atHome = await seen("at home");
    phone.move();
    const outside = await seen("outside");
    phone.comeBack();
    expect(outside).not.toBe(atHome);
    expect(await seen("at home again")).toBe(atHome);
    expect(() => topology.roamer("laptop")).toThrow("no player laptop");
  });

  test("has homes with troubles of their own: times in which nothing gets through", async () => {
    const troubles = { delayMs: 20, lossPercent: 0, jitterMs: 10, gaps: { everyMs: 400, forMs: 400 } };
    const nats = [{ mapping: "endpoint-independent", filtering: "by-endpoint", udp: true } as const];
    using topology = await openTopology({ only: [], homes: [{ name: "attic", nats, troubles }] });
    const server = await startProbe(topology.server);
    const player = await startProbe(topology.resident("attic"));
    // ARP asks once a second, so it may be in a gap several times.
    const isThrough = () => {
      player.send(server.own, "0");
      expect(server.texts()).not.toEqual([]);
    };
    await vi.waitFor(isThrough, { timeout: 20_000, interval: 50 });
    for (let nr = 1; nr < 250; nr += 1) {
      player.send(server.own, `${nr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const heard = server.texts().map(Number);
    expect(new Set(heard).size).toBeLessThan(230);
    expect(heard).toEqual(heard.toSorted((one, other) => one - other));
    const lost = Array.from({ length: 250 }, (_, nr) => (heard.includes(nr) ? " " : "x")).join("");
    expect(lost).toMatch(/x{10}/);
  });
});
