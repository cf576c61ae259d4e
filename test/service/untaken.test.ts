/** Clients whose connection takes nothing any more, of which the platform tells nothing. Nobody can make it do that at will, so the sockets stand in. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { holderLimits } from "../../worker/sessions/limits.ts";

type Client = { readonly socket: { bufferedAmount: number } };
type Unread = { add(client: Client, frame: string): number | null; ended(client: Client): void };
// The Worker's own modules are of another program.
const { Unread }: { Unread: new (expel: (clients: readonly Client[]) => void) => Unread } = await import(
  new URL("../../worker/sessions/unread.ts", import.meta.url).href
);

const { untakenMs, unreadMs } = holderLimits;
const frame = "lobby_messaging_received:e30=";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Clients of one object, and those that were thrown out. `says`: sends a client a frame, of which its connection takes nothing at first. */
function object() {
  const gone: Client[] = [];
  const unread = new Unread((clients) => {
    for (const client of clients) {
      unread.ended(client);
      gone.push(client);
    }
  });
  const says = (client: Client) => {
    client.socket.bufferedAmount += frame.length;
    return unread.add(client, frame);
  };
  const client = (): Client => ({ socket: { bufferedAmount: 0 } });
  return { gone, says, client };
}

test("a client whose connection takes nothing is out a minute after the second message to it, and the others stay", () => {
  const { gone, says, client } = object();
  const [dead, reads] = [client(), client()];
  for (let i = 0; i < 2; i++) {
    for (const one of [dead, reads]) expect(says(one)).toBeNull();
    vi.advanceTimersByTime(unreadMs / 2);
    reads.socket.bufferedAmount = 0;
    vi.advanceTimersByTime(unreadMs / 2);
  }
  vi.advanceTimersByTime(untakenMs - 2 * unreadMs);
  expect(gone).toEqual([]);
  vi.advanceTimersByTime(2 * unreadMs);
  expect(gone).toEqual([dead]);
  // Nobody is watched any more, so no timer keeps the object awake.
  expect(vi.getTimerCount()).toBe(0);
});

test("one that takes a little now and then stays, although something always waits for it, and pings as it likes", () => {
  const { gone, says, client } = object();
  const slow = client();
  for (let minute = 0; minute < 10; minute++) {
    for (let i = 0; i < 3; i++) {
      says(slow);
      vi.advanceTimersByTime(untakenMs / 4);
    }
    slow.socket.bufferedAmount -= frame.length;
    // What answers its pings waits as well.
    slow.socket.bufferedAmount += 6;
    vi.advanceTimersByTime(untakenMs / 4);
  }
  expect(slow.socket.bufferedAmount).toBeGreaterThan(20 * frame.length);
  expect(gone).toEqual([]);
});

test("a burst, and a client that reads a moment later, start no timer", () => {
  const { says, client } = object();
  const quick = client();
  for (let i = 0; i < 50; i++) says(quick);
  vi.advanceTimersByTime(2 * unreadMs);
  quick.socket.bufferedAmount = 0;
  for (let i = 0; i < 50; i++) says(quick);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that reads again within the minute stays", () => {
  const { gone, says, client } = object();
  const late = client();
  for (let i = 0; i < 3; i++) {
    says(late);
    vi.advanceTimersByTime(unreadMs);
  }
  vi.advanceTimersByTime(untakenMs / 2);
  late.socket.bufferedAmount = 0;
  vi.advanceTimersByTime(2 * untakenMs);
  expect([gone, vi.getTimerCount()]).toEqual([[], 0]);
});
