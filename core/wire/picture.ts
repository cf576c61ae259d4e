/** The whole picture: all that a client can show of the lobby it is in. The answer to `GET /lobbies/:lobbyId`. */
import {
  fields,
  listOf,
  nullable,
  number,
  oneOf,
  optional,
  otherwise,
  type Shaped,
  text,
  truth,
} from "../shape.ts";
import { dataShape } from "./data.ts";
import { privacies } from "./privacy.ts";

export const lifetimes = ["mediation", "session"] as const;
export const topologies = ["star", "mesh"] as const;
export const onHostLosses = ["close", "migrate"] as const;
export const signalScopes = ["peers", "all"] as const;
/** Whether members whose clients cannot encrypt their links may be in the lobby, or not. */
export const encryptions = ["preferred", "required"] as const;
/** How a member is connected to its peers, by the weakest of its paths; `unknown` if its client does not say. */
export const vias = ["lan", "direct", "relay", "unknown"] as const;

/** One member, as the others see it. */
export const picturedMember = fields({
  clientId: text(),
  /** Orion's name: ASCII, each once in the lobby. */
  name: text(),
  /** The name that people read, in any script. The same as `name` unless the member gave one. */
  displayName: text(),
  presence: oneOf(["connected", "away"]),
  data: dataShape,
  /** Whether its data says `ready: true`. */
  ready: truth,
  /** Its page is not being looked at. */
  hidden: truth,
  /** How it is connected to its peers; null if it is not. */
  via: nullable(oneOf(vias)),
});
export type PicturedMember = Shaped<typeof picturedMember>;

export const picture = fields({
  lobbyId: text(),
  lobbyName: text(),
  /** What people read; the lobby's name unless its host gave one. */
  title: text(),
  game: nullable(text()),
  isPublic: truth,
  maxMembers: number(),
  locked: truth,
  hasPassword: truth,
  lifetime: oneOf(lifetimes),
  topology: oneOf(topologies),
  privacy: oneOf(privacies),
  onLoss: oneOf(["abort", "continue"]),
  onHostLoss: oneOf(onHostLosses),
  signals: oneOf(signalScopes),
  /** Null from a version before: it knows neither members without UDP nor any that encrypt. */
  encryption: otherwise(nullable(oneOf(encryptions)), null),
  /** Milliseconds that a member without a connection has to return. */
  graceMs: number(),
  /** The host's client id. */
  hostId: text(),
  /** Counts hosts, from 1. */
  term: number(),
  /** Counts changes of the lobby, of its data, and of members' data. */
  version: number(),
  data: dataShape,
  /** In order of arrival. */
  members: listOf(picturedMember),
  /** What the lobby is doing; `seen` and `awaited` are client ids of those who take part in a mediation. */
  phase: fields({
    kind: oneOf(["waiting", "gathering", "connecting"]),
    mediation: optional(text()),
    seen: listOf(text()),
    awaited: listOf(text()),
  }),
  /** For the host alone: whom it has banned. */
  bans: optional(listOf(fields({ clientId: text(), name: text() }))),
});
export type Picture = Shaped<typeof picture>;
