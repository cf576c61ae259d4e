/** The whole picture: all that a client can show of the lobby it is in. The answer to `GET /lobbies/:lobbyId`. */
import * as z from "zod";
import { dataShape } from "./data.ts";
import { privacies } from "./privacy.ts";

export const lifetimes = ["mediation", "session"] as const;
export const topologies = ["star", "mesh"] as const;
export const onHostLosses = ["close", "migrate"] as const;
export const signalScopes = ["peers", "all"] as const;
/** How a member is connected to its peers, by the weakest of its paths; `unknown` if its client does not say. */
export const vias = ["lan", "direct", "relay", "unknown"] as const;

/** One member, as the others see it. */
export const picturedMember = z.object({
  clientId: z.string(),
  /** Orion's name: ASCII, each once in the lobby. */
  name: z.string(),
  /** The name that people read, in any script. The same as `name` unless the member gave one. */
  displayName: z.string(),
  presence: z.enum(["connected", "away"]),
  data: dataShape,
  /** Whether its data says `ready: true`. */
  ready: z.boolean(),
  /** Its page is not being looked at. */
  hidden: z.boolean(),
  /** How it is connected to its peers; null if it is not. */
  via: z.enum(vias).nullable(),
});
export type PicturedMember = z.infer<typeof picturedMember>;

export const picture = z.object({
  lobbyId: z.string(),
  lobbyName: z.string(),
  /** What people read; the lobby's name unless its host gave one. */
  title: z.string(),
  game: z.string().nullable(),
  isPublic: z.boolean(),
  maxMembers: z.number(),
  locked: z.boolean(),
  hasPassword: z.boolean(),
  lifetime: z.enum(lifetimes),
  topology: z.enum(topologies),
  privacy: z.enum(privacies),
  onLoss: z.enum(["abort", "continue"]),
  onHostLoss: z.enum(onHostLosses),
  signals: z.enum(signalScopes),
  /** Milliseconds that a member without a connection has to return. */
  graceMs: z.number(),
  /** The host's client id. */
  hostId: z.string(),
  /** Counts hosts, from 1. */
  term: z.number(),
  /** Counts changes of the lobby, of its data, and of members' data. */
  version: z.number(),
  data: dataShape,
  /** In order of arrival. */
  members: z.array(picturedMember),
  /** What the lobby is doing; `seen` and `awaited` are client ids of those who take part in a mediation. */
  phase: z.object({
    kind: z.enum(["waiting", "gathering", "connecting"]),
    mediation: z.string().optional(),
    seen: z.array(z.string()),
    awaited: z.array(z.string()),
  }),
  /** For the host alone: whom it has banned. */
  bans: z.array(z.object({ clientId: z.string(), name: z.string() })).optional(),
});
export type Picture = z.infer<typeof picture>;
