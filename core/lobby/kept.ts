/**
 * How a lobby is kept: as a row of its object, or attached to its host's socket. Another version of this code may have
 * written it, an older one or, after a rollback, a newer one. What this version cannot read is a lobby that is over.
 */
import * as z from "zod";
import { type AbortCode, abortReasons } from "../problem.ts";
import { type LastingState, lasting, restored } from "./lasting.ts";
import type { LobbyState } from "./state.ts";

/*
 * Fields of version 1 are needed. A field that comes later gets a default here, and what a later version
 * keeps besides is not read. So a version before and the version after can read each other's lobbies. What
 * they cannot bridge is version 2.
 */
const at = z.number();
const ids = z.array(z.string());
/** One of a later version says nothing here: it is for the log. */
const abortCode = z
  .enum(Object.keys(abortReasons) as [AbortCode, ...AbortCode[]])
  .optional()
  .catch(undefined);
const policy = z.object({
  members: z.union([z.literal("all"), ids]),
  topology: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("star"), center: z.string() }),
    z.object({ kind: z.literal("mesh") }),
  ]),
  onLoss: z.enum(["abort", "continue"]),
  onSuccess: z.enum(["close", "stay"]),
  locks: z.boolean(),
  newcomers: ids.optional(),
});
const data = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();
const via = z.enum(["lan", "direct", "relay", "unknown"]);
const mediation = {
  requestId: z.string(),
  began: z.object({ at, members: z.number() }),
  policy,
  lost: ids,
  proceeded: z.string().optional(),
  isListed: z.literal(true).optional(),
};
const phase = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("waiting"), aborted: abortCode }),
  z.object({
    kind: z.literal("gathering"),
    ...mediation,
    sidecar: z.string().optional(),
    sidecarsBefore: ids.optional(),
    offersLinks: z.literal(true).optional(),
    askedWithoutSidecar: z.literal(true).optional(),
    // A version before did not keep the name.
    relay: z
      .object({ name: z.string().optional(), host: z.string().optional(), port: z.number() })
      .optional(),
    place: z.object({ latitude: z.number(), longitude: z.number() }).optional(),
    intervalMs: z.number(),
    connectingMs: z.number(),
    remindAt: at,
    giveUpAt: at,
    goOnAt: at.optional(),
    confirmAt: at.optional(),
    // Kept apart (lasting.ts).
    seen: z.object({}),
  }),
  z.object({
    kind: z.literal("connecting"),
    ...mediation,
    giveUpAt: at,
    lookAt: at,
    reported: ids,
    via: z.array(via),
    late: ids.optional(),
  }),
  z.object({ kind: z.literal("closing"), success: z.boolean() }),
]);
const member = z.object({
  clientId: z.string(),
  name: z.string(),
  holder: z.string(),
  requestId: z.string(),
  session: z.string().optional(),
  resumes: z.number().optional(),
  resumedBy: z.string().optional(),
  since: at.optional(),
  displayName: z.string().optional(),
  data,
  hidden: z.literal(true).optional(),
});
const ban = z.object({
  clientId: z.string(),
  session: z.string(),
  name: z.string(),
  network: z.string().optional(),
  until: at.optional(),
});
const lobby = z.object({
  v: z.literal(1),
  lobbyId: z.string(),
  incarnation: z.string(),
  name: z.string(),
  isPublic: z.boolean(),
  wasPublic: z.literal(true).optional(),
  maxMembers: z.number(),
  goesOn: z.boolean(),
  relayOnly: z.boolean(),
  hostId: z.string(),
  hostNetworks: z.array(z.object({ name: z.string(), shares: z.number() })).optional(),
  members: z.array(member),
  graceMs: z.number().default(0),
  away: z
    .array(
      z.object({
        clientId: z.string(),
        until: at,
        letGo: z.object({ at, pauseMs: z.number() }).optional(),
        hasMissedSome: z.literal(true).optional(),
      }),
    )
    .default([]),
  phase,
  isLasting: z.boolean(),
  auditAt: at,
  auditMs: z.number(),
  lifetime: z.literal("session").optional(),
  topology: z.literal("mesh").optional(),
  onHostLoss: z.literal("migrate").optional(),
  awaitsHost: z.literal(true).optional(),
  signals: z.literal("all").optional(),
  encryption: z.literal("required").optional(),
  relays: z.number().optional(),
  term: z.number().optional(),
  playing: z.array(z.object({ clientId: z.string(), via })).optional(),
  newcomers: ids.optional(),
  newcomersPause: z.object({ until: at, ms: z.number() }).optional(),
  title: z.string().optional(),
  game: z.string().optional(),
  password: z.object({ salt: z.string(), hash: z.string() }).optional(),
  locked: z.literal(true).optional(),
  data,
  version: z.number().optional(),
  changedAt: z.number().optional(),
  bans: z.array(ban).optional(),
  comparesLooks: z.literal(true).optional(),
  done: ids.optional(),
  endpoints: z.string().optional(),
  features: z.string().optional(),
  marks: z.string().optional(),
  networks: z.string().optional(),
  charges: z.string().optional(),
  departed: z.string().optional(),
});

export type KeptLobby = LastingState;

export function keptLobby(state: LobbyState): KeptLobby {
  return lasting(state);
}

/** The lobby again; null if it cannot be read, or is another one. Never throws. */
export function readKeptLobby(kept: unknown, lobbyId: string): LobbyState | null {
  const { data } = lobby.safeParse(kept);
  return data?.lobbyId === lobbyId ? restored(data as LastingState) : null;
}
