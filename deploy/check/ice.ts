/** The STUN and TURN servers that the server tells browsers. */
import { connect } from "node:net";
import { readAs } from "../../core/shape.ts";
import { iceAnswer } from "../../core/wire/ice.ts";
import type { Check } from "./finding.ts";
import { askStun } from "./stun.ts";
import { Visitor } from "./visitor.ts";

/** Milliseconds to wait for an answer. */
const usualPatienceMs = 3_000;
/** By RFC 7064 and RFC 7065. */
const usualPort = { stun: 3478, turn: 3478, stuns: 5349, turns: 5349 } as const;

type IceUrl = { url: string; scheme: keyof typeof usualPort; host: string; port: number; overTcp: boolean };

/** What the server tells members of a lobby. */
export class IceServers {
  readonly #server: URL;
  readonly #patienceMs: number;
  #urls: IceUrl[] | null = null;

  constructor(server: URL, patienceMs = usualPatienceMs) {
    this.#server = server;
    this.#patienceMs = patienceMs;
  }

  answer(): Check {
    return {
      name: "ice servers",
      look: async () => {
        const urls = await this.#all();
        if (urls.length === 0)
          return { verdict: "note", code: "ice_none", what: "The server tells browsers no STUN server." };
        const silent: string[] = [];
        await Promise.all(
          urls.map(async (one) => {
            if (!(await isThere(one, this.#patienceMs))) silent.push(one.url);
          }),
        );
        return silent.length > 0
          ? { verdict: "wrong", code: "ice_silent", what: `No answer from ${silent.sort().join(", ")}.` }
          : { verdict: "ok", what: `All ${urls.length} STUN and TURN servers answer.` };
      },
    };
  }

  /** Whether one that is not at this host answers. Null if there is no other. */
  async othersAnswer(than: string): Promise<boolean | null> {
    const others = (await this.#all()).filter(({ host, overTcp }) => host !== than && !overTcp);
    if (others.length === 0) return null;
    return (await Promise.all(others.map((one) => isThere(one, this.#patienceMs)))).includes(true);
  }

  async #all(): Promise<IceUrl[]> {
    if (this.#urls) return this.#urls;
    const visitor = await Visitor.connect(this.#server, "/lobbies");
    const lobbyId = await visitor.host("Ice");
    const { status, body } = await visitor.post(`/lobbies/${lobbyId}/ice`, { token: visitor.secretToken });
    visitor.leave();
    const answer = readAs(iceAnswer, body);
    if (!answer) throw new Error(`no list of servers came: status ${status}`);
    this.#urls = answer.iceServers.flatMap(({ urls }) => urls.flatMap(read));
    return this.#urls;
  }
}

function read(url: string): IceUrl[] {
  const [, scheme, host = "", port, transport] =
    /^(stuns?|turns?):([\w.-]+|\[[\da-f:.]+\])(?::(\d+))?(?:\?transport=(\w+))?$/i.exec(url) ?? [];
  if (scheme === undefined) return [];
  const kind = scheme.toLowerCase() as keyof typeof usualPort;
  const overTcp = kind.endsWith("s") || transport?.toLowerCase() === "tcp";
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return [{ url, scheme: kind, host: bare, port: Number(port ?? usualPort[kind]), overTcp }];
}

async function isThere({ scheme, host, port, overTcp }: IceUrl, patienceMs: number): Promise<boolean> {
  if (!overTcp)
    return await askStun({ host, port }, { kind: scheme === "turn" ? "turn" : "stun", patienceMs }).then(
      (answer) => answer !== null,
      () => false,
    );
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
    socket.on("timeout", () => end(false));
  });
}
