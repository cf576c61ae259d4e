/** Datagrams that a sidecar gets: valid ones, ones with a forged token, and junk. */
import { setTimeout as wait } from "node:timers/promises";
import { datagramOf, secret, tokenOf } from "../../kit/secret.ts";
import { udpQueue } from "../accounting.ts";
import { launch } from "../launch.ts";
import type { Load, Session } from "../load.ts";
import { patienceMs } from "../patience.ts";
import type { Subject } from "../subject.ts";

/** Clients whose datagrams are sent in turn. */
const clients = 2_000;
/** Datagrams a second while CPU is measured: few enough that none is lost, for any of the receivers. */
const pace = 20_000;
/** Seconds for which as many as possible are sent. */
const floodSeconds = 1;

/** The same datagrams for the bare receiver as for the sidecar. */
const signedUnder = (under: string) =>
  Array.from({ length: clients }, (_, index) => datagramOf(tokenOf(String(index), { under })));
const valid = () => signedUnder(secret);
const forged = () => signedUnder(`not ${secret}`);
/** What strangers send to open ports: of an honest one's length, and nothing like it. */
const junk = () => valid().map((datagram) => datagram.replaceAll(/[a-z]/g, "\u0000"));

export const floorDatagrams: Load = {
  name: "floor/dgram",
  title: "floor: a bare receiver's datagram",
  subject: "receiver",
  round: 60_000,
  clients: 0,
  held: 0,
  floor: null,
  target: [],
  open: (subject, { scale }) => receive(subject, "bare", valid(), scale),
};

export const datagrams: Load[] = [
  { kind: "forged", content: forged, target: [{ of: "ratio" as const, most: 1.5 }] },
  { kind: "junk", content: junk, target: [{ of: "ratio" as const, most: 1.5 }] },
  { kind: "valid", content: valid, target: [] },
].map(({ kind, content, target }) => ({
  ...floorDatagrams,
  name: `datagrams/${kind}`,
  title: `a ${kind} datagram at the sidecar`,
  subject: "sidecar",
  floor: { name: floorDatagrams.name, times: 1 },
  target,
  open: (subject, { scale }) => receive(subject, kind, content(), scale),
}));

async function receive(subject: Subject, kind: string, texts: string[], scale: number): Promise<Session> {
  const sender = launch("the process that sends datagrams", "measure/bench/sender.ts");
  await sender.hears("readiness");
  const requestsBefore = subject.edgeRequests();
  const content = texts.map((text) => Buffer.from(text));
  const send = async (count: number, perSecond: number) => {
    const before = udpQueue(subject.udpPort).dropped;
    const began = performance.now();
    sender.tell({ port: subject.udpPort, datagrams: content, count, perSecond });
    await Promise.race([sender.hears("word that all is sent"), subject.failed]);
    await queueIsEmpty(subject);
    const seconds = (performance.now() - began) / 1000;
    return { received: count - (udpQueue(subject.udpPort).dropped - before), seconds };
  };
  return {
    drive: async (count) => ({ operations: (await send(count, pace)).received, waits: [] }),
    more: async () => {
      const edgeRequests = subject.edgeRequests() - requestsBefore;
      if (kind === "valid" && edgeRequests === 0)
        throw new Error("the sidecar took none of the valid datagrams.");
      const { received, seconds } = await send(Math.ceil(150_000 * floodSeconds * scale), 0);
      return { edgeRequests, maxPerSecond: received / seconds };
    },
    close: () => sender.stop(),
  };
}

/** Resolves when a subject has read all datagrams that were sent to it. The system tells nobody: it has to be asked. */
async function queueIsEmpty({ udpPort }: Subject): Promise<void> {
  for (let left = patienceMs; udpQueue(udpPort).waitingBytes > 0; left -= 1) {
    if (left <= 0) throw new Error("datagrams stay in the queue of the process that should read them.");
    await wait(1);
  }
}
