/**
 * "Where do you see me?", to a sidecar's ports: does what the probe's state machine
 * (core/observing/probe.ts) decides.
 */
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import { awaits, noncesFor, sidecarIp, step, wakeAt } from "../../core/observing/probe.ts";
import {
  newProbe,
  type ProbeEffect,
  type ProbeEvent,
  type SidecarPorts,
} from "../../core/observing/probe-state.ts";
import { readAs } from "../../core/shape.ts";
import { encodeMessage } from "../../core/wire/codec.ts";
import { seen } from "../../core/wire/sidecar-message.ts";
import type { SignedDatagram } from "../../core/wire/signed-datagram.ts";
import { isSignedWith, signDatagram } from "./signing.ts";

/** What lets the client probe a sidecar, and what its probes are signed with. */
export type PassWithKey = { pass: string; passKey: string };

export type ProbeOptions = {
  /** For a server that knows Orion alone. No other is sent it. */
  token: () => string;
  candidates: Endpoint[];
  send: (datagram: string, to: Endpoint) => void;
  /** Something happened, worth a line in the report. */
  note: (what: string) => void;
  /** The sidecar that was last asked for does not answer, for 2 s. */
  unseen: () => void;
  /** None has ever answered, for as long as it may take. */
  blocked: () => void;
};

export class Probe {
  readonly #options: ProbeOptions;
  #state = newProbe;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** For the sidecar that was last asked for. */
  #pass: PassWithKey = { pass: "", passKey: "" };

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** What the sidecar's first port gave us, to bind a relay with. */
  get cookie(): string | undefined {
    return this.#state.cookie;
  }

  /** The address at which we were seen, or the first that was asked. */
  get ip(): string | null {
    return sidecarIp(this.#state);
  }

  /** The server asks to be shown our endpoint, by this sidecar; again, perhaps, or by another. */
  ask(sidecar: SidecarPorts, pass: PassWithKey): void {
    this.#pass = pass;
    this.#take({ kind: "asked", sidecar, nonces: Array.from({ length: noncesFor(sidecar) }, newNonce) });
  }

  /** The same, by a server that knows Orion alone: it has one port, and does not answer. */
  askPlainly(to: Endpoint): void {
    this.#take({ kind: "asked-plainly", to });
  }

  /** A datagram, and where it came from: perhaps an answer. */
  hear(datagram: SignedDatagram, from: Endpoint): void {
    if (!awaits(this.#state, datagram.payload.nonce, from)) return;
    if (!isSignedWith(this.#pass.passKey, datagram)) return;
    const data = readAs(seen, datagram.payload);
    if (!data) return;
    const { nonce, cookie, ip, port } = data;
    this.#take({
      kind: "answer-received",
      from,
      nonce,
      seen: { ip, port },
      cookie,
      nextNonce: newNonce(),
    });
  }

  /** All is known: nothing is sent any more. */
  stop(): void {
    this.#take({ kind: "stopped" });
  }

  #take(event: ProbeEvent): void {
    const { state, effects } = step(this.#state, event, performance.now());
    this.#state = state;
    this.#wake();
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: ProbeEffect): void {
    const { token, candidates, send, note, unseen, blocked } = this.#options;
    switch (effect.kind) {
      case "send-probe": {
        const { to, nonce, cookie } = effect;
        const { pass, passKey } = this.#pass;
        send(signDatagram(passKey, "ptpMediation_probe", { pass, nonce, candidates, cookie }), to);
        return;
      }
      case "send-connect":
        send(encodeMessage("ptpMediation_connect", { token: token() }), effect.to);
        return;
      case "report-unseen":
        unseen();
        return;
      case "give-up":
        blocked();
        return;
      case "note":
        note(effect.what);
        return;
    }
  }

  #wake(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const at = wakeAt(this.#state);
    if (at === Number.POSITIVE_INFINITY) return;
    // Timers may be early by a part of a millisecond.
    const ms = Math.max(0, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#take({ kind: "deadline-passed" }), ms);
  }
}

function newNonce(): string {
  return randomBytes(9).toString("base64url");
}
