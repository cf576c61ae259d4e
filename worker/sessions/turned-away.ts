/**
 * Sockets that were taken only to say why their client does not get in. A client that never answers their close keeps its connection for as long as
 * it likes, so until then each takes room like any other. In memory alone: they end with it.
 */
import type { Network } from "../../core/network.ts";
import { watchOpening } from "./unopened.ts";

export class TurnedAway {
  readonly #sockets = new Map<WebSocket, readonly Network[]>();
  readonly #vanished: () => void;

  /** `vanished`: one of them is gone, and takes no room any more. */
  constructor(vanished: () => void) {
    this.#vanished = vanished;
  }

  /** How many are not gone. */
  get size(): number {
    return this.#sockets.size;
  }

  /** The networks of each that is not gone. */
  networks(): Iterable<readonly Network[]> {
    return this.#sockets.values();
  }

  /**
   * Takes the server's end of a socket, says this in ASCII, and closes it. The object does not sleep with it: of a sleeper's socket whose client has said
   * nothing, the platform ends the connection only when the client gives up waiting for that.
   */
  take(socket: WebSocket, frames: readonly string[], networks: readonly Network[]): void {
    const bytes = frames.join("").length;
    socket.accept();
    this.#sockets.set(socket, networks);
    for (const frame of frames) socket.send(frame);
    socket.close();
    const vanish = () => {
      stopWatching();
      if (this.#sockets.delete(socket)) this.#vanished();
    };
    const stopWatching = watchOpening(() => socket.bufferedAmount < bytes, vanish);
    socket.addEventListener("close", vanish);
    socket.addEventListener("error", vanish);
  }
}
