/** What the operator's view is answered, and what it asks. Nothing here names a code, an address, a token or a key. */
import * as z from "zod";
import type { Inspection } from "../lobby/inspection.ts";
import { isPrintable } from "../names.ts";
import type { Level, Slot } from "../stats/slots.ts";
import { field } from "./field.ts";
import { wireLimits } from "./limits.ts";
import { clientIdField } from "./schema.ts";

/** A sidecar that is alive. `load`: datagrams a second. `ageMs`: since its last heartbeat. */
export type OperatorSidecar = { name: string; load: number; relays: boolean; ageMs: number };

export type OperatorNow = {
  /** In milliseconds since 1970. */
  at: number;
  /** Whether the key may act. */
  mayAct: boolean;
  /** All that are open; those that are listed; and those that are not. */
  open: Level;
  listed: Level;
  unlisted: Level;
  /** The sum of the last 60 minutes, and of all time. */
  lastHour: Slot;
  total: Slot;
  sidecars: OperatorSidecar[];
  /** Parts of the service that have not answered, by their kind. What they know is missing in the numbers. */
  silent: string[];
};

/** Slots of a minute, and of an hour, the oldest first. `at` counts minutes, or hours, since 1970. */
export type OperatorCharts = { minutes: Slot[]; hours: Slot[]; silent: string[] };

export type OperatorLobby = {
  tag: string;
  isPublic: boolean;
  members: number;
  openedAt: number;
  heardAt: number;
};
export type OperatorLobbies = { lobbies: OperatorLobby[]; silent: string[] };
export type OperatorLook = { tag: string; lobby: Inspection };

/** What the log, and the view, call a lobby (worker/platform/tags.ts). */
export const tagShape = /^[\w-]{1,12}-[0-9a-f]{6}$/;

const lobbyText = z.string(field("not_confirmed")).max(80, field("not_confirmed"));
/** To find a lobby by its tag, or by what players call it. In a body: a private lobby's code is its only secret. */
export const findRequest = z.object({ lobby: z.string().max(80) });
/** `confirm`: the lobby's tag, once more. */
export const closeRequest = z.object({ confirm: lobbyText });
/** The same, and who is to go. `reason`: the player reads it. */
export const removeRequest = closeRequest.extend({
  clientId: clientIdField,
  reason: z
    .string(field("invalid_reason"))
    .max(wireLimits.reasonLength, field("invalid_reason"))
    .refine(isPrintable, field("invalid_reason"))
    .default(""),
});
