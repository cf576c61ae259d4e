/** What a client hears on its WebSocket, parsed: `core/wire/server-message.ts` from the other end, and lenient. */
import * as z from "zod";
import { decodeMessage } from "./codec.ts";
import { introduction } from "./introduction.ts";
import { endpointShape } from "./sidecar-message.ts";

const port = z.int().min(1).max(65535);
const name = z.string();

const messages = {
  client_registered: z.object({
    token: z.string().min(1).max(256),
    clientId: z.string().optional(),
    pingMs: z.number().min(1_000).max(600_000).optional().catch(undefined),
  }),
  lobby_peerConnect: z.object({ peerName: name }),
  lobby_peerDisconnect: z.object({ peerName: name }),
  lobby_closed: z.object({}),
  lobby_messaging_received: z.object({
    message: z.object({ timestamp: z.number(), senderName: name, message: z.string() }),
  }),
  ptpMediation_send: z.object({
    port,
    ports: z.array(port).min(1).max(2).optional(),
    mediation: z.string().max(64).optional(),
    host: z.string().max(253).optional(),
  }),
  ptpMediation_aborted: z.object({ abortReason: z.string(), code: z.string().optional() }),
  /** A server without the additions tells of each peer only where it is. */
  ptpMediation_peersConnection_start: z.union([
    introduction,
    z.object({ peers: z.array(endpointShape), you: z.undefined().optional() }),
  ]),
  ptpMediation_success: z.object({}),
  /** To the host: a member that could not connect to all its peers, or not directly, and why. */
  ptpMediation_report: z.object({
    clientId: z.string(),
    name,
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
} as const;

type HeardMethod = keyof typeof messages;
export type Heard<M extends HeardMethod> = z.infer<(typeof messages)[M]>;
export type HeardMessage = { [M in HeardMethod]: { method: M; payload: Heard<M> } }[HeardMethod];

/** The message, or null for one that is unknown or not what it should be: a client ignores it. Never throws. */
export function readHeardMessage(text: string): HeardMessage | null {
  const message = decodeMessage(text);
  if (!message || !isHeard(message.method)) return null;
  const { success, data } = messages[message.method].safeParse(message.payload);
  return success ? ({ method: message.method, payload: data } as HeardMessage) : null;
}

function isHeard(method: string): method is HeardMethod {
  return Object.hasOwn(messages, method);
}
