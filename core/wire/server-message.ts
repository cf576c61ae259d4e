/** What the server sends on a WebSocket: method and payload of each message. Fields marked + are additions to Orion. */
import type { Endpoint } from "../endpoint.ts";
import type { AbortCode } from "../problem.ts";
import type { ConnectionReport } from "./client-message.ts";
import { encodeMessage } from "./codec.ts";

export type ServerMessages = {
  /** At once on connecting. + clientId, which is no secret. + pingMs: `ping` may be said this often (ping.ts). */
  client_registered: { token: string; clientId: string; pingMs: number };
  /** To everyone already in the lobby. */
  lobby_peerConnect: { lobbyId: string; peerName: string };
  /** To the rest, when a member who is not the host leaves. */
  lobby_peerDisconnect: { lobbyId: string; peerName: string };
  /** To all members, who may then host or join again. */
  lobby_closed: { lobbyId: string; lobbyName: string };
  /** To all members, the sender too. The timestamp is in milliseconds since 1970. */
  lobby_messaging_received: {
    lobbyId: string;
    message: { timestamp: number; senderName: string; message: string };
  };
  /** Send a datagram to this UDP port (+ to all of these), of + host if it is given, else of the HTTP server's host. */
  ptpMediation_send: { port: number; ports?: number[]; mediation?: string; host?: string | undefined };
  /** To all remaining members. + code */
  ptpMediation_aborted: { abortReason: string; code: AbortCode };
  /** To the host all others in order of arrival, to each other member the host. + much more (introduction.ts) */
  ptpMediation_peersConnection_start: { peers: Endpoint[] };
  /** + To the host: a member could not connect to all its peers, or not directly, and why. */
  ptpMediation_report: { clientId: string; name: string } & ConnectionReport;
  /** To all, when all have reported; `lobby_closed` follows. */
  ptpMediation_success: Record<string, never>;
};

export function serverMessage<M extends keyof ServerMessages>(method: M, payload: ServerMessages[M]): string {
  return encodeMessage(method, payload);
}
