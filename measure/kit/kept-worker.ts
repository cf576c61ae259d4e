/**
 * The Worker of `faulty-worker.ts`, with handles for what objects keep and say to each other. Only tests bundle this file.
 *
 * `GET /test/kept?<class>=<name>` answers an object's rows and its sockets' attachments. `POST` with the same query puts such
 * in their place; the object has to be put to sleep before it reads them.
 * `POST /test/call?<class>=<name>` calls a method, `{ method, args }`. `/test/recorded` answers all calls so far.
 * A class is the name of its binding, like `LOBBY`.
 */
import type { Env } from "../../worker/platform/env.ts";
import faulty, {
  Directory as FaultyDirectory,
  Fleet as FaultyFleet,
  Lobby as FaultyLobby,
  Lounge as FaultyLounge,
  Relay as FaultyRelay,
} from "./faulty-worker.ts";

type Kept = { rows: [key: string, value: unknown][]; attachments: { id: string }[] };

/** A call from one object, or the Worker, to another. */
type Call = { class: string; method: string; args: unknown[]; answer: unknown };
const calls: Call[] = [];

function keptOf(ctx: DurableObjectState): Kept {
  return {
    rows: [...ctx.storage.kv.list()],
    attachments: ctx.getWebSockets().map((socket) => socket.deserializeAttachment()),
  };
}

/** An attachment goes to the socket that has one of the same id. */
function keepIn(ctx: DurableObjectState, { rows, attachments }: Kept): void {
  for (const [key] of [...ctx.storage.kv.list()]) ctx.storage.kv.delete(key);
  for (const [key, value] of rows) ctx.storage.kv.put(key, value);
  for (const socket of ctx.getWebSockets()) {
    const { id } = socket.deserializeAttachment();
    const attachment = attachments.find((one) => one.id === id);
    if (attachment) socket.serializeAttachment(attachment);
  }
}

export class Lobby extends FaultyLobby {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, recording(env));
  }
  kept(): Kept {
    return keptOf(this.ctx);
  }
  keep(kept: Kept): void {
    keepIn(this.ctx, kept);
  }
}
export class Lounge extends FaultyLounge {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, recording(env));
  }
  kept(): Kept {
    return keptOf(this.ctx);
  }
  keep(kept: Kept): void {
    keepIn(this.ctx, kept);
  }
}
export class Directory extends FaultyDirectory {
  kept(): Kept {
    return keptOf(this.ctx);
  }
  keep(kept: Kept): void {
    keepIn(this.ctx, kept);
  }
}
export class Fleet extends FaultyFleet {
  kept(): Kept {
    return keptOf(this.ctx);
  }
  keep(kept: Kept): void {
    keepIn(this.ctx, kept);
  }
}

export class Relay extends FaultyRelay {
  kept(): Kept {
    return keptOf(this.ctx);
  }
  keep(kept: Kept): void {
    keepIn(this.ctx, kept);
  }
}

type Keeping = Rpc.DurableObjectBranded & { kept(): Promise<Kept>; keep(kept: Kept): Promise<void> };
type Handler = Required<Pick<typeof faulty, "fetch">>;

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const [[binding, name] = ["", ""]] = url.searchParams;
    const object = () => {
      const namespace: DurableObjectNamespace<Keeping> = Reflect.get(env, binding);
      return namespace.getByName(name);
    };
    switch (url.pathname) {
      case "/test/kept":
        if (request.method === "GET") return Response.json(await object().kept());
        await object().keep(await request.json());
        return new Response("kept");
      case "/test/call": {
        const { method, args }: { method: string; args: unknown[] } = await request.json();
        const stub = object();
        const answer: unknown = await Reflect.apply(Reflect.get(stub, method), stub, args);
        return Response.json(answer ?? null);
      }
      case "/test/recorded":
        return Response.json(calls);
      default:
        return await faulty.fetch(request, recording(env), ctx);
    }
  },
} satisfies Handler;

const doubles = new WeakMap<object, object>();

/** The same bindings, with every call through them written down. */
function recording<E extends object>(env: E): E {
  const known = doubles.get(env);
  if (known) return known as E;
  const double = new Proxy(env, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      const isNamespace = typeof value === "object" && value !== null && "idFromName" in value;
      return isNamespace ? recordingNamespace(String(name), value) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value),
  });
  doubles.set(env, double);
  return double;
}

function recordingNamespace(binding: string, namespace: object): object {
  return new Proxy(namespace, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args);
        return name === "getByName" ? recordingStub(binding, Object(result)) : result;
      };
    },
  });
}

function recordingStub(binding: string, stub: object): object {
  return new Proxy(stub, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || typeof name !== "string") return value;
      return async (...args: unknown[]) => {
        const call: Call = { class: binding, method: name, args, answer: null };
        if (name !== "fetch") calls.push(call);
        const answer: unknown = await Reflect.apply(value, target, args);
        if (name !== "fetch") call.answer = structuredClone(answer) ?? null;
        return answer;
      };
    },
  });
}
