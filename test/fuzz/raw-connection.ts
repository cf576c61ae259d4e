/** A TCP connection on which anything can be said: what no HTTP or WebSocket client would send, too. */
import { createConnection } from "node:net";

export type RawConnection = {
  /** All that came, as binary text: a character is a byte. */
  readonly heard: string;
  say(bytes: Uint8Array | string): void;
  /** Done when this has been heard, or the connection is over, or some seconds have passed. */
  hears(pattern: RegExp): Promise<void>;
  /** Says nothing more: half of the connection is closed. */
  finish(): void;
  /** Done when the other side has ended it, or some seconds have passed. True if it has. */
  ended(): Promise<boolean>;
  drop(): void;
};

/** Milliseconds after which nothing more will come. */
const patienceMs = 5_000;

export function openRaw({ hostname: host, port }: URL): RawConnection {
  const socket = createConnection({ host, port: Number(port), noDelay: true });
  let heard = "";
  let isOver = false;
  const wakers = new Set<() => void>();
  const wake = () => {
    for (const one of wakers) one();
  };
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    heard += text;
    wake();
  });
  socket.on("error", () => {});
  socket.on("end", () => {
    isOver = true;
    wake();
  });
  socket.on("close", () => {
    isOver = true;
    wake();
  });
  const until = (isDone: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isDone()) return;
        clearTimeout(timer);
        wakers.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        wakers.delete(look);
        resolve();
      }, patienceMs);
      wakers.add(look);
      look();
    });
  return {
    get heard() {
      return heard;
    },
    say: (bytes) => {
      if (!isOver) socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    },
    hears: (pattern) => until(() => isOver || pattern.test(heard)),
    finish: () => socket.end(),
    ended: async () => {
      await until(() => isOver);
      return isOver;
    },
    drop: () => socket.destroy(),
  };
}

/** The statuses of all HTTP answers that came. */
export function statusesOf(heard: string): number[] {
  return Array.from(heard.matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, status]) => Number(status));
}
