/**
 * What can be wrong with a request: a stable code, an HTTP status, and a sentence a player may read.
 * Codes are part of the protocol (docs/protocol.md) and never change their meaning.
 */
export const problems = {
  invalid_body: [400, "The request body must be a JSON object."],
  key_in_url: [
    400,
    "A key must not stand in an address, where logs and histories keep it. It belongs in the header Authorization.",
  ],
  not_confirmed: [400, "Say in confirm which lobby you mean: its tag."],
  invalid_token: [400, "This token is not that of a connected client. Connect again to get a new one."],
  invalid_host_name: [
    400,
    "The host's name must have 1 to 50 characters, each one of A-Z, a-z, 0-9, _ or a space, and must not begin with a space.",
  ],
  invalid_peer_name: [
    400,
    "Your name must have 1 to 50 characters, each one of A-Z, a-z, 0-9, _ or a space, and must not begin with a space.",
  ],
  invalid_lobby_name: [
    400,
    "The lobby's name must have 1 to 50 characters, each one of A-Z, a-z, 0-9, _ or a space, and must not begin with a space.",
  ],
  invalid_is_public: [400, "isPublic must be true or false."],
  invalid_max_members: [400, "maxMembers must be a whole number from 1 to 64."],
  invalid_on_loss: [400, 'onLoss must be "abort" or "continue".'],
  invalid_privacy: [400, 'privacy must be "open" or "relay-only".'],
  invalid_lifetime: [400, 'lifetime must be "mediation" or "session".'],
  invalid_topology: [400, 'topology must be "star" or "mesh".'],
  mesh_too_large: [400, "A mesh of this size is too large for this server. Lower maxMembers, or use a star."],
  invalid_grace: [400, "graceMs must be a whole number from 0 to 300000."],
  invalid_on_host_loss: [400, 'onHostLoss must be "close" or "migrate".'],
  invalid_signals: [400, 'signals must be "peers" or "all".'],
  invalid_encryption: [400, 'encryption must be "preferred" or "required".'],
  invalid_game: [400, "game must have 1 to 64 characters, each a letter, a digit, _, - or a dot."],
  invalid_title: [
    400,
    "The title must have 1 to 50 characters, without control characters, invisible ones or a change of direction.",
  ],
  invalid_display_name: [
    400,
    "The display name must have 1 to 50 characters, without control characters, invisible ones or a change of direction.",
  ],
  invalid_code: [400, "Lobbies of this dialect cannot have this name."],
  invalid_password: [400, "The password must have 1 to 64 characters."],
  invalid_locked: [400, "locked must be true or false."],
  invalid_data: [
    400,
    "data must be an object: each key a letter and then letters, digits, _, - or dots, each value a string, a number or a boolean.",
  ],
  data_too_large: [
    413,
    "That is too much data: a lobby has 16 keys and 4096 bytes at most, a member 8 keys and 1024 bytes.",
  ],
  invalid_client: [400, "clientId must be that of a member."],
  invalid_reason: [400, "reason must be a text of 200 characters at most."],
  invalid_ban: [400, "ban must be true or false."],
  invalid_patience: [400, "patienceMs must be a whole number from 1000 to 300000."],
  invalid_term: [400, "term must be a whole number."],
  invalid_version: [400, "The version must be a whole number."],
  invalid_resume_key: [400, "This is not a resume key."],
  invalid_request_id: [400, "requestId must have 1 to 64 characters."],
  invalid_search: [400, "This search makes no sense: look at where, sort and open."],
  invalid_query: [400, "limit must be a whole number from 1 to 200, and cursor one that this server gave."],
  invalid_post: [400, "This is not a sidecar's post."],
  stale_post: [400, "This post is too old, or was taken before: look at the clock of the sidecar's machine."],
  unauthorized: [401, "This post is not signed with the key of this sidecar."],
  invalid_ticket: [401, "This is not a ticket of this server for a relay over WebSocket, or not its key."],
  ticket_expired: [401, "The ticket for the relay has expired."],
  invalid_gateway: [401, "The gateway's header is not signed for this request, or is too old."],
  wrong_operator_key: [401, "This is not a key of this server's operator."],
  read_only_key: [403, "This key may look, and do nothing else."],
  outdated_sidecar: [403, "This sidecar is older than the server: update it."],
  host_not_listed: [403, "The server's setting sidecarHosts does not list this host for this sidecar."],
  gateway_only: [
    403,
    "Only a dialect's own gateway may use its names of lobbies, and a gateway may use no other lobbies.",
  ],
  needs_secret_token: [403, "This needs the secretToken of client_registered."],
  needs_links: [403, "Only clients that know links can do this."],
  origin_not_allowed: [403, "Pages of this site may not use this server."],
  wrong_resume_key: [403, "This resume key is not that of a member of this lobby."],
  password_needed: [403, "This lobby has a password."],
  wrong_password: [403, "This is not the lobby's password."],
  banned: [403, "The host has banned you from this lobby."],
  not_a_member: [403, "You are not a member of this lobby."],
  encryption_required: [
    403,
    "Only players whose clients encrypt what they send to each other may be in this lobby.",
  ],
  cannot_signal: [403, "You may not send signals to this member."],
  no_snapshot: [404, "This lobby has no snapshot."],
  not_found: [404, "There is nothing at this address."],
  method_not_allowed: [405, "This address does not take this method."],
  body_too_slow: [408, "The request body did not come in time. Please try again."],
  already_in_lobby: [409, "You are already in a lobby."],
  no_such_lobby: [409, "There is no such lobby. Check the code."],
  lobby_locked: [409, "The lobby is connecting its players and is locked."],
  lobby_full: [409, "The lobby is full."],
  name_in_use: [409, "Another lobby has this name."],
  name_taken: [409, "Somebody in the lobby already has this name."],
  too_few_members: [409, "At least 2 players are needed."],
  no_such_member: [409, "There is no such player in this lobby."],
  not_mediating: [409, "The lobby is not connecting its players."],
  not_the_host: [409, "Only the host of the lobby can do this."],
  host_away: [409, "The lobby's host is not connected."],
  host_present: [409, "The lobby has a host."],
  cannot_lead: [409, "This player's client cannot become host."],
  locked_by_host: [409, "The host has locked the lobby."],
  max_members_too_low: [409, "The lobby has more members than that."],
  resume_key_used: [409, "This resume key was used before. The member has a newer one."],
  old_term: [409, "The lobby has another host now."],
  no_such_ban: [409, "Nobody of this id is banned from this lobby."],
  wrong_version: [412, "Somebody has changed this meanwhile. Read it again."],
  body_too_large: [413, "The request body is too large."],
  foreign_host: [421, "The operator's view is not served under this name."],
  upgrade_missing: [
    426,
    "This is half of a WebSocket's opening: something between you and the server, like a proxy, has removed the header Upgrade.",
  ],
  too_many_requests: [429, "That was too often. Please wait a moment and try again."],
  returned_too_often: [
    429,
    "Players of your network have joined and left this lobby too often. Please wait a moment.",
  ],
  gateway_busy: [429, "The gateways of this sidecar ask too much. They must all wait a moment."],
  over_budget: [429, "Your network has used this server too much today. Please try again later."],
  internal: [500, "Something went wrong on the server. Please try again."],
  no_sidecar: [503, "The server cannot connect players at the moment. Please try again in a minute."],
  code_taken: [503, "The server found no free code for the lobby. Please try again."],
  unavailable: [503, "The server could not do this at the moment. Please try again."],
  not_configured: [503, "This server is not set up completely. Its operator finds the reason in its log."],
} as const satisfies Record<string, readonly [status: number, sentence: string]>;

export type ProblemCode = keyof typeof problems;

/** Refusals of those who may be trying codes, passwords or keys: they are counted. */
export const wrongGuesses: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "no_such_lobby",
  "wrong_password",
  "wrong_resume_key",
]);

/** Refusals that only an open lobby gives. They show that the code is right. */
export const ofOpenLobbies: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  "lobby_locked",
  "lobby_full",
  "name_taken",
  "too_few_members",
  "not_the_host",
  "host_away",
  "host_present",
  "not_mediating",
  "returned_too_often",
  "no_sidecar",
  "old_term",
  "banned",
  "password_needed",
  "wrong_password",
  "cannot_lead",
  "locked_by_host",
  "wrong_resume_key",
  "resume_key_used",
  "no_such_member",
  "no_such_ban",
  "max_members_too_low",
  "wrong_version",
  "data_too_large",
  "no_snapshot",
]);

/** What a request came to: a value, or the codes of all that is wrong with it. Plain data: it crosses RPC. */
export type Outcome<T> = { ok: true; value: T } | Refusal;
/** `retryAfterS`: whole seconds after which it may be asked again. */
export type Refusal = { ok: false; codes: ProblemCode[]; retryAfterS?: number };

export function accept<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function refuse(...codes: ProblemCode[]): { ok: false; codes: ProblemCode[] } {
  return { ok: false, codes };
}

export function refuseFor(retryAfterS: number): Refusal {
  return { ok: false, codes: ["too_many_requests"], retryAfterS };
}

/** `retryAfterS`: as above. To all gateways of a sidecar. */
export function refuseGateways(retryAfterS: number): Refusal {
  return { ok: false, codes: ["gateway_busy"], retryAfterS };
}

/** `retryAfterS`: as above. */
export function refuseReturn(retryAfterS: number): Refusal {
  return { ok: false, codes: ["returned_too_often"], retryAfterS };
}

/** The HTTP answer to a refused request: the status of the first code, and a body for the client. */
export function refusal(codes: readonly ProblemCode[]): {
  status: number;
  body: { errors: string[]; codes: ProblemCode[] };
} {
  const [first = "internal"] = codes;
  return {
    status: problems[first][0],
    body: { errors: codes.map((code) => problems[code][1]), codes: [...codes] },
  };
}

/** Why a mediation ended without success: a stable code and a sentence a player may read. */
export const abortReasons = {
  member_left: "A player left the lobby while the players were being connected.",
  endpoints_timeout: "The server did not hear from every player in time.",
  connecting_timeout: "The players could not all connect to one another in time.",
  could_not_connect: "Two players could not be connected to one another.",
  left_out: "The other players go on without this one.",
  stopped: "The host has stopped connecting the players.",
} as const;

export type AbortCode = keyof typeof abortReasons;

/** Why the server closes a WebSocket: a close code (RFC 6455, 7.4) and a reason. */
export const closures = {
  flood: [1008, "Too many messages."],
  over_budget: [1008, "Your network has used this server too much today."],
  not_joined: [1008, "Join a lobby soon after you connect on its path, or connect again."],
  unanswered: [1013, "Too much unread data. Connect again."],
  pingless: [1001, "You have said that you ping, and no ping came for long."],
  frame_too_large: [1009, "A message may have 16 KiB at most."],
  out_of_reach: [1012, "The server could not reach you for a while. Come back by another connection."],
  removed: [1008, "The player was removed from the lobby, or has left it."],
  relay_full: [1013, "The relay has no room. Try again later."],
  resumed_elsewhere: [1008, "This member has come back by another connection."],
  stopping: [1012, "The server is stopping or restarting. Connect again in a moment."],
} as const satisfies Record<string, readonly [code: number, reason: string]>;
