/** What a person of a soak does when the server connects its lobby: sends datagrams, and reports. */
import type { Player } from "../kit/player.ts";
import { encode } from "../kit/wire.ts";
import { type Board, count } from "./board.ts";
import type { Chance } from "./chance.ts";

export class Mediated {
  readonly #board: Board;
  readonly #player: Player;
  readonly #chance: Chance;
  /** Whether it speaks as the SDK does, with local addresses and reports that name their mediation. */
  readonly #knowsLinks: boolean;
  /** Whether its network lets no UDP through. */
  readonly #isBlocked: boolean;

  constructor(board: Board, player: Player, chance: Chance) {
    this.#board = board;
    this.#player = player;
    this.#chance = chance;
    this.#knowsLinks = chance.happens(0.6);
    this.#isBlocked = chance.happens(0.07);
    player.answersOverUdp = false;
  }

  /** Does what this message asks for, mostly. */
  take(method: string, payload: Record<string, unknown>): void {
    if (method === "ptpMediation_send" && this.#chance.happens(0.9)) this.sendDatagram(payload);
    else if (method === "ptpMediation_peersConnection_start") this.#report();
  }

  /** Its router gives it another port, and it shows itself again. */
  move(): void {
    this.#player.closesPort();
    this.sendDatagram();
  }

  sendDatagram(ask = this.#player.all("ptpMediation_send").at(-1)): void {
    if (!ask || this.#isBlocked || this.#player.socket.readyState !== this.#player.socket.OPEN) return;
    const candidates = this.#knowsLinks ? [{ ip: "192.168.7.7", port: 7_777 }] : undefined;
    const bytes = encode("ptpMediation_connect", { token: this.#player.token, candidates });
    const ports: unknown[] = this.#knowsLinks && Array.isArray(ask.ports) ? ask.ports : [ask.port];
    for (const port of ports) this.#player.sendDatagram(Number(port), bytes);
    count(this.#board, "send a datagram");
  }

  #report(): void {
    const verdict = this.#chance.weighted({ connected: 12, failed: 1, nothing: 1 });
    count(this.#board, `report (${verdict})`);
    if (verdict === "connected") {
      this.#player.say(
        "ptpMediation_peersConnection_success",
        this.#knowsLinks ? { mediation: this.mediation() } : {},
      );
    }
    if (verdict === "failed") {
      const about = { mediation: this.mediation(), cause: "no-packets-received", peers: [] };
      this.#player.say("ptpMediation_peersConnection_failure", about);
    }
  }

  mediation(): unknown {
    return this.#player.all("ptpMediation_send").at(-1)?.mediation ?? "00000000";
  }
}
