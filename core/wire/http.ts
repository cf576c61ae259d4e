/** The bodies of Orion's HTTP requests and answers (docs/protocol.md). */
import * as z from "zod";
import { wireLimits } from "./limits.ts";
import { type Privacy, privacies } from "./privacy.ts";
import { field, nameField, tokenField } from "./schema.ts";

const object = field("invalid_body");

/** What becomes of a mediation when a member is lost: it ends for all (Orion), or goes on with the rest. */
export const onLoss = ["abort", "continue"] as const;

/** `POST /lobbies`. The last two are additions to Orion. */
export const hostRequest = z.object(
  {
    token: tokenField,
    hostName: nameField("invalid_host_name"),
    lobbyName: nameField("invalid_lobby_name"),
    isPublic: z.boolean(field("invalid_is_public")),
    maxMembers: z
      .int(field("invalid_max_members"))
      .min(1, field("invalid_max_members"))
      .max(wireLimits.seats, field("invalid_max_members")),
    onLoss: z.enum(onLoss, field("invalid_on_loss")).optional(),
    privacy: z.enum(privacies, field("invalid_privacy")).optional(),
  },
  object,
);
export type HostRequest = z.infer<typeof hostRequest>;
/** 201. The lobby's privacy is an addition to Orion, here and below. */
export type HostAnswer = { lobbyName: string; lobbyId: string; privacy: Privacy };

/** `POST /lobbies/:lobbyId/join`. The caller's own privacy is an addition to Orion. */
export const joinRequest = z.object(
  {
    token: tokenField,
    peerName: nameField("invalid_peer_name"),
    privacy: z.enum(privacies, field("invalid_privacy")).optional(),
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
};

/**
 * `POST /lobbies/:lobbyId/ptp/start`, and of the host during a mediation `…/ptp/stop` and `…/ptp/proceed`;
 * answered 200 without a body. The last two are additions to Orion.
 */
export const startRequest = z.object({ token: tokenField }, object);

/** One public lobby in `GET /lobbies`. */
export type ListedLobby = {
  name: string;
  id: string;
  currentMembers: number;
  maxMembers: number;
  /** Entries of before this field lack it until they are next brought up to date. */
  privacy?: Privacy | undefined;
};

/** A parameter of a query. One without a value counts as absent: a game's first page has an empty cursor. */
function parameter<T>(schema: z.ZodType<T>) {
  return z.preprocess((value) => (value === "" ? undefined : value), schema.optional());
}

/** The query of `GET /lobbies` (an addition to Orion; without one, the first page is listed). */
export const listQuery = z.object({
  limit: parameter(
    z
      .string()
      .regex(/^\d{1,3}$/)
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= wireLimits.pageSize),
  ),
  // The second is one of the version before.
  cursor: parameter(z.string().regex(/^[01]-\d{1,5}-\d{1,15}-\d{1,4}$|^\d{1,4}-\d{1,15}$/)),
  name: parameter(z.string().max(wireLimits.nameLength)),
});
export type ListQuery = z.infer<typeof listQuery>;
