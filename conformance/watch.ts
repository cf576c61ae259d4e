/** Looks at all that the client under test says to the server and to the sidecar, in every run, for what is wrong by itself. */

import { isSignedWith } from "../client/udp/signing.ts";
import { readAs } from "../core/shape.ts";
import { readClientMessage } from "../core/wire/client-message.ts";
import { decodeMessage, type Message } from "../core/wire/codec.ts";
import { kindOf } from "../core/wire/datagram.ts";
import { isPacketKind } from "../core/wire/peer-packet.ts";
import { bind, probe } from "../core/wire/sidecar-message.ts";
import { readSignedDatagram } from "../core/wire/signed-datagram.ts";
import type { Run } from "./run.ts";
import type { Asked, Entry } from "./transcript.ts";

const clientMethods = [
  "client_pings",
  "client_features",
  "lobby_messaging_send",
  "ptpMediation_peersConnection_success",
  "ptpMediation_peersConnection_failure",
  "ptpMediation_unseen",
  "ptpMediation_ready",
  "lobby_signal",
  "client_hidden",
  "ptpRelay_renew",
];
/** Bytes of a probe and a bind, at least. */
const paddedBytes = 300;

export class Watch {
  /** What the client has said that it can do. */
  features: readonly string[] | null = null;
  /** The lobby it is in, as the server calls it. */
  lobbyId: string | null = null;
  clientId = "";
  /** What it was told last of the mediation. */
  mediation: string | null = null;
  /** Its key's hash in this mediation, and in those before. */
  commitment: string | null = null;
  readonly #earlierCommitments = new Set<string>();
  readonly #run: Run;
  readonly #tokens = new Map<number, readonly string[]>();
  readonly #pass = { pass: "", passKey: "" };
  /** Keys of tickets, by ticket. */
  readonly #tickets = new Map<string, string>();
  readonly #probed = new Map<number, { nonces: Set<string>; cookie: boolean }>();
  /** Since it was asked for a datagram. */
  #hasSaidUnseen = false;

  constructor(run: Run) {
    this.#run = run;
    run.transcript.listen((entry) => this.#take(entry));
  }

  /** Whether the client talks to the sidecar by probes. */
  get knowsLinks(): boolean {
    return this.features?.includes("links") ?? false;
  }

  /** Whether a probe with the port's cookie has come to this port of the sidecar since the client was asked. */
  hasProved(port: 0 | 1): boolean {
    return this.#probed.get(port)?.cookie ?? false;
  }

  #take(entry: Entry): void {
    switch (entry.kind) {
      case "asked":
        this.#ask(entry.path, entry.token, entry.body);
        return;
      case "answered":
        this.#answer(entry.path, entry.status, entry.body);
        return;
      case "said":
        this.#say(entry.socket, entry.text, entry.message);
        return;
      case "told":
        this.#tell(entry.socket, entry.message);
        return;
      case "datagram":
        this.#see(entry.port, entry.bytes);
        return;
      default:
    }
  }

  #ask(path: string, token: string, body: Asked): void {
    const isOurs = [...this.#tokens.values()].some((tokens) => tokens.includes(token));
    if (path.startsWith("/lobbies/") && !isOurs)
      this.#run.blame("wrong_token", `The request was to ${path}.`);
    if (Array.isArray(body?.features)) this.features = body.features;
  }

  #answer(path: string, status: number, body: Asked): void {
    const codes = Array.isArray(body?.codes) ? body.codes : [];
    const detail = `${path} was answered ${status} ${codes.join(", ")}: ${String(body?.errors ?? "")}`;
    // A token that was good until the connection was lost is nobody's fault.
    if (codes.includes("invalid_token")) return;
    if (codes.includes("needs_secret_token")) this.#run.blame("no_secret_token", detail);
    else if (codes.includes("old_term")) this.#run.blame("old_term", detail);
    else if (codes.includes("resume_key_used")) this.#run.blame("used_resume_key", detail);
    else if ([400, 404, 405].includes(status) && !path.startsWith("/favicon"))
      this.#run.blame("invalid_request", detail);
    if (status < 300 && typeof body?.lobbyId === "string") this.lobbyId = body.lobbyId;
  }

  #say(socket: number, text: string, message: Message | null): void {
    if (text === "ping") return;
    if (!message) {
      this.#run.blame("malformed_message", `It begins with "${text.slice(0, 60)}".`);
      return;
    }
    const { method, payload } = message;
    if (!clientMethods.includes(method)) {
      this.#run.blame("unknown_method", `It is ${method}.`);
      return;
    }
    if (!readClientMessage(text)) {
      const shown = { ...payload, ...("token" in payload && { token: "…" }) };
      this.#run.blame("invalid_message", `It is ${method} ${JSON.stringify(shown).slice(0, 300)}.`);
      return;
    }
    if (!this.#tokens.get(socket)?.includes(String(payload.token)))
      this.#run.blame("wrong_token", `The message is ${method}.`);
    switch (method) {
      case "client_features":
        this.features = payload.features as string[];
        break;
      case "lobby_messaging_send":
        if (this.lobbyId !== null && payload.lobbyId !== this.lobbyId)
          this.#run.blame("wrong_lobby_id", `It said "${payload.lobbyId}" for ${this.lobbyId}.`);
        break;
      case "ptpMediation_unseen":
        if (this.#hasSaidUnseen) this.#run.blame("unseen_again");
        this.#hasSaidUnseen = true;
        break;
      case "ptpMediation_ready":
        this.#commit(payload.commitment);
        break;
      case "ptpMediation_peersConnection_success":
      case "ptpMediation_peersConnection_failure":
        if (payload.mediation !== undefined && payload.mediation !== this.mediation)
          this.#run.blame("wrong_report", `It names the mediation ${payload.mediation}.`);
        break;
    }
  }

  #commit(commitment: unknown): void {
    if (typeof commitment !== "string") return;
    if (this.#earlierCommitments.has(commitment)) this.#run.blame("key_again");
    if (this.commitment !== null && this.commitment !== commitment) this.#run.blame("other_commitment");
    this.commitment ??= commitment;
  }

  #tell(socket: number, { method, payload }: Message): void {
    switch (method) {
      case "client_registered":
        this.#tokens.set(socket, [String(payload.token), String(payload.secretToken)]);
        this.clientId = String(payload.clientId);
        return;
      case "ptpMediation_send": {
        this.#hasSaidUnseen = false;
        const mediation = String(payload.mediation);
        if (mediation !== this.mediation && this.commitment !== null) {
          this.#earlierCommitments.add(this.commitment);
          this.commitment = null;
        }
        this.mediation = mediation;
        this.#pass.pass = String(payload.pass);
        this.#pass.passKey = String(payload.passKey);
        return;
      }
      case "ptpMediation_peersConnection_start":
        for (const { relay } of payload.peers as { relay?: { ticket: string; key: string } }[])
          if (relay) this.#tickets.set(relay.ticket, relay.key);
        return;
      case "ptpRelay_renewed":
        for (const { ticket, key } of payload.tickets as { ticket: string; key: string }[])
          this.#tickets.set(ticket, key);
        return;
      default:
    }
  }

  #see(port: number, bytes: Buffer): void {
    switch (kindOf(bytes)) {
      case "connect": {
        const token = decodeMessage(bytes.toString())?.payload.token;
        const own = [...this.#tokens.values()];
        if (this.knowsLinks) this.#run.blame("token_over_udp");
        else if (own.some(([, secret]) => token === secret))
          this.#run.blame("token_over_udp", "It was even the secretToken.");
        else if (!own.some(([plain]) => token === plain))
          this.#run.blame("wrong_datagram", "Its token is not that of client_registered.");
        return;
      }
      case "probe":
        this.#probe(port, bytes);
        return;
      case "bind":
        this.#bind(bytes);
        return;
      default:
        if (isPacketKind(bytes[0] ?? 0)) return;
        this.#run.blame("wrong_datagram", `It begins with "${bytes.toString("latin1", 0, 40)}".`);
    }
  }

  #probe(port: number, bytes: Buffer): void {
    const signed = readSignedDatagram(bytes);
    const payload = signed && readAs(probe, signed.payload);
    if (!signed || !payload) {
      this.#run.blame(
        "wrong_probe",
        signed ? "A field of its payload is wrong." : "It is not method:base64(JSON).mac.",
      );
      return;
    }
    if (payload.pass !== this.#pass.pass) this.#run.blame("wrong_probe", "Its pass is not the last one.");
    else if (!isSignedWith(this.#pass.passKey, signed)) this.#run.blame("wrong_probe_mac");
    if (bytes.length < paddedBytes) this.#run.blame("no_pad", `It has ${bytes.length} bytes.`);
    const probed = this.#probed.get(port === 1 ? 1 : 0) ?? { nonces: new Set(), cookie: false };
    this.#probed.set(port === 1 ? 1 : 0, probed);
    if (payload.cookie === undefined) probed.nonces.add(payload.nonce);
    else if (probed.nonces.has(payload.nonce)) this.#run.blame("nonce_again");
    else probed.cookie = true;
  }

  #bind(bytes: Buffer): void {
    const signed = readSignedDatagram(bytes);
    const payload = signed && readAs(bind, signed.payload);
    const key = payload && this.#tickets.get(payload.ticket);
    if (!signed || !payload) this.#run.blame("wrong_bind");
    else if (!key) this.#run.blame("wrong_bind", "The ticket is none that the client was given.");
    else if (!isSignedWith(key, signed)) this.#run.blame("wrong_probe_mac", "It is a bind of the relay.");
    if (bytes.length < paddedBytes) this.#run.blame("no_pad", `It is a bind of ${bytes.length} bytes.`);
  }
}
