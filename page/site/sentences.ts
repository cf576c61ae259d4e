/**
 * What the page tells a player, by the code of what went wrong. The server and the SDK have sentences, too, for developers of games; these are
 * for somebody who plays, and say what to do.
 */

/** All codes that a player can bring about, or meet. */
export const sentences: Readonly<Record<string, string>> = {
  // The page's own.
  wrong_invitation: "This is not an invite link of ours. Ask for the link again, or type the code.",
  websocket_refused:
    "This network shows the page, but lets no WebSocket through, and lobbies need one. Try another network, or ask whoever runs the proxy.",
  offline: "This device is offline. The page goes on as soon as it is back.",
  reconnecting: "The connection to the server is lost. Coming back…",
  server_away: "The server does not answer. Perhaps it is restarting: the page tries again by itself.",
  game_failed: "The game could not be loaded. Load the page again.",
  lobby_gone: "The connection was lost, and the lobby is over by now. Perhaps the server was restarted.",
  other_tab: "This lobby is open in another tab of yours. You join here as another player.",

  // The connection.
  unreachable: "The server cannot be reached. Look at your connection, and try again.",
  unanswered: "The server did not answer in time. Try again.",
  disconnected: "The connection was lost for too long, and your place in the lobby is gone.",
  not_orion: "Something else than an Orion server answers here.",
  unexpected_answer: "The server said something that this page does not understand. Load the page again.",
  unsupported_runtime: "This browser is too old for the game. A current one will do.",
  aborted: "It was called off.",
  busy: "One moment: a lobby is being opened or joined already.",

  // Getting in.
  no_such_lobby:
    "There is no lobby with this code. Perhaps it is over. Look at the code, or ask for a new link.",
  lobby_full: "The lobby is full.",
  lobby_locked: "The lobby is connecting its players. Try again in a moment.",
  locked_by_host: "The host has locked the lobby: nobody may join now.",
  password_needed: "This lobby has a password. Ask the host for it.",
  wrong_password: "This is not the password.",
  banned: "The host has banned you from this lobby.",
  name_taken: "Somebody in the lobby has this name. Choose another.",
  encryption_required: "This lobby is only for players whose game encrypts its connections.",
  gateway_only: "This lobby belongs to another game.",
  already_in_lobby: "You are in a lobby already. Load the page again.",
  returned_too_often: "You have come and gone too often. Wait a moment.",
  no_privacy: "This server would tell the other players your address.",
  no_encryption: "This server would let in players who cannot encrypt.",

  // Names, chat and passwords.
  invalid_host_name: "This cannot be a name: use 1 to 50 letters and digits.",
  invalid_peer_name: "This cannot be a name: use 1 to 50 letters and digits.",
  invalid_lobby_name: "This cannot be a lobby's name: use 1 to 50 letters and digits.",
  invalid_display_name:
    "This cannot be a name: it has characters that nobody sees, or that turn the text around.",
  invalid_title:
    "This cannot be a lobby's name: it has characters that nobody sees, or that turn the text around.",
  invalid_password: "A password has 1 to 64 characters.",
  invalid_message: "A message has 1 to 250 characters.",
  too_many_messages: "The chat is too busy. Wait a moment.",

  // In the lobby.
  not_the_host: "Only the host can do this.",
  old_term: "The lobby has another host now.",
  no_such_member: "This player has left.",
  too_few_members: "At least 2 players are needed.",
  cannot_lead: "This player's game cannot be the host.",
  wrong_version: "Somebody else has changed this just now.",
  not_mediating: "The players are not being connected at the moment.",
  no_sidecar: "The server cannot connect these players at the moment. Try again in a minute.",
  max_members_too_low: "More players than that are in the lobby.",

  // Too often, too much.
  too_many_requests: "That was too often. Wait a moment, and try again.",
  over_budget: "Your network has used this server too much today. Try again later.",

  // The end.
  left: "You have left the lobby.",
  host_left: "The lobby is closed: its host has left.",
  lobby_closed: "The lobby is closed.",
  connected: "The lobby is closed: its players are connected.",
  kicked: "The host has removed you from the lobby.",
  resumed_elsewhere: "You play on in another tab.",
  resume_refused: "You cannot come back to this lobby: your place is taken, or the host has removed you.",
  resume_key_used: "Your place in this lobby is taken by another tab.",
  wrong_resume_key: "You cannot come back to this lobby: your place is gone.",

  // The server.
  internal: "Something went wrong on the server. Try again.",
  code_taken: "The server found no room for another lobby. Try again.",
  unavailable: "The server could not do this at the moment. Try again.",
  not_configured: "This server is not set up completely. Whoever runs it finds the reason in its log.",
  origin_not_allowed: "This server does not let pages of this site use it.",

  // Why the players were not connected.
  member_left: "A player left while all were being connected. The page tries again.",
  endpoints_timeout: "Not every player answered in time. The page tries again.",
  connecting_timeout: "The players could not be connected in time. The page tries again.",
  could_not_connect: "Two players could not be connected. The page tries again.",
  left_out: "You could not be connected in time. The page tries again.",
  stopped: "The host has stopped connecting the players.",

  // Why two are not connected, or not directly.
  "udp-blocked": "A firewall or this network blocks UDP, so packets go through the server.",
  "no-udp": "A browser has no UDP of its own, so packets go through the server.",
  "no-sidecar": "The server's UDP service is off, so packets go through the server.",
  "no-packets-received": "Nothing of the other player's gets through.",
  "one-way": "Packets get through in one direction only.",
  "both-endpoint-dependent":
    "Both routers use another port for each destination, so packets go through the server.",
  "ports-not-guessed": "A router uses another port for each destination, and it was not found in time.",
  "not-yet-direct": "No straight way has been found so far, so packets go through the server.",
  "relay-refused": "The server does not carry this connection.",
  "relay-unreachable": "The server's relay does not answer.",
  "relay-only": "All packets go through the server, so that nobody learns an address.",
  "no-additions": "The other player's game does not know this way of connecting.",
  "not-encrypted": "The other player's game cannot encrypt the connection.",
  "keys-differ":
    "The connection is not safe: the two players have different secrets, or somebody is in between.",
  "invalid-packets": "The other player's game sends what no game may send.",
  "path-lost": "The connection was there, and has died.",
  "peer-left": "The other player has closed the connection.",
};

/** The sentence for a code. Every code has one: those that only a mistake of ours brings about have this. */
export function sentenceFor(code: string, retryAfterS: number | null = null): string {
  const sentence = Object.hasOwn(sentences, code)
    ? (sentences[code] ?? "")
    : `That did not work (${/^[\w-]{1,40}$/.test(code) ? code : "unknown"}). Load the page again.`;
  return retryAfterS === null || retryAfterS < 2 ? sentence : `${sentence} (${retryAfterS} s)`;
}

/** The same for whatever was thrown: an OrionError has a code, all else is a mistake of ours. */
export function sentenceOf(error: unknown): string {
  const { retryAfterS } = (error ?? {}) as { retryAfterS?: unknown };
  return sentenceFor(codeOf(error), typeof retryAfterS === "number" ? retryAfterS : null);
}

export function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "internal";
}

/** How packets go, for the panel. */
export const paths: Readonly<Record<string, string>> = {
  lan: "Straight, in the same network",
  direct: "Straight, from network to network",
  turn: "Through a TURN server",
  relay: "Through the server, by UDP",
  websocket: "Through the server, by WebSocket",
};
