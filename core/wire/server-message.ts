/**
 * What the server sends on a WebSocket, in Orion's words (docs/protocol.md): each message described once, for
 * the server that writes it and for the client that reads it. Fields marked + are additions to Orion.
 */
import { longestPass } from "../observing/pass.ts";
import {
  anything,
  both,
  either,
  type FieldsShape,
  fields,
  lenient,
  listOf,
  nothing,
  nullable,
  number,
  oneOf,
  optional,
  readAs,
  type Shape,
  type Shaped,
  text,
  truth,
  whole,
} from "../shape.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { dataChangeShape, dataShape } from "./data.ts";
import { endpointShape, portShape as port } from "./endpoint.ts";
import { introduction } from "./introduction.ts";
import { wireLimits } from "./limits.ts";
import { pathKinds } from "./path-kinds.ts";

/** The lobby's version, after what the message tells of. A server of the version before does not say it of members that come and go. */
const version = lenient(whole());

/**
 * `needed`: a client ignores the message if one of these is wrong. `more`: it does without these, and Orion's
 * server lacks some.
 */
type Described = { needed: Shape<object>; more?: { readonly [field: string]: Shape<unknown> } };

const messages = {
  /**
   * At once on connecting. + clientId, which is no secret. + pingMs: `ping` may be said this often (ping.ts).
   * + secretToken: what requests need that are not Orion's, because the token itself may go over UDP in clear.
   */
  client_registered: {
    needed: fields({ token: text(256, 1) }),
    more: {
      clientId: text(),
      pingMs: number(1_000, 600_000),
      secretToken: text(256, 1),
    },
  },
  /** To everyone already in the lobby. + clientId, version, displayName, data */
  lobby_peerConnect: {
    needed: fields({
      peerName: text(),
      clientId: lenient(text()),
      version,
      displayName: lenient(text()),
      data: lenient(dataShape),
    }),
    more: { lobbyId: text() },
  },
  /** To the rest, when a member leaves and the lobby goes on. + clientId, version; kicked: the host has removed it. */
  lobby_peerDisconnect: {
    needed: fields({
      peerName: text(),
      clientId: lenient(text()),
      version,
      kicked: lenient(truth),
    }),
    more: { lobbyId: text() },
  },
  // From here to `lobby_closed`, additions: they are sent to clients that have said what they can do.
  /** + To the rest: a member has lost its connection. Until then, in milliseconds since 1970, it may come back. */
  lobby_memberAway: {
    needed: fields({ peerName: text(), clientId: text(), version, until: number() }),
    more: { lobbyId: text() },
  },
  /** + To the rest: it has come back. */
  lobby_memberBack: {
    needed: fields({ peerName: text(), clientId: text(), version }),
    more: { lobbyId: text() },
  },
  /** + To all: the lobby has another host; `term` counts hosts. */
  lobby_hostChanged: {
    needed: fields({ host: text(), clientId: text(), version, term: whole(1) }),
    more: { lobbyId: text() },
  },
  /** + To all: the host has changed these. In `data`, null stands for a key that is gone. */
  lobby_changed: {
    needed: fields({
      version: whole(),
      lobbyName: optional(text()),
      title: optional(text()),
      isPublic: optional(truth),
      maxMembers: optional(number()),
      hasPassword: optional(truth),
      locked: optional(truth),
      data: optional(dataChangeShape),
    }),
    more: { lobbyId: text() },
  },
  /** + To all: a member has changed these of itself. */
  lobby_memberChanged: {
    needed: fields({
      clientId: text(),
      version: whole(),
      displayName: optional(text()),
      hidden: optional(truth),
      data: optional(dataChangeShape),
    }),
    more: { lobbyId: text() },
  },
  /** + To a member that the host has removed. It is in no lobby now. */
  lobby_kicked: {
    needed: fields({ reason: text(), banned: truth }),
    more: { lobbyId: text() },
  },
  /** + To the older connection of a member that has come back by another one. It is in no lobby now. */
  lobby_resumedElsewhere: { needed: fields({}), more: { lobbyId: text() } },
  /** + To a member: somebody has tried to come back in its place, with a key that it used before. */
  lobby_resumeRefused: { needed: fields({}), more: { lobbyId: text() } },
  /** + From one member, by its client id, to another. */
  lobby_signal: {
    needed: fields({ from: text(), data: anything }),
    more: { lobbyId: text() },
  },
  /** + To the sender of a signal that was not passed on, and why. */
  lobby_signalFailed: {
    needed: fields({ to: text(), code: text() }),
    more: { lobbyId: text() },
  },
  /** + To those of a mediation that takes long: who has been seen, and who is awaited, by client ids. */
  ptpMediation_progress: {
    needed: fields({
      mediation: text(),
      seen: listOf(text(), wireLimits.seats),
      awaited: listOf(text(), wireLimits.seats),
    }),
  },
  /** To all members, who may then host or join again. */
  lobby_closed: { needed: fields({}), more: { lobbyId: text(), lobbyName: text() } },
  /** To all members, the sender too. The timestamp is in milliseconds since 1970. + version */
  lobby_messaging_received: {
    needed: fields({
      version,
      message: fields({ timestamp: number(), senderName: text(), message: text() }),
    }),
    more: { lobbyId: text() },
  },
  /**
   * Send a datagram to this UDP port (+ to all of these), of + host if it is given, else of the HTTP server's
   * host. + pass and passKey: what a probe says, and is signed with. + Without a port: no sidecar is alive, so no
   * datagram would be seen. Such a client says at once that it is ready, without UDP.
   */
  ptpMediation_send: {
    needed: either(
      fields({
        port,
        ports: optional(listOf(port, 2, 1)),
        mediation: optional(text(64)),
        host: optional(text(253)),
        pass: optional(text(longestPass)),
        passKey: optional(text(64)),
      }),
      fields({ mediation: text(64), port: nothing }),
    ),
  },
  /** To all remaining members. + code */
  ptpMediation_aborted: { needed: fields({ abortReason: text() }), more: { code: text() } },
  /**
   * To the host all others in order of arrival, to each other member the host. + much more (introduction.ts)
   */
  ptpMediation_peersConnection_start: {
    needed: either(
      introduction,
      fields({ peers: listOf(endpointShape, wireLimits.seats - 1), you: nothing }),
    ),
  },
  /** + To the host: a member could not connect to all its peers, or not directly, and why. */
  ptpMediation_report: {
    needed: fields({
      clientId: text(),
      name: text(),
      cause: optional(nullable(text())),
      peers: listOf(
        fields({
          clientId: text(),
          path: nullable(oneOf(pathKinds)),
          cause: nullable(text()),
          rttMs: optional(nullable(number())),
          timeline: optional(listOf(fields({ atMs: number(), what: text() }))),
        }),
      ),
    }),
  },
  /**
   * + The answer to `ptpRelay_renew`: a later ticket for each that was this client's and is not over, with its
   * key, and the milliseconds for which all of them are good.
   */
  ptpRelay_renewed: {
    needed: fields({
      tickets: listOf(fields({ ticket: text(256), key: text() })),
      lifeMs: number(1_000, 86_400_000),
    }),
  },
  /** To all, when all have reported; `lobby_closed` follows. */
  ptpMediation_success: { needed: fields({}) },
} as const satisfies Record<string, Described>;

type Messages = typeof messages;
export type ServerMethod = keyof Messages;
type More<M extends ServerMethod> = Messages[M] extends { more: infer Of extends Required<Described>["more"] }
  ? Shaped<FieldsShape<Of>>
  : unknown;

/** An empty object's type would allow no `more`. */
type Needed<Fields> = Fields extends Record<string, never> ? unknown : Fields;

/** A message's payload as the server sends it. */
export type Sent<M extends ServerMethod> = Needed<Shaped<Messages[M]["needed"]>> & More<M>;
/** A message's payload as a client reads it, whichever Orion server wrote it. */
export type Heard<M extends ServerMethod> = Needed<Shaped<Messages[M]["needed"]>> & {
  [Field in keyof More<M>]?: More<M>[Field] | undefined;
};
/** `ptpMediation_send` where a sidecar is alive: it is to see a datagram. */
export type SightWanted = Extract<Heard<"ptpMediation_send">, { port: number }>;
export type HeardMessage = { [M in ServerMethod]: { method: M; payload: Heard<M> } }[ServerMethod];

export function serverMessage<M extends ServerMethod>(method: M, payload: Sent<M> & object): string {
  return encodeMessage(method, payload);
}

/**
 * The message, or null for one that is unknown or not what it should be: a client ignores it. Never throws.
 */
export function readServerMessage(said: string): HeardMessage | null {
  const message = decodeMessage(said);
  if (!message || !isServerMethod(message.method)) return null;
  const payload = readAs(readers[message.method], message.payload);
  return payload && ({ method: message.method, payload } as HeardMessage);
}

const readers = Object.fromEntries(
  Object.entries<Described>(messages).map(([method, described]) => [method, readerOf(described)]),
) as Record<ServerMethod, Shape<object>>;

function readerOf({ needed, more }: Described): Shape<object> {
  if (!more) return needed;
  const each = Object.entries(more).map(([field, shape]) => [field, lenient(shape)] as const);
  return both(needed, fields(Object.fromEntries(each)));
}

function isServerMethod(method: string): method is ServerMethod {
  return Object.hasOwn(messages, method);
}
