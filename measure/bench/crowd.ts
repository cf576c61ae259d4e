/**
 * Clients that only stay connected, held by a process of its own (`crowd-member.ts`): idle ones, or ones that each
 * host a lobby.
 */
import * as z from "zod";
import { type Launched, launch } from "./launch.ts";
import { type Subject, whileAlive } from "./subject.ts";

export type Crowd = {
  /** Lets so many more come, and returns when all are there. */
  grow(by: number): Promise<void>;
  /** What `work` resolves to. Rejects if one of the clients is gone before. */
  whileThere<T>(work: Promise<T>): Promise<T>;
  /** All go, and their processes end. */
  leave(): Promise<void>;
};

/** What the clients of a crowd do: connect on a path, and host a public or a private lobby there, or nothing. */
export type CrowdKind = { path: string; hosts: "public" | "private" | null };

/** Clients in one process, so that its own descriptors and ports suffice. */
const most = 5_000;
/** Milliseconds a client may take to connect and to host, when thousands do. */
const patienceMs = 20;

/** An empty crowd. */
export function gather(subject: Subject, kind: CrowdKind): Crowd {
  const members: Launched[] = [];
  let room = 0;
  const connect = async (count: number) => {
    if (room === 0) {
      // Each from an address of its own: there are 28 000 ports for one.
      const args = [subject.url.href, kind.path, kind.hosts ?? "nothing", `127.0.1.${members.length + 1}`];
      const member = launch("the crowd of idle clients", "measure/bench/crowd-member.ts", { args });
      await member.hears("readiness");
      members.push(member);
      room = most;
    }
    const member = members.at(-1);
    if (!member) return 0;
    const some = Math.min(count, room);
    room -= some;
    member.tell({ connect: some });
    const heard = Promise.race([
      member.hears("news of its clients", 20_000 + some * patienceMs),
      subject.failed,
    ]);
    const { failure } = z.object({ failure: z.string().optional() }).parse(await heard);
    if (failure !== undefined) throw new Error(failure);
    return some;
  };
  return {
    grow: async (by) => {
      for (let left = by; left > 0; ) left -= await connect(left);
    },
    whileThere: (work) => whileAlive(subject, Promise.race([work, ...members.map(({ failed }) => failed)])),
    leave: async () => {
      await Promise.all(members.map((member) => member.stop()));
    },
  };
}
