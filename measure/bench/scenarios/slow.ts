/**
 * Clients that do not read, while their lobbies chat: the memory that each costs at most, in the server and in the
 * kernel, and how much the server holds when they are gone.
 */
import { setTimeout as wait } from "node:timers/promises";
import { holderLimits } from "../../../worker/sessions/limits.ts";
import { freeMemoryMiB, memoryMiB, tcpQueueMiB, watchCpu } from "../accounting.ts";
import type { Figure } from "../results.ts";
import { gatherSlow } from "../slow-crowd.ts";
import { type Subject, whileAlive } from "../subject.ts";
import { grown } from "./idle.ts";

/** At full scale: four lobbies of them. */
export const slowClients = 224;
/** Messages of each lobby, at full scale: a tenth more than a client that says nothing is sent, at 1 081 bytes each. */
const messages = (holderLimits.unansweredBytes / (1_081 + holderLimits.frameOverheadBytes)) * 1.1;
/** Milliseconds that the lobbies talk at most: thousands of clients take longer than anybody waits. */
const talkMs = 150_000;
const sampleMs = 500;
/** Milliseconds in which memory comes back, once the clients are gone, at full scale. */
const returnMs = 10_000;

/**
 * One figure, of a server that has held nobody yet. Rejects, before the machine has none left, if they take half of all memory
 * that is free. An operation is one message to one client that does not read.
 */
export async function measureSlow(server: Subject, clients: number, scale: number): Promise<Figure> {
  await grown(server, { scale, rounds: 1, mostHeld: clients });
  const crowd = await gatherSlow(server, clients);
  const before = memoryMiB(server.pid);
  const room = freeMemoryMiB() / 2;
  const [cpu, began] = [watchCpu(server.pid), performance.now()];
  let [peak, kernelPeak] = [before, 0];
  const talking = crowd.say(Math.ceil(messages * scale), talkMs);
  let over = false;
  const end = () => {
    over = true;
  };
  talking.then(end, end);
  while (!over) {
    await whileAlive(server, Promise.race([talking, wait(sampleMs)]));
    peak = Math.max(peak, memoryMiB(server.pid));
    kernelPeak = Math.max(kernelPeak, tcpQueueMiB(Number(server.url.port)));
    if (peak - before > room) {
      throw new Error(
        `${clients} clients that do not read took ${Math.round(peak - before)} MiB, half of what was free.`,
      );
    }
  }
  const { meant, thrownOut } = await talking;
  const [taken, seconds] = [cpu(), (performance.now() - began) / 1000];
  await crowd.leave();
  await wait(Math.max(500, returnMs * scale));
  const kiB = (mebibytes: number) => (mebibytes * 1024) / clients;
  return {
    name: "slow",
    title: "a chat message to one of the clients that do not read; the memory is the most there was",
    operations: meant,
    seconds,
    cpuUs: meant > 0 ? (taken * 1e6) / meant : 0,
    p50Ms: null,
    p99Ms: null,
    memoryMiB: peak,
    floor: null,
    target: [{ of: "memoryKiB", most: 8 * 1024 }],
    more: {
      clients,
      thrownOut,
      memoryKiB: kiB(peak - before + kernelPeak),
      // Of these, what the kernel holds: over a machine's own network up to 4 MiB of each, over others less.
      kernelKiB: kiB(kernelPeak),
      leftMiB: memoryMiB(server.pid),
    },
  };
}
