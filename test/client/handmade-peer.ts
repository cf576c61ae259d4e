/** A player whose client was made by hand from docs/links.md, without the product's own code: it can do what no honest client does. */
import { createHmac } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Player } from "../../measure/kit/player.ts";
import { signedOf } from "../../measure/kit/secret.ts";
import { decode } from "../../measure/kit/wire.ts";

const kinds = { check: 0xe8, answer: 0xe9, data: 0xea, farewell: 0xeb };

/** A packet of a peer; its mac may be any other. */
export function packetOf(
  { id, key }: { id: string; key: string },
  kind: "check" | "answer" | "farewell",
  side: number,
  number: number,
): Buffer {
  const signed = Buffer.alloc(16);
  signed[0] = kinds[kind];
  signed.write(id, 1, "hex");
  signed[7] = side;
  signed.writeBigUInt64BE(BigInt(number), 8);
  const mac = createHmac("sha256", Buffer.from(key, "base64url")).update(signed).digest().subarray(0, 16);
  return Buffer.concat([signed, mac]);
}

export class HandmadePeer {
  readonly player: Player;
  readonly socket: Socket;
  /** All that came over UDP. */
  readonly heard: Buffer[] = [];
  answers = true;
  /** The pair's secret, as the introduction told it. */
  link = { id: "", key: "" };
  /** The other end's port. */
  port = 0;
  #number = 0;
  /** What the server let it probe with. */
  #pass = { pass: "", passKey: "" };

  /** Joins the lobby, and answers when the server asks to see it. */
  static async join(base: URL, lobbyId: string, name: string): Promise<HandmadePeer> {
    const player = await Player.connect(base, `/lobbies/${lobbyId}`);
    player.answersOverUdp = false;
    const { status } = await player.join(lobbyId, name);
    if (status !== 200) throw new Error(`${name} could not join`);
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new HandmadePeer(player, socket);
  }

  private constructor(player: Player, socket: Socket) {
    this.player = player;
    this.socket = socket;
    socket.on("message", (bytes, { port }) => this.#hear(bytes, port));
  }

  /** Is seen by the server, and introduced to its peer. */
  async meets(): Promise<void> {
    const { ports, pass, passKey } = await this.player.hears("ptpMediation_send");
    this.#pass = { pass: String(pass), passKey: String(passKey) };
    for (const port of ports as number[]) this.#probe(port, { nonce: `first-${port}` });
    const { peers } = await this.player.hears("ptpMediation_peersConnection_start");
    const [{ link, port }] = peers as [{ link: { id: string; key: string }; port: number }];
    this.link = link;
    this.port = port;
  }

  send(bytes: Buffer | string, port = this.port): void {
    this.socket.send(bytes, port, "127.0.0.1");
  }

  /** Sends a check as it should be, from this socket or another. */
  check(from = this.socket): Buffer {
    this.#number += 1;
    const packet = packetOf(this.link, "check", 1, this.#number);
    from.send(packet, this.port, "127.0.0.1");
    return packet;
  }

  /** A packet of its game. */
  data(text: string | Buffer): Buffer {
    return Buffer.concat([Buffer.of(kinds.data), Buffer.from(this.link.id, "hex"), Buffer.from(text)]);
  }

  farewell(): void {
    this.#number += 1;
    this.send(packetOf(this.link, "farewell", 1, this.#number));
  }

  async leave(): Promise<void> {
    this.socket.close();
    await this.player.leave();
  }

  /** A probe counts once it returns the cookie of an answer. */
  #probe(port: number, about: object): void {
    const { pass, passKey } = this.#pass;
    const payload = { pass, candidates: [], pad: "-".repeat(120), ...about };
    this.send(signedOf(passKey, "ptpMediation_probe", payload), port);
  }

  #hear(bytes: Buffer, port: number): void {
    this.heard.push(bytes);
    if (bytes.subarray(0, 18).equals(Buffer.from("ptpMediation_seen:"))) {
      const { nonce, cookie } = decode(bytes.toString().split(".")[0] ?? "").payload;
      if (nonce === `first-${port}`) this.#probe(port, { nonce: `again-${port}`, cookie });
    }
    if (bytes[0] !== kinds.check || !this.answers) return;
    this.send(packetOf(this.link, "answer", 1, Number(bytes.readBigUInt64BE(8))), port);
  }
}
