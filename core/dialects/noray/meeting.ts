/**
 * What two gateways tell each other about two players, as signals in the host's lobby (`noray:<oid>`): where each was seen, and for a
 * relay by both, which port of which gateway stands for the other's player.
 */
import * as z from "zod";
import { addressBytes } from "../../endpoint.ts";

/** Clients know no IPv6. */
const ip = z.string().refine((text) => addressBytes(text)?.length === 4);
const port = z.int().min(1).max(65_535);
const endpoint = z.object({ ip, port });
/** A gateway's own: a name, or an IPv4 address, and the port of a relay. */
const relay = z.object({ host: z.string().regex(/^[\w.-]{1,200}$/), port });

/** The guest's gateway asks the host's. `ask` tells the answers to several apart. */
export const meetingAsk = z.object({
  noray: z.literal("ask"),
  ask: z.string().regex(/^[\w-]{1,32}$/),
  player: endpoint,
  /** For `connect-relay`: the port that stands for the host at the guest's gateway. */
  relay: relay.optional(),
});
export type MeetingAsk = z.infer<typeof meetingAsk>;

/** The host's gateway answers, when its player has its line. */
export const meetingAnswer = z.discriminatedUnion("noray", [
  z.object({ noray: z.literal("met"), ask: z.string(), player: endpoint, relay: relay.optional() }),
  z.object({
    noray: z.literal("refused"),
    ask: z.string(),
    why: z.enum(["host_has_no_address", "no_relay", "not_now"]),
  }),
]);
export type MeetingAnswer = z.infer<typeof meetingAnswer>;
