/** Whether the sidecar sees players, and players hear the sidecar: UDP may be blocked in either direction. */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { setTimeout as pass } from "node:timers/promises";
import { hostInUrl, plainAddress, scopeOf } from "../../core/endpoint.ts";
import { encodeMessage } from "../../core/wire/codec.ts";
import type { Check, Result } from "./finding.ts";
import { type Answer, askStun } from "./stun.ts";
import { Visitor } from "./visitor.ts";

/** Milliseconds that the sidecar and the server have to tell what they have seen, and between two datagrams. */
const usualPatienceMs = 5_000;
const againMs = 250;

/** A sidecar as players are told of it, and what became of a meeting there. */
type Sidecar = { host: string; ports: readonly number[]; seen: boolean };

/** Two players of this machine who let the server connect them. */
export class Sight {
  readonly #server: URL;
  readonly #patienceMs: number;
  #sidecar: Sidecar | null = null;
  #isAnswered = false;

  constructor(server: URL, patienceMs = usualPatienceMs) {
    this.#server = server;
    this.#patienceMs = patienceMs;
  }

  /** `elsewhere`: whether a STUN server at another host answers, which shows that this network lets UDP out; null if there is none. */
  reachesFirstPort(elsewhere: (than: string) => Promise<boolean | null>): Check {
    return {
      name: "udp",
      look: async (): Promise<Result> => {
        const sidecar = await this.#meet();
        this.#sidecar = sidecar;
        const { host, ports, seen } = sidecar;
        const [port = 0] = ports;
        const where = `${hostInUrl(host)}:${port}`;
        let answer: Answer | null;
        try {
          answer = await askStun({ host, port }, { patienceMs: this.#patienceMs });
        } catch {
          const what = `Players are sent to ${host}, and no address is known for this name.`;
          return { verdict: "wrong", code: "sidecar_host_unknown", what };
        }
        this.#isAnswered = answer !== null;
        if (answer && seen) return await this.#isOwnAddress(answer, where);
        if (answer) {
          const what = `The sidecar at ${where} answers, and did not tell the server of two players.`;
          return { verdict: "wrong", code: "sidecar_deaf", what };
        }
        if (seen) {
          const what = `The sidecar at ${where} sees players, and its answers do not arrive.`;
          return { verdict: "wrong", code: "udp_answers_blocked", what };
        }
        if ((await elsewhere(host)) === false) {
          const what = `Neither the sidecar at ${where} nor another STUN server answers.`;
          return { verdict: "wrong", code: "udp_blocked_here", what };
        }
        return { verdict: "wrong", code: "udp_blocked", what: `No datagram arrives at ${where}.` };
      },
    };
  }

  reachesSecondPort(): Check {
    return {
      name: "second udp port",
      look: async () => {
        const [, second] = this.#sidecar?.ports ?? [];
        if (!this.#sidecar || second === undefined || !this.#isAnswered)
          return { verdict: "ok", what: "Without an answer from the first port, this says nothing." };
        const { host } = this.#sidecar;
        return (await askStun({ host, port: second }, { patienceMs: this.#patienceMs }))
          ? { verdict: "ok", what: `The sidecar answers on port ${second} as well.` }
          : {
              verdict: "wrong",
              code: "second_port_closed",
              what: `The sidecar does not answer on port ${second}.`,
            };
      },
    };
  }

  /** The players host, join and start, and send their datagrams until the server has introduced them, or for so long. */
  async #meet(): Promise<Sidecar> {
    const [host, guest] = [
      await Visitor.connect(this.#server, "/"),
      await Visitor.connect(this.#server, "/"),
    ];
    const sockets: Socket[] = [];
    try {
      const lobbyId = await host.host("Sight");
      await guest.join(lobbyId, "Guest");
      const { status, body } = await host.post(`/lobbies/${lobbyId}/ptp/start`, {});
      if (status !== 200) throw new Error(`the mediation did not start: ${status} ${String(body.codes)}`);
      const { payload } = await host.hears("ptpMediation_send");
      const own = this.#server.hostname.replace(/^\[(.*)\]$/, "$1");
      const where = typeof payload.host === "string" ? payload.host : own;
      const port = Number(payload.port);
      const ports = Array.isArray(payload.ports) ? payload.ports.map(Number) : [port, port + 1];
      let isOver = false;
      const introduced = Promise.all(
        [host, guest].map((one) =>
          one.hears("ptpMediation_peersConnection_start", () => true, this.#patienceMs),
        ),
      ).then(
        () => true,
        () => false,
      );
      const over = introduced.then(() => {
        isOver = true;
      });
      const found = await lookup(where).catch(() => null);
      if (!found) return { host: where, ports, seen: false };
      const family = found.family === 6 ? "udp6" : "udp4";
      sockets.push(createSocket(family), createSocket(family));
      while (!isOver) {
        for (const [i, { token }] of [host, guest].entries())
          sockets[i]?.send(encodeMessage("ptpMediation_connect", { token }), port, found.address, () => {});
        await Promise.race([over, pass(againMs)]);
      }
      return { host: where, ports, seen: await introduced };
    } finally {
      for (const socket of sockets) socket.close();
      for (const visitor of [host, guest]) visitor.leave();
    }
  }

  /** A player is seen at an address of its own network only where the sidecar is in this network, too. */
  async #isOwnAddress({ endpoint }: Answer, where: string): Promise<Result> {
    const seenAt = plainAddress(endpoint?.ip ?? "");
    const { address } = await lookup(this.#sidecar?.host ?? "");
    const [seen, there] = [scopeOf(seenAt), scopeOf(plainAddress(address))];
    return seen === "private" && seen !== there
      ? {
          verdict: "wrong",
          code: "addresses_hidden",
          what: `The sidecar at ${where} sees this machine at ${seenAt}, which is not its address on the Internet.`,
        }
      : { verdict: "ok", what: `The sidecar at ${where} sees players, and they hear it.` };
  }
}

/** A sidecar that should be there, whether the server knows it or not. Only where the server knows fewer than there should be. */
export function isAtWork(
  { host, port }: { host: string; port: number },
  patienceMs = usualPatienceMs,
): Check {
  return {
    name: `sidecar ${host}`,
    look: async () => {
      const where = `${hostInUrl(host)}:${port}`;
      const answer = await askStun({ host, port }, { patienceMs }).catch(() => undefined);
      if (answer === undefined)
        return { verdict: "wrong", code: "sidecar_host_unknown", what: `No address is known for ${host}.` };
      return answer
        ? {
            verdict: "wrong",
            code: "sidecar_not_accepted",
            what: `A sidecar answers at ${where}, and the server knows fewer than there should be.`,
          }
        : { verdict: "wrong", code: "udp_blocked", what: `No sidecar answers at ${where}.` };
    },
  };
}
