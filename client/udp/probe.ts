/** "Where do you see me?", to a sidecar's ports, until it answers, and from time to time after that. */
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import { encodeMessage } from "../../core/wire/codec.ts";
import { seen } from "../../core/wire/sidecar-message.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import { isSignedWith, signDatagram } from "./signing.ts";

/** Milliseconds between two tries, and how many there are: 3.6 s, then it is asked less often. */
const betweenMs = 150;
const mostTries = 24;
/** Tries in which only the first address is asked: what the other family's would see comes later, and would count as newer. */
const headStart = 2;
/** Milliseconds without any answer until the server is told, which may name another sidecar. */
const unseenMs = 2_000;
/** Milliseconds without any answer of one sidecar until UDP is taken for blocked, and of all of them together. */
const blockedMs = 5_000;
const blockedAfterAllMs = 12_000;
/** Milliseconds between two looks once all have answered: the NAT forgets us after 30 s, the cookie is good for 120. */
const refreshMs = 10_000;
/** To a server that does not answer, Orion's datagram goes this often: one may be lost. */
const connectTries = 3;

export type ProbeOptions = {
  token: string;
  candidates: Endpoint[];
  send: (datagram: string, to: Endpoint) => void;
  /** Something happened, worth a line in the report. */
  note: (what: string) => void;
  /** The sidecar that was last asked for does not answer, for 2 s. */
  unseen: () => void;
  /** None has ever answered, for as long as it may take. */
  blocked: () => void;
};

/** A sidecar that is to see us: its addresses, IPv4 first; none, if they cannot be found. */
export type Sidecar = { host: string; ips: readonly string[]; ports: readonly number[] };

/** It has seen us once it has answered a probe that returned its cookie. */
type Port = { nonce: string; to: Endpoint; cookie: string | undefined; seen: boolean };

export class Probe {
  readonly #options: ProbeOptions;
  #sidecar: Sidecar | null = null;
  #ports: Port[] = [];
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #unseenTimer: ReturnType<typeof setTimeout> | null = null;
  #blockedTimer: ReturnType<typeof setTimeout> | null = null;
  #firstAskedAt: number | null = null;
  #wasSeen = false;
  #isOver = false;
  #cookie: string | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** What the sidecar's first port gave us, to bind a relay with. */
  get cookie(): string | undefined {
    return this.#cookie;
  }

  /** The address at which we were seen, or the first that was asked. */
  get ip(): string | null {
    return (this.#ports.find((port) => port.seen) ?? this.#ports[0])?.to.ip ?? null;
  }

  /** The server asks to be shown our endpoint, by this sidecar; again, perhaps, or by another. */
  ask(sidecar: Sidecar): void {
    if (this.#isOver) return;
    const { host, ips, ports } = sidecar;
    const before = this.#sidecar;
    const isSame = before?.host === host && String(before.ports) === String(ports);
    this.#sidecar = sidecar;
    // An answer to what it was asked before is one still.
    if (isSame && this.#ports.length > 0) for (const port of this.#ports) port.seen = false;
    else this.#ports = ips.flatMap((ip) => ports.map((port) => newPort({ ip, port })));
    this.#tries = 0;
    this.#firstAskedAt ??= performance.now();
    if (this.#unseenTimer) clearTimeout(this.#unseenTimer);
    this.#unseenTimer = setTimeout(() => this.#options.unseen(), unseenMs);
    if (!isSame) this.#awaitAnyAnswer(this.#firstAskedAt);
    const where = ips.length === 0 ? "no address" : ips.join(" and ");
    this.#options.note(`probes ${where} at ${ports.join(" and ")}`);
    this.#sendAll();
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

  /** A datagram, and where it came from: perhaps an answer. */
  hear(datagram: SignedDatagram, from: Endpoint): void {
    const port = this.#ports.find(({ nonce, to }) => {
      return nonce === datagram.payload.nonce && to.port === from.port && to.ip === from.ip;
    });
    if (!port || this.#isOver || !isSignedWith(this.#options.token, datagram)) return;
    const { data } = seen.safeParse(datagram.payload);
    if (!data) return;
    this.#wasSeen = true;
    for (const timer of [this.#unseenTimer, this.#blockedTimer]) if (timer) clearTimeout(timer);
    // Of the sidecar's addresses the first that is seen is the one.
    this.#ports = this.#ports.filter(({ to }) => to.ip === port.to.ip);
    if (port === this.#ports[0]) this.#cookie = data.cookie;
    const isFirst = port.cookie === undefined;
    port.cookie = data.cookie;
    if (isFirst) {
      // Under a new nonce, so that it is not taken for seen by another answer to what came before.
      port.nonce = newNonce();
      this.#sendProbe(port);
    }
    if (isFirst || port.seen) return;
    port.seen = true;
    this.#options.note(`is seen by ${port.to.port} at ${data.ip} ${data.port}`);
  }

  /** All is known: nothing is sent any more. */
  stop(): void {
    this.#isOver = true;
    for (const timer of [this.#timer, this.#unseenTimer, this.#blockedTimer]) if (timer) clearTimeout(timer);
  }

  /** Each sidecar has its time, and all together have theirs. */
  #awaitAnyAnswer(firstAskedAt: number): void {
    if (this.#wasSeen) return;
    if (this.#blockedTimer) clearTimeout(this.#blockedTimer);
    const leftMs = firstAskedAt + blockedAfterAllMs - performance.now();
    const giveUp = () => {
      this.stop();
      this.#options.blocked();
    };
    this.#blockedTimer = setTimeout(giveUp, Math.min(blockedMs, leftMs));
  }

  #sendAll(): void {
    const unseen = this.#ports.filter((port) => !port.seen);
    const isDone = unseen.length === 0 || this.#tries >= mostTries;
    const isEarly = this.#tries < headStart;
    // To those that have answered: only to be remembered by the NAT, and to have a fresh cookie.
    for (const port of isDone ? this.#ports : unseen) {
      if (!isEarly || port.to.ip === this.#ports[0]?.to.ip) this.#sendProbe(port);
    }
    this.#tries += 1;
    this.#arm(() => this.#sendAll(), isDone ? refreshMs : betweenMs);
  }

  #sendProbe({ nonce, to, cookie }: Port): void {
    const { token, candidates, send } = this.#options;
    const [holder = "", clientId = ""] = token.split(".");
    send(signDatagram(token, "ptpMediation_probe", { holder, clientId, nonce, candidates, cookie }), to);
  }

  #arm(act: (() => void) | null, ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = act && setTimeout(act, ms);
  }
}

function newPort(to: Endpoint): Port {
  return { nonce: newNonce(), to, cookie: undefined, seen: false };
}

function newNonce(): string {
  return randomBytes(9).toString("base64url");
}
