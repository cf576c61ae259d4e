/** What a client may send on its WebSocket. Fields marked + are additions to Orion. */
import * as z from "zod";
import { longestName } from "../dialects/names.ts";
import { type Cause, causes } from "../link/cause.ts";
import { ticketLength } from "../relay/ticket.ts";
import { decodeMessage } from "./codec.ts";
import { commitment } from "./commitment.ts";
import { featuresShape } from "./features.ts";
import { fieldOf } from "./field.ts";
import { wireLimits } from "./limits.ts";
import { pathKinds } from "./path-kinds.ts";
import { tokenField } from "./schema.ts";
import { isSignal } from "./signal.ts";

const chat = z.object({
  token: tokenField,
  lobbyId: z.string().max(longestName),
  // zod counts characters; Orion counts UTF-16 units.
  message: z.string().refine((text) => text.length >= 1 && text.length <= wireLimits.chatLength),
});

/** One of a newer client, which this server does not know, counts as none: the report itself must not be missed. */
const cause = z
  .enum(Object.keys(causes) as [Cause, ...Cause[]])
  .nullable()
  .catch(null);
/** How a client fares with one of its peers. */
const peerReport = z.object({
  clientId: z.string().max(64),
  path: z.enum(pathKinds).nullable(),
  /** Why there is no path, or no direct one; null if there is nothing to explain. */
  cause,
  rttMs: z.number().min(0).max(60_000).nullable().optional(),
  timeline: z
    .array(z.object({ atMs: z.number(), what: z.string().max(wireLimits.timelineText) }))
    .max(wireLimits.timelineLines)
    .optional(),
});
/** + How it went: with each peer, and for the client as a whole if something kept it from all of them. */
const connectionReport = z.object({
  cause: cause.default(null),
  peers: z.array(peerReport).max(wireLimits.seats).default([]),
});
export type ConnectionReport = z.infer<typeof connectionReport>;

/** Of the mediation that it is about: what `ptpMediation_send` called it. */
const mediation = z.string().max(64);
const connected = z.object({ token: tokenField });
const failed = connected.extend({ mediation, ...connectionReport.shape });

/** + What the client can do. */
const features = connected.extend({ features: featuresShape });

const unseen = connected.extend({ mediation });
/** + Client ids of the peers whose links are lost. */
const again = connected.extend({ peers: z.array(z.string().max(64)).max(wireLimits.seats) });
/** + Before it is introduced. `udp`: false if it cannot use UDP. */
const ready = connected.extend({
  mediation,
  udp: z.literal(false).optional(),
  commitment: fieldOf(commitment).optional(),
});

/** + From one member to another. Its data may have `signalBytes` as JSON. */
const signal = connected.extend({
  to: z.string().max(64),
  data: z.unknown().refine(isSignal),
});
const hidden = connected.extend({ hidden: z.boolean() });

/** A ticket for the relay, and its key: whoever was told it can say it. */
const heldTicket = z.object({ ticket: z.string().max(ticketLength), key: z.string().max(64) });
export type HeldTicket = z.infer<typeof heldTicket>;
/** As many as a client can have links. */
const renew = connected.extend({ tickets: z.array(heldTicket).max(wireLimits.seats - 1) });
type Reported = { token: string; report: ConnectionReport };

export type ClientMessage =
  /** + From now on it says `ping` (ping.ts) every `pingMs` of `client_registered`, and is gone when it does not. */
  | ({ method: "client_pings" } & z.infer<typeof connected>)
  | ({ method: "client_features" } & z.infer<typeof features>)
  | ({ method: "lobby_messaging_send" } & z.infer<typeof chat>)
  | ({ method: "ptpMediation_peersConnection_success"; mediation?: string | undefined } & Reported)
  /** + */
  | ({ method: "ptpMediation_peersConnection_failure"; mediation: string } & Reported)
  /** + The sidecar does not answer. */
  | ({ method: "ptpMediation_unseen" } & z.infer<typeof unseen>)
  /** + It has lost its links to these peers: it is to be connected to them again. */
  | ({ method: "ptpMediation_again" } & z.infer<typeof again>)
  /** + It takes part in this mediation, by the relay over WebSocket or with encrypted links. */
  | ({ method: "ptpMediation_ready" } & z.infer<typeof ready>)
  /** + To one member. */
  | ({ method: "lobby_signal" } & z.infer<typeof signal>)
  /** + Whether nobody looks at its page: such a member becomes host only if there is no other. */
  | ({ method: "client_hidden" } & z.infer<typeof hidden>)
  /** + Its tickets for the relay are about to expire. */
  | ({ method: "ptpRelay_renew" } & z.infer<typeof renew>);

/** The message, or null for anything that is not one: Orion ignores it without an answer. */
export function readClientMessage(text: string): ClientMessage | null {
  const message = decodeMessage(text);
  switch (message?.method) {
    case "client_pings": {
      const parsed = connected.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "client_features": {
      const parsed = features.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "lobby_messaging_send": {
      const parsed = chat.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "ptpMediation_peersConnection_success": {
      const parsed = connected.safeParse(message.payload);
      if (!parsed.success) return null;
      // To Orion these are unknown fields: whatever they are, the client is connected.
      const report = connectionReport.safeParse(message.payload);
      return {
        method: message.method,
        ...parsed.data,
        mediation: mediation.safeParse(message.payload.mediation).data,
        report: report.data ?? { cause: null, peers: [] },
      };
    }
    case "ptpMediation_peersConnection_failure": {
      const parsed = failed.safeParse(message.payload);
      if (!parsed.success) return null;
      const { token, mediation, ...report } = parsed.data;
      return { method: message.method, token, mediation, report };
    }
    case "ptpMediation_unseen": {
      const parsed = unseen.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "ptpMediation_again": {
      const parsed = again.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "ptpMediation_ready": {
      const parsed = ready.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "lobby_signal": {
      const parsed = signal.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "client_hidden": {
      const parsed = hidden.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "ptpRelay_renew": {
      const parsed = renew.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    default:
      return null;
  }
}
