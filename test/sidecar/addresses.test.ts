/** A machine with several addresses: a player hears a sidecar from the address that it sends to. Real UDP, on Linux's 127/8. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect as connectOrion } from "../../client/index.ts";
import { startStandIn } from "../../measure/kit/edge.ts";
import { freeUdpPort } from "../../measure/kit/free-ports.ts";
import { startProgram } from "../../measure/kit/program.ts";
import { holderOf, openUdpClient, verified } from "../../measure/kit/relay.ts";
import { cookieOf, keyOf, keyTextOf, passOf, secret, signedOf, ticketOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { newRelayCounts } from "../../udp-sidecar/counts.ts";
import { sidecarLimits } from "../../udp-sidecar/limits.ts";
import type { Line } from "../../udp-sidecar/log.ts";
import { listen, type ReceiverOptions } from "../../udp-sidecar/receiver.ts";
import { type SidecarOptions, startSidecar } from "../../udp-sidecar/sidecar.ts";
import { Unproven } from "../../udp-sidecar/unproven.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
/** Heartbeats that are not taken come 10 s apart at last. */
const soon = { timeout: 45_000, interval: 5 };

async function sidecarWith(options: Partial<SidecarOptions> = {}, tell: (line: Line) => void = noteTold) {
  const edge = await startStandIn();
  cleanUps.push(edge.stop);
  const sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0, ...options }, tell);
  cleanUps.push(sidecar.stop);
  return { edge, sidecar };
}

/** A client of one port, whose socket hears nobody but the one address and port, as behind most routers. */
async function clientOf(server: string, ip = "127.0.0.1") {
  const heard: Buffer[] = [];
  let taken = 0;
  const socket: Socket = createSocket(ip.includes(":") ? "udp6" : "udp4");
  socket.on("message", (datagram) => heard.push(datagram));
  socket.on("error", () => {});
  socket.bind(0, ip);
  await once(socket, "listening");
  cleanUps.push(() => socket.close());
  let isConnected = false;
  return {
    ip,
    heard,
    port: socket.address().port,
    send: async (datagram: string | Uint8Array, port: number) => {
      if (!isConnected) {
        socket.connect(port, server);
        await once(socket, "connect");
        isConnected = true;
      }
      await new Promise<void>((resolve, reject) =>
        socket.send(datagram, (error) => (error ? reject(error) : resolve())),
      );
    },
    next: async () => {
      await vi.waitFor(() => expect(heard.length).toBeGreaterThan(taken), soon);
      return heard[taken++] ?? Buffer.alloc(0);
    },
    close: () => {},
  };
}

/** One for all: a pass has whole seconds, and its key is another when it expires later. */
const expiresAt = Date.now() + 3_600_000;

function probeOf(name: string, about: object = {}): string {
  const { pass, key } = passOf(name, { expiresAt });
  const payload = { pass, nonce: "nonce-12", candidates: [], pad: ".".repeat(60), ...about };
  return signedOf(key, "ptpMediation_probe", payload);
}

/** Sends a probe, and tells what it is answered. */
async function ask(client: Awaited<ReturnType<typeof clientOf>>, port: number) {
  await client.send(probeOf("Ada"), port);
  return verified(passOf("Ada", { expiresAt }).key, await client.next()).payload;
}

/** An address of this machine that other machines see, if it has one. */
const outer = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

describe("players whom the answers do not reach", () => {
  /** A sidecar whose edge takes nothing, so that it speaks to its operator soon, again and again. */
  async function unheard() {
    const edge = await startStandIn((_, response) => response.writeHead(503).end());
    cleanUps.push(edge.stop);
    let now = 0;
    const told: Line[] = [];
    const metrics = { port: 0, host: "127.0.0.1" };
    const options = { edge: edge.url, key: keyOf(), port: 0, metrics, elapsed: () => now };
    const sidecar = await startSidecar(options, (line) => told.push(line));
    cleanUps.push(sidecar.stop);
    const client = await openUdpClient();
    cleanUps.push(client.close);
    const text = async () => await (await fetch(`http://127.0.0.1:${sidecar.metricsPort}/metrics`)).text();
    let sent = 0;
    return {
      later: (ms: number) => {
        now += ms;
      },
      /** Sends so many probes, and waits until they have been looked at. */
      probes: async (name: string, count: number, about: object = {}) => {
        for (let i = 0; i < count; i++) {
          await client.send(probeOf(name, about), sidecar.port);
          sent += 1;
          await vi.waitFor(() => expect(client.heard).toHaveLength(sent), soon);
        }
      },
      proves: { cookie: cookieOf("127.0.0.1", client.port) },
      /** Waits until the sidecar has had an occasion to speak. */
      speaks: async () => {
        const beats = edge.beats.length;
        await vi.waitFor(() => expect(edge.beats.length).toBeGreaterThan(beats + 1), soon);
      },
      count: async () => Number(/^orion_unproven_clients (\d+)$/m.exec(await text())?.[1]),
      lines: () => told.filter(({ event }) => event === "answers_not_reaching_players"),
    };
  }

  test("are counted, and their operator gets one line that says what it probably is", async () => {
    const { probes, later, count, lines, speaks } = await unheard();
    for (const name of ["Ada", "Bob"]) await probes(name, sidecarLimits.unprovenProbes);
    expect(await count()).toBe(0);
    later(sidecarLimits.unprovenMs);
    expect(await count()).toBe(2);
    await vi.waitFor(() => expect(lines()).toHaveLength(1), soon);
    expect(lines()[0]).toEqual({
      ...{ level: "error", event: "answers_not_reaching_players", sidecar: "test" },
      ...{ clients: 2, seconds: sidecarLimits.unprovenMs / 1000, why: expect.stringContaining("--host") },
    });
    await probes("Cy", sidecarLimits.unprovenProbes);
    await speaks();
    expect(lines()).toHaveLength(1);
    later(sidecarLimits.unprovenLineMs);
    for (const name of ["Ada", "Bob"]) await probes(name, sidecarLimits.unprovenProbes);
    later(sidecarLimits.unprovenMs);
    await vi.waitFor(() => expect(lines()).toHaveLength(2), soon);
  });

  test("are none when one client is reached, nor when one client alone is not, nor after a few probes", async () => {
    const { probes, proves, later, count, lines, speaks } = await unheard();
    for (const name of ["Ada", "Bob"]) await probes(name, sidecarLimits.unprovenProbes);
    await probes("Cy", 1, proves);
    later(sidecarLimits.unprovenMs);
    expect(await count()).toBe(0);
    await probes("Ada", 3 * sidecarLimits.unprovenProbes);
    for (const name of ["Bob", "Dan"]) await probes(name, sidecarLimits.unprovenProbes - 1);
    later(sidecarLimits.unprovenMs);
    expect(await count()).toBe(1);
    // Somebody repeats one probe all day.
    for (let time = 0; time < 5; time++) {
      await probes("Ada", sidecarLimits.unprovenProbes);
      later(sidecarLimits.unprovenKeptMs + 1);
    }
    expect(await count()).toBe(0);
    await speaks();
    expect(lines()).toEqual([]);
  });

  test("take little memory, however many a stranger has", () => {
    const unproven = new Unproven();
    for (let client = 0; client < 1_000; client++) {
      for (let probe = 0; probe < sidecarLimits.unprovenProbes; probe++)
        unproven.challenged(`client ${client}`, 0);
    }
    expect(unproven.count(sidecarLimits.unprovenMs)).toBe(sidecarLimits.unprovenClients);
  });
});

describe.skipIf(process.platform !== "linux")("on a machine with several addresses", () => {
  test("a player is answered from the address that it sent to, at both ports", async () => {
    const { sidecar } = await sidecarWith({ publicHost: "127.0.0.2" });
    for (const address of ["127.0.0.2", "127.0.0.1"]) {
      for (const port of [sidecar.port, sidecar.secondPort]) {
        const client = await clientOf(address);
        expect(await ask(client, port)).toMatchObject({ ip: "127.0.0.1", port: client.port });
      }
    }
    const six = await clientOf("::1", "::1");
    expect(await ask(six, sidecar.port)).toMatchObject({ ip: "::1", port: six.port });
  });

  test.skipIf(outer === undefined)("this needs no option where the system lists the address", async () => {
    const { sidecar } = await sidecarWith();
    const client = await clientOf("127.0.0.1", outer);
    expect(await ask(client, sidecar.port)).toMatchObject({ ip: outer, port: client.port });
    const back = await clientOf(outer ?? "", "127.0.0.1");
    expect(await ask(back, sidecar.port)).toMatchObject({ ip: "127.0.0.1", port: back.port });
  });

  test("the relay speaks to each end from the address that this end sent to", async () => {
    const { sidecar } = await sidecarWith({ publicHost: "127.0.0.2" });
    const relay = () => sidecar.port;
    const ada = holderOf(await clientOf("127.0.0.2"), ticketOf("a"), relay);
    const bob = holderOf(await clientOf("127.0.0.1"), ticketOf("b"), relay);
    expect(await ada.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: false } });
    expect(await bob.bind()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
    expect(await ada.word()).toMatchObject({ method: "ptpRelay_bound", payload: { peer: true } });
    for (const [from, to] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      await from.say("hello");
      expect((await to.next()).subarray(7).toString()).toBe("hello");
    }
    const stopped = sidecar.stop();
    for (const end of [ada, bob]) {
      expect(await end.word()).toMatchObject({ method: "ptpRelay_notice", payload: { code: "leaving" } });
    }
    await stopped;
  });

  test("players of the SDK are connected at a public address that is not the machine's first", async () => {
    const vars = { sidecarHosts: "test=127.0.0.2" };
    const server = await startTestServer({ udpPort: null, secret, vars });
    cleanUps.push(server.stop);
    const wish = { edge: server.url, key: keyOf(), port: 0, publicHost: "127.0.0.2" };
    const sidecar = await startSidecar(wish, noteTold);
    cleanUps.push(sidecar.stop);
    await sidecar.known;
    const orion = await connectOrion(server.url);
    const ada = await orion.host({ name: "Ada" });
    const bo = await orion.join(ada.code, { name: "Bo" });
    const [[link]] = await Promise.all([ada.start(), bo.started()]);
    expect(link?.peer.name).toBe("Bo");
    await Promise.all([ada.leave(), bo.leave()]);
  });

  test("a second sidecar on the same port does not start, and says why", async () => {
    const { sidecar } = await sidecarWith({ publicHost: "127.0.0.2" });
    const edge = "https://edge.example";
    const environment = { ORION_SIDECAR_KEY: keyTextOf(), ORION_METRICS_PORT: "off" };
    for (const [flags, taken, flag] of [
      [["--udpPort", String(sidecar.port)], sidecar.port, "--udpPort"],
      [["--secondUdpPort", String(sidecar.port)], sidecar.port, "--secondUdpPort"],
      [["--udpPort", String(sidecar.port), "--host=127.0.0.2"], sidecar.port, "--udpPort"],
    ] as const) {
      const others = flag === "--udpPort" ? [] : ["--udpPort", String(await freeUdpPort())];
      const args = ["udp-sidecar/main.ts", "--edge", edge, ...others, ...flags];
      const program = startProgram("node", args, environment);
      expect(await program.ended).toBe(1);
      expect(program.errors.trim()).toBe(
        `UDP port ${taken} is in use by another program. Choose another with ${flag}.`,
      );
    }
  });

  test("--host is the one address that a sidecar listens on, and must be one of the machine", async () => {
    const edge = await startStandIn();
    cleanUps.push(edge.stop);
    const port = await freeUdpPort();
    const args = ["udp-sidecar/main.ts", "--edge", edge.url.href, "--udpPort", String(port)];
    const environment = { ORION_SIDECAR_KEY: keyTextOf(), ORION_METRICS_PORT: "off" };
    const program = startProgram("node", args, { ...environment, ORION_HOST: "127.0.0.3" });
    cleanUps.push(program.stop);
    await program.prints(/sidecar_accepted/);
    expect(await ask(await clientOf("127.0.0.3"), port)).toMatchObject({ ip: "127.0.0.1" });
    // The port is free at all others.
    const other = createSocket("udp4").bind(port, "127.0.0.6");
    await once(other, "listening");
    other.close();
    const elsewhere = startProgram("node", [...args, "--host", "192.0.2.200"], environment);
    expect(await elsewhere.ended).toBe(1);
    expect(elsewhere.errors.trim()).toBe("The address of --host is not one of this machine.");
  });

  async function listening(addresses: string[], options: Partial<ReceiverOptions> = {}) {
    const receiver = await listen(
      {
        ...{ key: keyOf(), ports: { first: 0, second: 0 }, bind: undefined, addresses: () => addresses },
        ...{ clock: Date.now, elapsed: () => performance.now(), ...options },
      },
      () => true,
    );
    cleanUps.push(receiver.close);
    return receiver;
  }

  test("an address that comes later is answered for, and one that cannot be had harms nobody", async () => {
    const addresses = ["192.0.2.200", "2001:db8::200"];
    const receiver = await listening(addresses);
    const { first } = receiver.ports;
    expect(await ask(await clientOf("127.0.0.1"), first)).toMatchObject({ ip: "127.0.0.1" });
    addresses.push("127.0.0.4");
    await receiver.refresh();
    expect(await ask(await clientOf("127.0.0.4"), first)).toMatchObject({ ip: "127.0.0.1" });
  });

  test("links go on when an address comes or goes, and one that comes back soon has lost nothing", async () => {
    let now = 0;
    const addresses = ["127.0.0.4"];
    const receiver = await listening(addresses, { elapsed: () => now });
    const relay = () => receiver.ports.first;
    const ada = holderOf(await clientOf("127.0.0.4"), ticketOf("a"), relay);
    const bob = holderOf(await clientOf("127.0.0.5"), ticketOf("b"), relay);
    await ada.bind();
    // Nobody answers Bob from there yet: this is what must not end the link.
    const cookie = cookieOf("127.0.0.1", bob.port);
    await bob.ask({ cookie });
    expect(await ada.word()).toMatchObject({ payload: { peer: true } });
    const passes = async (from: typeof ada, to: typeof ada, text: string) => {
      await from.say(text);
      expect((await to.next()).subarray(7).toString()).toBe(text);
    };
    await passes(bob, ada, "from where no socket is");
    addresses.push("127.0.0.5");
    await receiver.refresh();
    await passes(bob, ada, "from where one is now");
    await bob.ask({ cookie });
    expect(await bob.word()).toMatchObject({ method: "ptpRelay_bound" });
    addresses.splice(0);
    now += sidecarLimits.localAddressKeptMs - 1;
    await ada.ask({ cookie: cookieOf("127.0.0.1", ada.port) });
    await ada.word();
    await bob.ask({ cookie });
    await bob.word();
    await receiver.refresh();
    await passes(ada, bob, "an address is missing");
    await passes(bob, ada, "both are");
    now += 2;
    await receiver.refresh();
    // What is sent to an address that is gone gets no answer, and what its clients are sent comes from elsewhere.
    const { packets } = receiver.relay.counts;
    await ada.say("nobody hears this");
    await vi.waitFor(() => expect(receiver.relay.counts.packets).toBe(packets + 1), soon);
    expect(receiver.relay.counts.drops).toEqual(newRelayCounts().drops);
    addresses.push("127.0.0.4", "127.0.0.5");
    await receiver.refresh();
    for (const end of [ada, bob]) {
      await end.ask({ cookie: cookieOf("127.0.0.1", end.port) });
      expect(await end.word()).toMatchObject({ method: "ptpRelay_bound" });
    }
    await passes(ada, bob, "they are back");
  });

  test("a machine with more addresses than there are sockets for still hears all of them", async () => {
    const many = Array.from({ length: sidecarLimits.localAddresses + 5 }, (_, i) => `127.0.1.${i + 1}`);
    const receiver = await listening(many);
    const last = await clientOf(many[sidecarLimits.localAddresses - 1] ?? "");
    expect(await ask(last, receiver.ports.first)).toMatchObject({ ip: "127.0.0.1" });
    const beyond = await clientOf(many.at(-1) ?? "");
    const { challenged } = receiver.counts.first;
    await beyond.send(probeOf("Ada"), receiver.ports.first);
    await vi.waitFor(() => expect(receiver.counts.first.challenged).toBe(challenged + 1), soon);
  });
});
