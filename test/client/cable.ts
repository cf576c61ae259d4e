/** A cable between players and a server that can be cut: every connection through it. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export type Cable = {
  /** The server's URL, at this end. */
  url: URL;
  /** Breaks all connections that are there. */
  cut(): void;
  /** Lets nothing through any more, either way, and breaks nothing: as a network that falls silent. */
  silence(): void;
  /** Breaks the next so many connections as soon as they come. */
  cutNext(count: number): void;
  close(): Promise<void>;
};

export async function layCable(to: URL): Promise<Cable> {
  const ends = new Set<Socket>();
  let toCut = 0;
  const server = createServer((near) => {
    near.on("error", () => {});
    if (toCut > 0) {
      toCut -= 1;
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(to.port), to.hostname);
    far.on("error", () => near.destroy());
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      ends.add(one);
      one.pipe(other);
      one.on("close", () => {
        ends.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const cut = () => {
    for (const end of ends) end.resetAndDestroy();
  };
  return {
    url: new URL(`http://127.0.0.1:${address.port}`),
    cut,
    silence: () => {
      for (const end of ends) end.unpipe().pause();
    },
    cutNext: (count) => {
      toCut = count;
    },
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
