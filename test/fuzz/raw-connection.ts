/** A TCP connection on which anything can be said: what no HTTP or WebSocket client would send, too. */
import { createConnection } from "node:net";
import { patienceMs } from "../../measure/kit/patience.ts";

export type RawConnection = {
  /** All that came, as binary text: a character is a byte. */
  readonly heard: string;
  say(bytes: Uint8Array | string): void;
  /** Done when all that was heard is enough, or the connection is over, or it has waited for long. */
  hears(isEnough: (heard: string) => boolean): Promise<void>;
  /** Says nothing more: half of the connection is closed. */
  finish(): void;
  /** Done when the other side has ended it, or so many milliseconds have passed. */
  ended(withinMs?: number): Promise<void>;
  drop(): void;
};

/** Milliseconds after which the other side will not end it any more. */
const endingMs = 5_000;

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
  const until = (isDone: () => boolean, withinMs: number) =>
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
      }, withinMs);
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
    hears: (isEnough) => until(() => isOver || isEnough(heard), patienceMs),
    finish: () => socket.end(),
    ended: (withinMs = endingMs) => until(() => isOver, withinMs),
    drop: () => socket.destroy(),
  };
}

/** The statuses of all HTTP answers that came. */
export function statusesOf(heard: string): number[] {
  return Array.from(heard.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
}

/** Whether the head of an answer has come. */
export function hasHead(heard: string): boolean {
  return heard.includes("\r\n\r\n");
}

/** The first message of a server's WebSocket, once all of it has come. */
export function firstMessage(heard: string): string | null {
  const begin = heard.indexOf("\r\n\r\n") + 4;
  const [short = 0, high = 0, low = 0] = Buffer.from(heard.slice(begin + 1, begin + 4), "latin1");
  const [head, length] = short < 126 ? [2, short] : [4, high * 256 + low];
  const message = heard.slice(begin + head, begin + head + length);
  return begin > 3 && length > 0 && message.length === length ? message : null;
}
