/** Lobbies with members that do not read, held by processes of their own (`slow-crowd-member.ts`). */
import * as z from "zod";
import { wireLimits } from "../../core/wire/limits.ts";
import { type Launched, launch } from "./launch.ts";
import { type Subject, whileAlive } from "./subject.ts";

/** What the hosts have heard: messages, each counted for every member that was not to read it, and the end of such members. */
export type Heard = { meant: number; thrownOut: number };

export type SlowCrowd = {
  /** Every lobby says so much, or what can be said in that time. */
  say(messages: number, withinMs: number): Promise<Heard>;
  /** All TCP connections end, and the processes. */
  leave(): Promise<void>;
};

/** Members of each lobby that read, and talk in turns: together they may say more than a server delivers. */
export const talkers = 8;
/** The others, in a lobby that is full. */
export const slowInOne = wireLimits.seats - talkers;

/** All clients there are, with so many that do not read. */
export function membersWith(slow: number): number {
  return slow + talkers * Math.ceil(slow / slowInOne);
}

/** Members that do not read, in one process: its lobbies' sockets are all from one address, whose ports suffice. */
const most = 64 * slowInOne;
/** Milliseconds a member may take to connect and to join, when thousands do. */
const patienceMs = 40;
const graceMs = 20_000;

/** So many members that do not read, in as many lobbies as they need. */
export async function gatherSlow(subject: Subject, count: number): Promise<SlowCrowd> {
  const members: Launched[] = [];
  for (let left = count; left > 0; left -= most) {
    const args = [subject.url.href, `127.0.2.${members.length + 1}`];
    const member = launch("the crowd of slow clients", "measure/bench/slow-crowd-member.ts", { args });
    members.push(member);
    await member.hears("readiness");
    const some = Math.min(left, most);
    member.tell({ connect: some });
    await whileAlive(subject, answerOf(member, graceMs + some * patienceMs));
  }
  return {
    say: async (messages, withinMs) => {
      for (const member of members) member.tell({ say: messages, untilMs: withinMs });
      const all = await whileAlive(
        subject,
        Promise.all(members.map((member) => answerOf(member, withinMs + graceMs))),
      );
      const sum = (of: keyof Heard) => all.reduce((total, one) => total + one[of], 0);
      return { meant: sum("meant"), thrownOut: sum("thrownOut") };
    },
    leave: async () => {
      await Promise.all(members.map((member) => member.stop()));
    },
  };
}

const answer = z.object({
  meant: z.int().default(0),
  thrownOut: z.int().default(0),
  failure: z.string().optional(),
});

async function answerOf(member: Launched, ms: number): Promise<Heard> {
  const { failure, ...heard } = answer.parse(await member.hears("news of its clients", ms));
  if (failure !== undefined) throw new Error(failure);
  return heard;
}
