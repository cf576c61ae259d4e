/** "Where do you see me?", to a sidecar's ports, until it answers, and from time to time after that. */
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import { encodeMessage } from "../../core/wire/codec.ts";
import type { Sealed } from "../../core/wire/sealed.ts";
import { seen } from "../../core/wire/sidecar-message.ts";
import { isSealed, seal } from "./seal.ts";

/** Milliseconds between two tries, and how many there are: 3.6 s, then the server reminds us. */
const betweenMs = 150;
const mostTries = 24;
/** Milliseconds without any answer until UDP is taken for blocked. */
const blockedMs = 5_000;
/** Milliseconds between two looks once all have answered: the NAT forgets us after 30, the cookie is good for 120. */
const refreshMs = 10_000;
/** To a server that does not answer, Orion's datagram goes this often: one may be lost. */
const connectTries = 3;

export type ProbeOptions = {
  token: string;
  candidates: Endpoint[];
  send: (datagram: string, to: Endpoint) => void;
  /** Something happened, worth a line in the report. */
  note: (what: string) => void;
  /** No answer came from any port, for 5 s. */
  blocked: () => void;
};

type Port = { nonce: string; to: Endpoint; seen: boolean };

export class Probe {
  readonly #options: ProbeOptions;
  #ports: Port[] = [];
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #blockedTimer: ReturnType<typeof setTimeout> | null = null;
  #isOver = false;
  #cookie: string | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** What the sidecar's first port gave us, to bind a relay with. */
  get cookie(): string | undefined {
    return this.#cookie;
  }

  /** The server asks to be shown our endpoint, at these ports; again, perhaps, or others. */
  ask(ip: string, ports: readonly number[]): void {
    if (this.#isOver) return;
    this.#ports = ports.map((port) => {
      return { nonce: randomBytes(9).toString("base64url"), to: { ip, port }, seen: false };
    });
    this.#tries = 0;
    this.#blockedTimer ??= setTimeout(() => this.#options.blocked(), blockedMs);
    this.#options.note(`probes ${ip} at ${ports.join(" and ")}`);
    this.#sendAll(mostTries);
  }

  /** The same, by a server that knows Orion alone: it has one port, and does not answer. */
  askPlainly(to: Endpoint): void {
    if (this.#isOver) return;
    this.#options.note(`sends ptpMediation_connect to ${to.ip} at ${to.port}`);
    const { token, send } = this.#options;
    const datagram = encodeMessage("ptpMediation_connect", { token });
    let left = connectTries;
    const again = () => {
      send(datagram, to);
      left -= 1;
      this.#arm(left > 0 ? again : null, betweenMs);
    };
    again();
  }

  /** A datagram that may be an answer. */
  hear(sealed: Sealed): void {
    const port = this.#ports.find(({ nonce }) => nonce === sealed.payload.nonce);
    if (!port || this.#isOver || !isSealed(this.#options.token, sealed)) return;
    const { data } = seen.safeParse(sealed.payload);
    if (!data) return;
    if (this.#blockedTimer) clearTimeout(this.#blockedTimer);
    if (port === this.#ports[0]) this.#cookie = data.cookie;
    if (port.seen) return;
    port.seen = true;
    this.#options.note(`is seen by ${port.to.port} at ${data.ip} ${data.port}`);
  }

  /** All is known: nothing is sent any more. */
  stop(): void {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#blockedTimer) clearTimeout(this.#blockedTimer);
  }

  #sendAll(most: number): void {
    const unseen = this.#ports.filter((port) => !port.seen);
    const isDone = unseen.length === 0 || this.#tries >= most;
    // To those that have answered: only to be remembered by the NAT, and to have a fresh cookie.
    for (const { nonce, to } of isDone ? this.#ports : unseen) this.#sendProbe(nonce, to);
    this.#tries += 1;
    this.#arm(() => this.#sendAll(most), isDone ? refreshMs : betweenMs);
  }

  #sendProbe(nonce: string, to: Endpoint): void {
    const { token, candidates, send } = this.#options;
    const [home = "", clientId = ""] = token.split(".");
    send(seal(token, "ptpMediation_probe", { home, clientId, nonce, candidates }), to);
  }

  #arm(act: (() => void) | null, ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = act && setTimeout(act, ms);
  }
}
