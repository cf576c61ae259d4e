/**
 * How many WebSockets all objects hold, together and of each network. workerd runs all objects and the Worker in one isolate,
 * so the counts of this module are those of the whole server.
 */
import type { Network } from "../core/network.ts";

/** Sockets that are open, or thrown out and not gone, and of them those of each network by its name. */
type Held = { sockets: number; perNetwork: Map<string, number> };

/** What each object holds, by the name of the object. */
const held = new Map<string, Held>();
/** The same of all objects together, and the sockets that no object has taken yet. */
const all: Held = { sockets: 0, perNetwork: new Map() };

export function sockets(): number {
  return all.sockets;
}

export function socketsFrom({ name }: Network): number {
  return all.perNetwork.get(name) ?? 0;
}

/** The names of the objects that held sockets when they last counted. */
export function holders(): string[] {
  return [...held.keys()];
}

/** Counts a socket that no object has taken yet, until the Worker has done this. */
export async function whileArriving<T>(networks: readonly Network[], work: () => Promise<T>): Promise<T> {
  const arriving = heldFrom([networks]);
  addAll(arriving, 1);
  try {
    return await work();
  } finally {
    addAll(arriving, -1);
  }
}

/** An object that takes sockets, as the platform calls it. */
type Taking = {
  fetch(request: Request): Promise<Response>;
  webSocketClose(socket: WebSocket, code: number): void;
  webSocketError(socket: WebSocket): void;
};

/** A class of objects that count their sockets when they wake, take one and lose one. */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript lets a class extend a parameter only with a constructor like this.
export function counting<Plain extends new (...args: any[]) => Taking>(Base: Plain) {
  abstract class Counting extends Base {
    readonly #name: string;

    // biome-ignore lint/suspicious/noExplicitAny: as above.
    constructor(...args: any[]) {
      super(...args);
      const [ctx]: DurableObjectState[] = args;
      this.#name = ctx?.id.name ?? "";
      this.count();
    }

    /** The networks of each socket that takes room here, except that of the one that is just going. */
    protected abstract held(gone?: WebSocket): Iterable<readonly Network[]>;

    protected count(gone?: WebSocket): void {
      const now = heldFrom(this.held(gone));
      addAll(held.get(this.#name), -1);
      addAll(now, 1);
      if (now.sockets > 0) held.set(this.#name, now);
      else held.delete(this.#name);
    }

    override async fetch(request: Request): Promise<Response> {
      const response = await super.fetch(request);
      this.count();
      return response;
    }

    override webSocketClose(socket: WebSocket, code: number): void {
      super.webSocketClose(socket, code);
      this.count(socket);
    }

    override webSocketError(socket: WebSocket): void {
      super.webSocketError(socket);
      this.count(socket);
    }
  }
  return Counting;
}

/** The sum of sockets, each of which is in these networks. */
function heldFrom(each: Iterable<readonly Network[]>): Held {
  const sum: Held = { sockets: 0, perNetwork: new Map() };
  for (const networks of each) {
    sum.sockets += 1;
    for (const { name } of networks) add(sum.perNetwork, name, 1);
  }
  return sum;
}

function addAll(one: Held | undefined, sign: 1 | -1): void {
  if (!one) return;
  all.sockets += sign * one.sockets;
  for (const [network, count] of one.perNetwork) add(all.perNetwork, network, sign * count);
}

function add(counts: Map<string, number>, name: string, change: number): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
