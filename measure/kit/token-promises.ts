/** What is promised of tokens, as far as it shows from outside. */
import type { Violation } from "./memberships.ts";
import { type Player, request } from "./player.ts";

/** Tokens that are good although their sockets are closed: of the last to go. */
export async function deadTokens(players: readonly Player[]): Promise<Violation[]> {
  const gone = players.filter(({ token, story }) => token && story.some(({ kind }) => kind === "closed"));
  const violations: Violation[] = [];
  for (const player of gone.slice(-20)) {
    // No code has four letters. So the token is what is asked about, and no lobby.
    const { body } = await request(player.base, "/lobbies/none/ptp/start", {
      method: "POST",
      body: JSON.stringify({ token: player.token }),
    });
    if (String(body?.codes) !== "invalid_token") {
      const sentence = `The token of ${player.clientId} is good although its socket is closed (${body?.codes}).`;
      violations.push({ sentence, players: [player] });
    }
  }
  return violations;
}

/** What makes a token a secret, wherever it stands. */
const macShape = /[\w-]{22,}/g;

/** Tokens that somebody else was told, or that two have. */
export function leakedTokens(players: readonly Player[]): Violation[] {
  const owners = new Map<string, Player>();
  const violations: Violation[] = [];
  for (const player of players) {
    const mac = player.token.split(".").at(-1);
    if (!mac) continue;
    const other = owners.get(mac);
    if (other) violations.push({ sentence: "Two players were given one token.", players: [other, player] });
    owners.set(mac, player);
    // It has the token, and one more of these.
    const secret = player.secretToken.split(".").at(-1);
    if (secret) owners.set(secret, player);
  }
  for (const player of players) {
    for (const entry of player.story) {
      if (entry.kind !== "heard" && entry.kind !== "answered") continue;
      const told = entry.kind === "heard" ? entry.message : entry.body;
      if (entry.kind === "heard" && entry.message.method === "client_registered") continue;
      for (const [text] of JSON.stringify(told).matchAll(macShape)) {
        const owner = owners.get(text);
        if (!owner) continue;
        const sentence = `Player ${player.clientId} was told the token of ${owner.clientId}.`;
        violations.push({ sentence, players: [player, owner] });
      }
    }
  }
  return violations;
}
