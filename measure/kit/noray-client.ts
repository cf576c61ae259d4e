/**
 * A noray client that does what netfox's does, step by step, with its timings: a TCP connection, a UDP socket for the registrar, and
 * the same local port again for the handshake and for the game.
 */
import { EventEmitter, once } from "node:events";
import { createConnection, type Socket as TcpSocket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { patienceMs } from "./patience.ts";
import { type OpenSocket, openAt, type PlayerSocket } from "./symmetric-nat.ts";
import { noteSecret } from "./whole-log.ts";

export type NorayAddress = { address: string; tcp: number; registrar: number };
export type Target = { address: string; port: number };
/** What a handshake comes to. `busy`: the other was heard, but has not said that it hears us. The game connects all the same. */
export type Handshake = "ok" | "busy" | "failed";

/** As netfox has them. */
const everyMs = 100;
const tryingMs = 8_000;

export class NorayClient {
  oid = "";
  pid = "";
  /** The UDP port that the registrar has seen. */
  localPort = 0;
  /** All lines that came. */
  readonly lines: string[] = [];
  readonly #events = new EventEmitter();
  readonly #at: NorayAddress;
  readonly #open: OpenSocket;
  readonly #tcp: TcpSocket;
  #rest = "";

  private constructor(at: NorayAddress, tcp: TcpSocket, open: OpenSocket) {
    this.#at = at;
    this.#tcp = tcp;
    this.#open = open;
    tcp.setNoDelay(true);
    tcp.on("data", (bytes) => this.#read(bytes.toString()));
    tcp.on("error", () => {});
    tcp.on("close", () => this.#events.emit("closed"));
  }

  /** `from`: the local address to use. `open`: a router's, if the player is behind one. */
  static async connect(at: NorayAddress, from = "127.0.0.1", open = openAt(from)): Promise<NorayClient> {
    const tcp = createConnection({ host: at.address, port: at.tcp, localAddress: from });
    const client = new NorayClient(at, tcp, open);
    await once(tcp, "connect");
    return client;
  }

  /** Sends a line. */
  say(line: string): void {
    this.#tcp.write(`${line}\n`);
  }

  /** Sends bytes as they are. False if they have to wait. */
  write(bytes: string | Uint8Array): boolean {
    return !this.#tcp.destroyed && this.#tcp.write(bytes);
  }

  /** Reads no more. */
  pause(): void {
    this.#tcp.pause();
  }

  /** Ends its half of the connection. */
  end(): void {
    this.#tcp.end();
  }

  /** netfox awaits the pid, and then reads the oid. */
  async registerHost(): Promise<void> {
    this.say("register-host");
    this.pid = await this.next("set-pid");
  }

  /** Tells the registrar its port, every 100 ms, until the first answer. */
  async registerRemote(forMs = tryingMs): Promise<boolean> {
    const socket = await this.#open(0);
    try {
      const heard = new Promise<string>((resolve) => socket.onMessage((bytes) => resolve(String(bytes))));
      const answer = await repeat(forMs, heard, () =>
        socket.send(this.pid, this.#at.registrar, this.#at.address),
      );
      if (answer !== "OK") return false;
      this.localPort = socket.port;
      return true;
    } finally {
      await socket.close();
    }
  }

  /** Both steps. Throws if the registrar does not answer. */
  async register(): Promise<this> {
    await this.registerHost();
    if (!(await this.registerRemote())) throw new Error("the registrar did not answer OK");
    return this;
  }

  /** The data of the next line with this command. */
  async next(command: string, forMs = patienceMs): Promise<string> {
    const [data] = await once(this.#events, `line ${command}`, { signal: AbortSignal.timeout(forMs) });
    return data;
  }

  /** Calls the listener with the data of every line with this command. */
  onEach(command: string, listener: (data: string) => void): void {
    this.#events.on(`line ${command}`, listener);
  }

  /** The address that a `connect` or `connect-relay` line names. */
  async nextTarget(command: "connect" | "connect-relay", forMs?: number): Promise<Target> {
    return this.targetOf(command, await this.next(command, forMs));
  }

  targetOf(command: "connect" | "connect-relay", data: string): Target {
    if (command === "connect-relay") return { address: this.#at.address, port: Number.parseInt(data, 10) };
    const [address = "", port = ""] = data.split(":");
    return { address, port: Number.parseInt(port, 10) };
  }

  /** A client asks for a host, and shakes hands with what it is told. */
  async join(
    command: "connect" | "connect-relay",
    oid: string,
  ): Promise<{ target: Target; shaken: Handshake }> {
    const target = await this.ask(command, oid);
    return { target, shaken: await this.handshake(target) };
  }

  /** netfox's handshake over UDP, on the registered port. */
  async handshake({ address, port }: Target, forMs = tryingMs): Promise<Handshake> {
    const socket = await this.#open(this.localPort);
    let [hears, isHeard] = [false, false];
    const shaken = new Promise<"ok">((resolve) => {
      socket.onMessage((bytes) => {
        const text = bytes.toString("latin1");
        hears = true;
        if (text.includes("r")) isHeard = true;
        if (isHeard && text.includes("x")) resolve("ok");
      });
    });
    const send = () => socket.send(`$${hears ? "r" : "-"}w${isHeard ? "x" : "-"}`, port, address);
    const result = await repeat(forMs, shaken, send);
    if (result === "ok") send();
    await socket.close();
    return result ?? (hears ? "busy" : "failed");
  }

  /** Asks, and returns what the answer names, without a handshake. Throws when the server says that it does not work; netfox would wait. */
  async ask(command: "connect" | "connect-relay", oid: string): Promise<Target> {
    const answered = this.nextTarget(command);
    const refused = Promise.withResolvers<never>();
    const refuse = (what: string) => what === command && refused.reject(new Error(`${command} was refused`));
    this.#events.on("line error", refuse);
    this.say(`${command} ${oid}`);
    try {
      return await Promise.race([answered, refused.promise]);
    } finally {
      this.#events.off("line error", refuse);
      answered.catch(() => {});
    }
  }

  /** The game's socket, on the registered port: as ENet opens it. */
  async game(): Promise<Game> {
    return new Game(await this.#open(this.localPort));
  }

  get isClosed(): boolean {
    return this.#tcp.destroyed;
  }

  async closed(): Promise<void> {
    if (!this.#tcp.destroyed) await once(this.#events, "closed");
  }

  close(): void {
    this.#tcp.destroy();
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines.filter((one) => one !== "")) {
      this.lines.push(line);
      const [command = "", data = ""] = line.split(" ");
      if (command === "set-oid") this.oid = data;
      if (command === "set-pid") noteSecret({ kind: "link's or a ticket's key", text: data });
      this.#events.emit(`line ${command}`, data);
    }
  }
}

/** A UDP socket of a game, and all that it heard. */
export class Game {
  readonly heard: { text: string; from: Target }[] = [];
  readonly #socket: PlayerSocket;
  readonly #events = new EventEmitter();
  #isBlasting = true;

  constructor(socket: PlayerSocket) {
    this.#socket = socket;
    socket.onMessage((bytes, { address, port }) => {
      const heard = { text: bytes.toString("latin1"), from: { address, port } };
      this.heard.push(heard);
      this.#events.emit("heard", heard);
    });
  }

  /** Calls the listener with every packet. */
  onHeard(listener: (heard: { text: string; from: Target }) => void): void {
    this.#events.on("heard", listener);
  }

  send(bytes: string | Uint8Array, { address, port }: Target): void {
    this.#socket.send(bytes, port, address);
  }

  /** A host sends `$rwx` to whoever comes, every 100 ms for 8 s. */
  async blast(target: Target, forMs = tryingMs): Promise<void> {
    for (let ms = 0; ms < forMs && this.#isBlasting; ms += everyMs) {
      this.send("$rwx", target);
      await wait(everyMs);
    }
  }

  /** The first packet of this text, heard or yet to come. */
  async hears(text: string, forMs = patienceMs): Promise<Target> {
    const signal = AbortSignal.timeout(forMs);
    for (;;) {
      const known = this.heard.find((one) => one.text === text);
      if (known) return known.from;
      await once(this.#events, "heard", { signal });
    }
  }

  async close(): Promise<void> {
    this.#isBlasting = false;
    await this.#socket.close();
  }
}

/** Does it at once, and every 100 ms, until it is done or was done for so long: then null. A process that stood still goes on. */
async function repeat<T>(forMs: number, done: Promise<T>, act: () => void): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  let left = forMs / everyMs;
  const again = () => {
    left -= 1;
    if (left > 0) act();
    else late.resolve(null);
  };
  const timer = setInterval(again, everyMs);
  act();
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearInterval(timer);
  }
}
