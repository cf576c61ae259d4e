/** A client that looks at a deployment: it knows its URL, and no secret. */
import { decodeMessage, encodeMessage, type Message } from "../../core/wire/codec.ts";
import { pingText, pongText } from "../../core/wire/ping.ts";

/** Milliseconds after which an answer will not come any more. */
const patienceMs = 20_000;

/** Where the server has this path. It may be served below one. */
export function at(server: URL, path: string): URL {
  return new URL(`.${path}`, server);
}

export class Visitor {
  token = "";
  /** For requests that Orion does not have. */
  secretToken = "";
  /** Set when the connection has ended. */
  closed: { code: number; afterMs: number } | null = null;
  readonly #server: URL;
  readonly #socket: WebSocket;
  readonly #began = performance.now();
  readonly #heard: Message[] = [];
  #pongs = 0;
  readonly #news = new EventTarget();

  /** Opens a WebSocket, and waits until the server has said who the visitor is. */
  static async connect(server: URL, path: string): Promise<Visitor> {
    const visitor = new Visitor(server, path);
    const { payload } = await visitor.hears("client_registered");
    visitor.token = String(payload.token);
    visitor.secretToken = String(payload.secretToken);
    return visitor;
  }

  private constructor(server: URL, path: string) {
    this.#server = server;
    this.#socket = new WebSocket(at(server, path).href.replace(/^http/, "ws"));
    this.#socket.onmessage = ({ data }) => {
      const message = decodeMessage(String(data));
      if (data === pongText) this.#pongs += 1;
      else if (message) this.#heard.push(message);
      this.#news.dispatchEvent(new Event("news"));
    };
    this.#socket.onclose = ({ code }) => {
      this.closed = { code, afterMs: performance.now() - this.#began };
      this.#news.dispatchEvent(new Event("news"));
    };
    this.#socket.onerror = () => {};
  }

  /** The next message of this method that fits, and has not been asked for yet. */
  async hears(
    method: string,
    fits: (message: Message) => boolean = () => true,
    withinMs = patienceMs,
  ): Promise<Message> {
    const find = () => this.#heard.findIndex((message) => message.method === method && fits(message));
    await this.#until(() => find() >= 0, method, withinMs);
    const [message] = this.#heard.splice(find(), 1);
    if (!message) throw new Error(`no ${method} came`);
    return message;
  }

  async hearsChat(text: string): Promise<void> {
    await this.hears("lobby_messaging_received", ({ payload }) => Object(payload.message).message === text);
  }

  chat(lobbyId: string, message: string): void {
    this.#socket.send(encodeMessage("lobby_messaging_send", { token: this.token, lobbyId, message }));
  }

  /** Says `ping`, and waits for the answer. */
  async pings(): Promise<void> {
    const nth = this.#pongs + 1;
    this.#socket.send(pingText);
    await this.#until(() => this.#pongs >= nth, pongText);
  }

  /** Asks something over HTTP. The status, and the answer's JSON. */
  async post(path: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
    return await postAs(this.#server, this.token, path, body);
  }

  /** Hosts a private lobby, and returns its code. */
  async host(lobbyName: string): Promise<string> {
    const about = { hostName: "Host", lobbyName, isPublic: false, maxMembers: 64 };
    const { status, body } = await this.post("/lobbies", about);
    if (status !== 201) throw new Error(`no lobby was opened: status ${status}`);
    return String(body.lobbyId);
  }

  async join(lobbyId: string, peerName: string): Promise<void> {
    const { status } = await this.post(`/lobbies/${lobbyId}/join`, { peerName });
    if (status !== 200) throw new Error(`${peerName} could not join: status ${status}`);
  }

  leave(): void {
    this.#socket.close();
  }

  async #until(come: () => boolean, what: string, withinMs = patienceMs): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!come()) {
      if (this.closed) throw new Error(`the connection ended with code ${this.closed.code}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no ${what} came within ${withinMs / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        const wake = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#news.addEventListener("news", wake, { once: true });
      });
    }
  }
}

/** Asks something over HTTP for the client of a token. */
export async function postAs(
  server: URL,
  token: string,
  path: string,
  body: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(at(server, path), {
    method: "POST",
    body: JSON.stringify({ token, ...body }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : {} };
}
