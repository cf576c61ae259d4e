/** The bodies of Orion's HTTP requests and answers (docs/protocol.md). */
import * as z from "zod";
import type { Data } from "../data.ts";
import { isPrintable, readName } from "../names.ts";
import { type Shape, wrong } from "../shape.ts";
import { dataChangeShape, dataShape } from "./data.ts";
import { featuresShape } from "./features.ts";
import { field, fieldOf } from "./field.ts";
import { wireLimits } from "./limits.ts";
import { encryptions, lifetimes, onHostLosses, type Picture, signalScopes, topologies } from "./picture.ts";
import { type Privacy, privacies } from "./privacy.ts";
import {
  clientIdField,
  gameField,
  nameField,
  requestIdField,
  resumeKeyField,
  termField,
  tokenField,
  versionField,
} from "./schema.ts";

const object = field("invalid_body");

/** What becomes of a mediation when a member is lost: it ends for all (Orion), or goes on with the rest. */
export const onLoss = ["abort", "continue"] as const;

const maxMembersField = z
  .int(field("invalid_max_members"))
  .min(1, field("invalid_max_members"))
  .max(wireLimits.seats, field("invalid_max_members"));
const passwordField = z
  .string(field("invalid_password"))
  .min(1, field("invalid_password"))
  .max(wireLimits.passwordLength, field("invalid_password"));
const lockedField = z.boolean(field("invalid_locked"));
/** A name that people have. */
const readable: Shape<string> = (value) => (typeof value === "string" ? readName(value) : null) ?? wrong;
const titleField = fieldOf(readable, "invalid_title");
const displayName = fieldOf(readable, "invalid_display_name");
const data = fieldOf(dataShape, "invalid_data").optional();
const dataChange = fieldOf(dataChangeShape, "invalid_data").optional();

/** What a host may say of its lobby besides Orion's fields. All of it is optional. */
const lobbyOptions = {
  lifetime: z.enum(lifetimes, field("invalid_lifetime")).optional(),
  topology: z.enum(topologies, field("invalid_topology")).optional(),
  /** Milliseconds that a member without a connection has to return. */
  graceMs: z
    .int(field("invalid_grace"))
    .min(0, field("invalid_grace"))
    .max(wireLimits.longestGraceMs, field("invalid_grace"))
    .optional(),
  onHostLoss: z.enum(onHostLosses, field("invalid_on_host_loss")).optional(),
  signals: z.enum(signalScopes, field("invalid_signals")).optional(),
  encryption: z.enum(encryptions, field("invalid_encryption")).optional(),
  game: gameField.optional(),
  title: titleField.optional(),
  password: passwordField.optional(),
  locked: lockedField.optional(),
  data,
};

/** What a newcomer, or a host, may say of itself. `features`: as `client_features`, which may still be on its way. Only with the secret token: nobody else says what a client can do. */
const features = featuresShape.optional().catch(undefined);
const memberOptions = { displayName: displayName.optional(), memberData: data, features };

/** `POST /lobbies`. From `onLoss` on they are additions to Orion. */
export const hostRequest = z.object(
  {
    token: tokenField,
    hostName: nameField("invalid_host_name"),
    lobbyName: nameField("invalid_lobby_name"),
    isPublic: z.boolean(field("invalid_is_public")),
    maxMembers: maxMembersField,
    /** A dialect's name for the lobby (core/dialects/names.ts). Any other value is ignored: then the server draws a code. */
    code: z.string().optional().catch(undefined),
    onLoss: z.enum(onLoss, field("invalid_on_loss")).optional(),
    privacy: z.enum(privacies, field("invalid_privacy")).optional(),
    ...lobbyOptions,
    ...memberOptions,
  },
  object,
);
export type HostRequest = z.infer<typeof hostRequest>;
/** What a client that has said what it can do is told besides. */
export type MemberAnswer = {
  /** The lobby as it is now. */
  lobby?: Picture;
  /** With this the member comes back by another connection. None in a lobby without a grace period. */
  resumeKey?: string;
};
/** 201. The lobby's privacy is an addition to Orion, here and below. */
export type HostAnswer = { lobbyName: string; lobbyId: string; privacy: Privacy } & MemberAnswer;

/** `POST /lobbies/:lobbyId/join`. The caller's own privacy is an addition to Orion. */
export const joinRequest = z.object(
  {
    token: tokenField,
    peerName: nameField("invalid_peer_name"),
    privacy: z.enum(privacies, field("invalid_privacy")).optional(),
    password: passwordField.optional(),
    ...memberOptions,
  },
  object,
);
/** 200; members in order of arrival, the newcomer last. */
export type JoinAnswer = {
  lobbyId: string;
  lobbyName: string;
  lobbyMembers: string[];
  host: string;
  privacy: Privacy;
} & MemberAnswer;

/**
 * `POST /lobbies/:lobbyId/ptp/start`, and of the host during a mediation `…/ptp/stop` and `…/ptp/proceed`;
 * answered 200 without a body. The last two are additions to Orion.
 */
export const startRequest = z.object(
  {
    token: tokenField,
    /** + Milliseconds for which the members' datagrams are waited for, if the server would wait longer. */
    patienceMs: z
      .int(field("invalid_patience"))
      .min(1_000, field("invalid_patience"))
      .max(300_000, field("invalid_patience"))
      .optional(),
    term: termField,
  },
  object,
);
export const steerRequest = z.object({ token: tokenField, term: termField }, object);

/** `POST /lobbies/:lobbyId/leave`. Answered 200 without a body. This and all below are additions to Orion. */
export const leaveRequest = z.object({ token: tokenField }, object);

/** `POST /lobbies/:lobbyId/ice`, an addition to Orion. */
export const iceRequest = z.object({ token: tokenField }, object);

/** `POST /lobbies/:lobbyId/resume`. `requestId`: drawn by the client, so that the same resume, repeated, gets the same answer. */
export const resumeRequest = z.object(
  {
    token: tokenField,
    resumeKey: resumeKeyField,
    requestId: requestIdField.optional(),
    /** When it heard the last line of chat, in milliseconds since 1970: it is told those after that. */
    heardAt: z.number().optional().catch(undefined),
    /** It has lost its links, so it is to be connected to its peers again. */
    reconnect: z.boolean().optional(),
    features,
  },
  object,
);
export type ResumeRequest = z.infer<typeof resumeRequest>;
/** A line of chat that a member missed; `at` in milliseconds since 1970. */
export type MissedLine = { at: number; from: string; text: string };
/** 200. `missed`: what was said while it was away; `isComplete`: and nothing else was. */
export type ResumeAnswer = JoinAnswer & { missed: { lines: MissedLine[]; isComplete: boolean } };

/** `POST /lobbies/:lobbyId/host`: the host hands over. Answered 200 without a body. */
export const handOverRequest = z.object(
  { token: tokenField, clientId: clientIdField, term: termField },
  object,
);

/** `POST /lobbies/:lobbyId/kick`. Answered 200 without a body. */
export const kickRequest = z.object(
  {
    token: tokenField,
    clientId: clientIdField,
    reason: z
      .string(field("invalid_reason"))
      .max(wireLimits.reasonLength, field("invalid_reason"))
      .refine(isPrintable, field("invalid_reason"))
      .optional(),
    ban: z.boolean(field("invalid_ban")).optional(),
    term: termField,
  },
  object,
);

/** `PATCH /lobbies/:lobbyId`. Answered with the lobby's version after the change. */
export const changeRequest = z.object(
  {
    token: tokenField,
    lobbyName: nameField("invalid_lobby_name").optional(),
    title: titleField.nullable().optional(),
    isPublic: z.boolean(field("invalid_is_public")).optional(),
    maxMembers: maxMembersField.optional(),
    password: passwordField.nullable().optional(),
    locked: lockedField.optional(),
    data: dataChange,
    ifVersion: versionField,
    term: termField,
  },
  object,
);
export type ChangeRequest = z.infer<typeof changeRequest>;

/** `PATCH /lobbies/:lobbyId/members/me`. Answered with the lobby's version after the change. */
export const changeMemberRequest = z.object(
  {
    token: tokenField,
    displayName: displayName.optional(),
    data: dataChange,
    ifVersion: versionField,
  },
  object,
);
export type ChangeMemberRequest = z.infer<typeof changeMemberRequest>;
export type VersionAnswer = { version: number };

/** `PUT /lobbies/:lobbyId/snapshot` is answered with this: `durable` if no crash can lose this version any more. */
export type SnapshotAnswer = { version: number; durable: boolean };

/** One public lobby in `GET /lobbies`. */
export type ListedLobby = {
  name: string;
  id: string;
  currentMembers: number;
  maxMembers: number;
  /** Entries of before this field lack it until they are next brought up to date. */
  privacy?: Privacy | undefined;
  // Additions.
  /** Nobody can join now: its host has locked it, or it connects its players. */
  locked?: boolean | undefined;
  hasPassword?: boolean | undefined;
  full?: boolean | undefined;
  /** Only of a lobby in which all encrypt their links. */
  encryption?: "required" | undefined;
  game?: string | undefined;
  title?: string | undefined;
  /** The first keys of its data, 512 bytes at most. */
  data?: Data | undefined;
};
