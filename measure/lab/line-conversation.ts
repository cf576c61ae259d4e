/** The lab's orders as lines of JSON of this process's input, and answers to them as lines of its output. */
import { createInterface } from "node:readline";
import type { Conversation } from "./conversation.ts";
import { order } from "./orders.ts";

const lines = createInterface(process.stdin)[Symbol.asyncIterator]();

export const byLines: Conversation = {
  nextOrder: async () => {
    const { value, done } = await lines.next();
    return done ? null : order.parse(JSON.parse(value));
  },
  tell: (answer) => console.log(JSON.stringify(answer)),
};
