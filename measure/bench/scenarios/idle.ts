/** Clients that only stay connected: the memory of each, and what they cost while they are silent. */
import { setTimeout as wait } from "node:timers/promises";
import { memoryMiB, watchCpu } from "../accounting.ts";
import { gather } from "../crowd.ts";
import { type Extent, heldIn } from "../load.ts";
import { ratioOf } from "../measure.ts";
import type { Figure } from "../results.ts";
import { type Subject, whileAlive } from "../subject.ts";
import { connects, floorConnect } from "./connect.ts";

/** At full scale. */
export const idleClients = 2_000;
/** Seconds of silence, at full scale. */
const silence = 20;

/** Both figures, of a server and a floor that have held nobody yet. An operation is one client that is idle for a second. */
export async function measureIdle(server: Subject, floor: Subject, extent: Extent): Promise<Figure[]> {
  const theirs = await measure(floor, "/room/idle", extent);
  const ours = await measure(server, "/", extent);
  const ratio = ratioOf(ours.more.memoryKiB, theirs.more.memoryKiB);
  return [
    {
      ...theirs,
      name: "floor/idle",
      title: "floor: a client that is idle for a second",
      floor: null,
      target: [],
    },
    {
      ...ours,
      name: "idle",
      title: "a client that is idle for a second; the ratio is that of memory",
      floor: { name: "floor/idle", times: 1, ratio },
      target: [{ of: "ratio", most: 1.2 }],
    },
  ];
}

async function measure(subject: Subject, path: string, extent: Extent) {
  const clients = heldIn(extent, idleClients);
  await grown(subject, extent);
  const memoryBefore = memoryMiB(subject.pid);
  const crowd = gather(subject, { path, hosts: null });
  await crowd.grow(clients);
  const [cpu, began] = [watchCpu(subject.pid), performance.now()];
  // The scenario itself: nothing happens for a while.
  await crowd.whileThere(wait(Math.max(0.5, silence * extent.scale) * 1000));
  const taken = cpu();
  const seconds = (performance.now() - began) / 1000;
  const memory = memoryMiB(subject.pid);
  await crowd.leave();
  return {
    operations: clients * seconds,
    seconds,
    cpuUs: (taken * 1e6) / (clients * seconds),
    p50Ms: null,
    p99Ms: null,
    memoryMiB: memory,
    more: {
      clients,
      memoryKiB: ((memory - memoryBefore) * 1024) / clients,
      idleCpuPercent: (taken * 100) / seconds,
    },
  };
}

/** Some come and go first, so that memory a process takes once is not counted as its clients'. */
export async function grown(subject: Subject, extent: Extent): Promise<void> {
  const [visits = floorConnect] = subject.udpPort > 0 ? connects : [];
  const session = await visits.open(subject, extent);
  await whileAlive(subject, session.drive(200));
}
