/** What stands in for Cloudflare's API of TURN credentials, which nobody can call without an account. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { knownSecrets } from "./secret.ts";

export type TurnApi = {
  /** The Worker's settings and secrets that lead to it. */
  readonly vars: { turnApi: string; TURN_KEY_ID: string; TURN_KEY_TOKEN: string };
  /** User names of credentials that are good, and of those that were ended. */
  readonly issued: string[];
  readonly revoked: string[];
  /** What it answers from now on, other than it should. */
  answers: { status?: number; text?: string; afterMs?: number };
  stop(): Promise<void>;
};

/** A TURN server whose credentials come from a secret that it shares with an API: coturn's `use-auth-secret`. */
export type SharedTurn = { readonly urls: readonly string[]; readonly secret: string };

/** `turn`: the server that its credentials are for; without one they are for none. */
export async function startTurnApi(turn?: SharedTurn): Promise<TurnApi> {
  const [id, token] = ["turn-key-of-the-test", "turn-token-of-the-test-0123456789"];
  knownSecrets.add(token);
  const issued: string[] = [];
  const revoked: string[] = [];
  const api = { answers: {} as TurnApi["answers"] };
  const server = createServer(async (request, response) => {
    const body = String(Buffer.concat(await request.toArray()));
    const { status, text, afterMs = 0 } = api.answers;
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const [, key, what] = /^\/turn\/keys\/([^/]+)\/credentials\/(.+)$/.exec(request.url ?? "") ?? [];
    const isAllowed =
      request.headers.authorization === `Bearer ${token}` && key === id && request.method === "POST";
    if (!isAllowed) return response.writeHead(401).end('{"error": "not allowed"}');
    if (status !== undefined || text !== undefined) return response.writeHead(status ?? 201).end(text ?? "");
    if (what !== "generate-ice-servers") {
      revoked.push(decodeURIComponent(what?.replace(/\/revoke$/, "") ?? ""));
      return response.writeHead(204).end();
    }
    const { ttl } = JSON.parse(body);
    const [username, credential] = turn
      ? temporary(turn.secret, ttl, issued.length)
      : [`user/${issued.length}`, `password-${issued.length}-${ttl}`];
    knownSecrets.add(credential);
    issued.push(username);
    const iceServers = turn ? [{ urls: turn.urls, username, credential }] : madeUp(username, credential);
    return response
      .writeHead(201, { "content-type": "application/json" })
      .end(JSON.stringify({ iceServers }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return Object.assign(api, {
    vars: { turnApi: `http://127.0.0.1:${port}`, TURN_KEY_ID: id, TURN_KEY_TOKEN: token },
    issued,
    revoked,
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
}

/** Servers as Cloudflare's API tells them. */
function madeUp(username: string, credential: string): object[] {
  return [
    { urls: ["stun:stun.example.com:3478", "stun:stun.example.com:53"] },
    {
      urls: [
        "turn:turn.example.com:3478?transport=udp",
        "turn:turn.example.com:53?transport=udp",
        "turns:turn.example.com:443?transport=tcp",
      ],
      username,
      credential,
    },
  ];
}

/** A user name that says until when it is good, and its password (draft-uberti-behave-turn-rest). */
function temporary(secret: string, ttl: number, nr: number): [username: string, credential: string] {
  const username = `${Math.floor(Date.now() / 1000) + ttl}:player-${nr}`;
  return [username, createHmac("sha1", secret).update(username).digest("base64")];
}
