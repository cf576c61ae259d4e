/**
 * A terminal that is held, as by Ctrl-S, takes no more, and Node writes to terminals in such a way that the whole process then waits:
 * for datagrams, too, and for signals. After this, what it does not take is held in memory: some lines a minute at most.
 */
import type { WriteStream } from "node:tty";

export function neverWaitForTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) {
    // Node has no public name for it. Without it all is as before.
    const { _handle: handle }: WriteStream & { _handle?: Handle } = stream;
    if (stream.isTTY) handle?.setBlocking?.(false);
  }
}
type Handle = { setBlocking?(is: boolean): void };
