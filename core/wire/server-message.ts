/**
 * What the server sends on a WebSocket, in Orion's words (docs/protocol.md): each message described once, for
 * the server that writes it and for the client that reads it. Fields marked + are additions to Orion.
 */
import * as z from "zod";
import { longestPass } from "../observing/pass.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { dataChangeShape, dataShape } from "./data.ts";
import { introduction } from "./introduction.ts";
import { wireLimits } from "./limits.ts";
import { endpointShape } from "./sidecar-message.ts";

const port = z.int().min(1).max(65535);

/**
 * `needed`: a client ignores the message if one of these is wrong. `more`: it does without these, and Orion's
 * server lacks some.
 */
type Described = { needed: z.ZodType; more?: z.ZodRawShape };

const messages = {
  /**
   * At once on connecting. + clientId, which is no secret. + pingMs: `ping` may be said this often (ping.ts).
   * + secretToken: what requests need that are not Orion's, because the token itself may go over UDP in clear.
   */
  client_registered: {
    needed: z.object({ token: z.string().min(1).max(256) }),
    more: {
      clientId: z.string(),
      pingMs: z.number().min(1_000).max(600_000),
      secretToken: z.string().min(1).max(256),
    },
  },
  /** To everyone already in the lobby. + clientId, displayName, data */
  lobby_peerConnect: {
    needed: z.object({
      peerName: z.string(),
      clientId: z.string().optional().catch(undefined),
      displayName: z.string().optional().catch(undefined),
      data: dataShape.optional().catch(undefined),
    }),
    more: { lobbyId: z.string() },
  },
  /** To the rest, when a member leaves and the lobby goes on. + clientId; kicked: the host has removed it. */
  lobby_peerDisconnect: {
    needed: z.object({
      peerName: z.string(),
      clientId: z.string().optional().catch(undefined),
      kicked: z.boolean().optional().catch(undefined),
    }),
    more: { lobbyId: z.string() },
  },
  // From here to `lobby_closed`, additions: they are sent to clients that have said what they can do.
  /** + To the rest: a member has lost its connection. Until then, in milliseconds since 1970, it may come back. */
  lobby_memberAway: {
    needed: z.object({ peerName: z.string(), clientId: z.string(), until: z.number() }),
    more: { lobbyId: z.string() },
  },
  /** + To the rest: it has come back. */
  lobby_memberBack: {
    needed: z.object({ peerName: z.string(), clientId: z.string() }),
    more: { lobbyId: z.string() },
  },
  /** + To all: the lobby has another host; `term` counts hosts. */
  lobby_hostChanged: {
    needed: z.object({ host: z.string(), clientId: z.string(), term: z.int().min(1) }),
    more: { lobbyId: z.string() },
  },
  /** + To all: the host has changed these. In `data`, null stands for a key that is gone. */
  lobby_changed: {
    needed: z.object({
      version: z.int(),
      lobbyName: z.string().optional(),
      title: z.string().optional(),
      isPublic: z.boolean().optional(),
      maxMembers: z.number().optional(),
      hasPassword: z.boolean().optional(),
      locked: z.boolean().optional(),
      data: dataChangeShape.optional(),
    }),
    more: { lobbyId: z.string() },
  },
  /** + To all: a member has changed these of itself. */
  lobby_memberChanged: {
    needed: z.object({
      clientId: z.string(),
      version: z.int(),
      displayName: z.string().optional(),
      hidden: z.boolean().optional(),
      data: dataChangeShape.optional(),
    }),
    more: { lobbyId: z.string() },
  },
  /** + To a member that the host has removed. It is in no lobby now. */
  lobby_kicked: {
    needed: z.object({ reason: z.string(), banned: z.boolean() }),
    more: { lobbyId: z.string() },
  },
  /** + To the older connection of a member that has come back by another one. It is in no lobby now. */
  lobby_resumedElsewhere: { needed: z.object({}), more: { lobbyId: z.string() } },
  /** + To a member: somebody has tried to come back in its place, with a key that it used before. */
  lobby_resumeRefused: { needed: z.object({}), more: { lobbyId: z.string() } },
  /** + From one member, by its client id, to another. */
  lobby_signal: {
    needed: z.object({ from: z.string(), data: z.unknown() }),
    more: { lobbyId: z.string() },
  },
  /** + To the sender of a signal that was not passed on, and why. */
  lobby_signalFailed: {
    needed: z.object({ to: z.string(), code: z.string() }),
    more: { lobbyId: z.string() },
  },
  /** + To those of a mediation that takes long: who has been seen, and who is awaited, by client ids. */
  ptpMediation_progress: {
    needed: z.object({
      mediation: z.string(),
      seen: z.array(z.string()).max(wireLimits.seats),
      awaited: z.array(z.string()).max(wireLimits.seats),
    }),
  },
  /** To all members, who may then host or join again. */
  lobby_closed: { needed: z.object({}), more: { lobbyId: z.string(), lobbyName: z.string() } },
  /** To all members, the sender too. The timestamp is in milliseconds since 1970. */
  lobby_messaging_received: {
    needed: z.object({
      message: z.object({ timestamp: z.number(), senderName: z.string(), message: z.string() }),
    }),
    more: { lobbyId: z.string() },
  },
  /**
   * Send a datagram to this UDP port (+ to all of these), of + host if it is given, else of the HTTP server's
   * host. + pass and passKey: what a probe says, and is signed with.
   */
  ptpMediation_send: {
    needed: z.object({
      port,
      ports: z.array(port).min(1).max(2).optional(),
      mediation: z.string().max(64).optional(),
      host: z.string().max(253).optional(),
      pass: z.string().max(longestPass).optional(),
      passKey: z.string().max(64).optional(),
    }),
  },
  /** To all remaining members. + code */
  ptpMediation_aborted: { needed: z.object({ abortReason: z.string() }), more: { code: z.string() } },
  /**
   * To the host all others in order of arrival, to each other member the host. + much more (introduction.ts)
   */
  ptpMediation_peersConnection_start: {
    needed: z.union([
      introduction,
      z.object({ peers: z.array(endpointShape).max(wireLimits.seats - 1), you: z.undefined().optional() }),
    ]),
  },
  /** + To the host: a member could not connect to all its peers, or not directly, and why. */
  ptpMediation_report: {
    needed: z.object({
      clientId: z.string(),
      name: z.string(),
      cause: z.string().nullish(),
      peers: z.array(
        z.object({
          clientId: z.string(),
          path: z.enum(["lan", "direct", "relay"]).nullable(),
          cause: z.string().nullable(),
          rttMs: z.number().nullish(),
          timeline: z.array(z.object({ atMs: z.number(), what: z.string() })).optional(),
        }),
      ),
    }),
  },
  /**
   * + The answer to `ptpRelay_renew`: a later ticket for each that was this client's and is not over, with its
   * key, and the milliseconds for which all of them are good.
   */
  ptpRelay_renewed: {
    needed: z.object({
      tickets: z.array(z.object({ ticket: z.string().max(256), key: z.string() })),
      lifeMs: z.number().min(1_000).max(86_400_000),
    }),
  },
  /** To all, when all have reported; `lobby_closed` follows. */
  ptpMediation_success: { needed: z.object({}) },
} as const satisfies Record<string, Described>;

type Messages = typeof messages;
export type ServerMethod = keyof Messages;
type More<M extends ServerMethod> = Messages[M] extends { more: infer Shape extends z.ZodRawShape }
  ? z.infer<z.ZodObject<Shape>>
  : unknown;

/** An empty object's type would allow no `more`. */
type Needed<Fields> = Fields extends Record<string, never> ? unknown : Fields;

/** A message's payload as the server sends it. */
export type Sent<M extends ServerMethod> = Needed<z.input<Messages[M]["needed"]>> & More<M>;
/** A message's payload as a client reads it, whichever Orion server wrote it. */
export type Heard<M extends ServerMethod> = Needed<z.infer<Messages[M]["needed"]>> & {
  [Field in keyof More<M>]?: More<M>[Field] | undefined;
};
export type HeardMessage = { [M in ServerMethod]: { method: M; payload: Heard<M> } }[ServerMethod];

export function serverMessage<M extends ServerMethod>(method: M, payload: Sent<M> & object): string {
  return encodeMessage(method, payload);
}

/**
 * The message, or null for one that is unknown or not what it should be: a client ignores it. Never throws.
 */
export function readServerMessage(text: string): HeardMessage | null {
  const message = decodeMessage(text);
  if (!message || !isServerMethod(message.method)) return null;
  const { success, data } = readers[message.method].safeParse(message.payload);
  return success ? ({ method: message.method, payload: data } as HeardMessage) : null;
}

const readers = Object.fromEntries(
  Object.entries<Described>(messages).map(([method, described]) => [method, readerOf(described)]),
) as Record<ServerMethod, z.ZodType>;

function readerOf({ needed, more }: Described): z.ZodType {
  if (!more) return needed;
  const lenient = Object.entries(more).map(([field, schema]) => [field, z.optional(schema).catch(undefined)]);
  return z.intersection(needed, z.object(Object.fromEntries(lenient)));
}

function isServerMethod(method: string): method is ServerMethod {
  return Object.hasOwn(messages, method);
}
