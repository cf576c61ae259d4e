/**
 * What a sidecar posts to the edge: heartbeats and observations, as JSON, signed.
 * The signature is the HMAC-SHA-256 of `<name>\n<path>\n<body>` under the sidecar's post key (core/sidecar-key.ts), in hex.
 */
import * as z from "zod";
import { scopeOf } from "../endpoint.ts";
import type { Observed } from "../mapping.ts";
import { longestPass } from "../observing/pass.ts";
import { sidecarNameShape } from "../sidecar-key.ts";
import { clientIdShape, longestToken } from "../token.ts";
import { candidatesShape, endpointShape } from "./endpoint.ts";
import { fieldOf } from "./field.ts";
import { wireLimits } from "./limits.ts";

export const heartbeatPath = "/sidecar/heartbeat";
export const observationsPath = "/sidecar/observations";
export const signatureHeader = "x-orion-signature";
/** The name of the sidecar that posts: it says whose key the signature is under. */
export const sidecarHeader = "x-orion-sidecar";

/** What a post's signature is computed over. */
export function signedText(name: string, path: string, body: string): string {
  return `${name}\n${path}\n${body}`;
}

const port = z.int().min(1).max(65535);
/** Shorter than DNS allows: a lobby keeps its host in the attachment of a socket, which is small. */
const host = z.string().regex(/^[\w.:-]{1,200}$/);

/** When the sidecar signed the post, in milliseconds since 1970, so that it cannot be taken again later. Those of older versions do not say. */
const at = z.int().min(0).optional();

export const heartbeat = z.object({
  /** Greater with each. */
  at,
  /** Unique in the fleet: the one that its key was made for. */
  name: z.string().regex(sidecarNameShape),
  /** Where clients reach it; without one, the address the edge sees it from. */
  host: host.optional(),
  port,
  /** The other UDP port, by which a client's mapping shows. */
  secondPort: port.optional(),
  /** Whether it relays, on its first port. */
  relays: z.boolean().optional(),
  /** Whether both ports answer STUN. Those of older versions do not say, and do not. */
  stun: z.boolean().optional(),
  /** Datagrams a second on both ports, lately. Packets to relay count too: they are what fills a machine, so new players go elsewhere. */
  load: z.number().min(0),
  /** The last one: the sidecar is about to stop. */
  leaving: z.boolean().optional(),
});
export type Heartbeat = z.infer<typeof heartbeat>;

/** What shows that the client has spoken to this sidecar. The Worker checks it before it calls any object. */
const proof = z.discriminatedUnion("kind", [
  /** Of Orion's datagram (core/token.ts). */
  z.object({ kind: z.literal("token"), text: z.string().max(longestToken) }),
  /** Of a probe (core/observing/pass.ts). */
  z.object({ kind: z.literal("pass"), text: z.string().max(longestPass) }),
]);
export type Proof = z.infer<typeof proof>;

/** A client's datagram came from this endpoint. */
const observation = z.object({
  /** The one that its proof names. */
  clientId: z.string().regex(clientIdShape),
  proof,
  ip: z.string().regex(/^[\da-f.:]{2,45}$/i),
  port,
  /** Where the same socket's datagram to the second port came from. */
  second: fieldOf(endpointShape).optional(),
  /** Where else its datagrams came from in the same moment. */
  others: z.array(fieldOf(endpointShape)).max(wireLimits.otherSightings).optional(),
  /** What the client says of itself, if it knows the additions to Orion. */
  candidates: fieldOf(candidatesShape).optional(),
  /** Whether it has returned what was sent there: then these are no made-up addresses. */
  proven: z.boolean().optional(),
});
export type Observation = z.infer<typeof observation>;

const longestEndpoint = { ip: "f".repeat(45), port: 65535 };
const longestBare = {
  clientId: "-".repeat(16),
  proof: { kind: "token", text: "" },
  ...longestEndpoint,
};
/** Bytes of JSON, which is ASCII here, and of the comma after it. */
const bytesOf = (content: object) => JSON.stringify(content).length + 1;
const bareBytes = bytesOf(longestBare);
const endpointBytes = bytesOf(longestEndpoint);
const secondBytes = bytesOf({ ...longestBare, second: longestEndpoint }) - bareBytes;
const listBytes = bytesOf({ ...longestBare, candidates: [] }) - bareBytes;
const provenBytes = bytesOf({ ...longestBare, proven: true }) - bareBytes;
const othersBytes = bytesOf({ ...longestBare, others: [] }) - bareBytes;

/** Bytes that an observation takes in a post, or some more: reckoned, because to write it twice would cost more. */
export function observationBytes({ proof, second, others, candidates, proven }: Observation): number {
  const ofCandidates = candidates ? listBytes + candidates.length * endpointBytes : 0;
  const ofOthers = others ? othersBytes + others.length * endpointBytes : 0;
  const ofMarks = (second ? secondBytes : 0) + (proven ? provenBytes : 0);
  return bareBytes + proof.text.length + ofMarks + ofOthers + ofCandidates;
}

/** What an observation tells the lobby. Local addresses that can be no other machine's are left out. */
export function observedIn({ ip, port, second, others, candidates, proven }: Observation): Observed {
  return {
    endpoint: { ip, port },
    second,
    others,
    proven,
    candidates: candidates?.filter(({ ip }) => ["public", "private"].includes(scopeOf(ip))),
  };
}

export const observations = z.object({
  at,
  observations: z.array(observation).max(wireLimits.observationsPerPost),
});
/** Bytes of a post around its observations. */
export const postFrameBytes = JSON.stringify({ at: Number.MAX_SAFE_INTEGER, observations: [] }).length;
/** How the edge answers a heartbeat it took. */
export const heartbeatAnswer = z.object({
  known: z.literal(true),
  /** The edge's time, in milliseconds since 1970: tickets go by it. A version before did not tell it. */
  now: z.int().min(0).optional(),
});
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswer>;

const indexes = z.array(z.int().min(0));
/** What became of a post's observations: indexes into it. Those that no list has were wanted. */
export const observationsAnswer = z.object({
  /** Could not be passed on, and is worth sending again. */
  again: indexes,
  /** There is no such client: its proof is none, or its socket is closed. */
  gone: indexes.default([]),
  /** The client is in no mediation that waits for what this sidecar sees. */
  idle: indexes.default([]),
  /** Objects that were called, and proofs that are none: whoever makes those up must not have them for nothing. */
  calls: z.int().min(0).default(0),
});
export type ObservationsAnswer = z.infer<typeof observationsAnswer>;
