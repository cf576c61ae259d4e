/** groovejet's messages: JSON objects with a `type`, one in each text frame. Those marked + are additions of ours: known clients ignore them. */
import { parseObject } from "../../wire/codec.ts";
import { check, requestIdField, resumeKeyField } from "../../wire/schema.ts";
import { uuidOf } from "./client-ids.ts";
import type { ErrorMessage } from "./error.ts";

/** Both names of a signal: of form A, and of the others. */
export const offerNames = ["clientSignal", "guestOfferSignal"] as const;
export const answerNames = ["hostSignal", "hostAnswerSignal"] as const;
type OfferName = (typeof offerNames)[number];
type AnswerName = (typeof answerNames)[number];

/** What a client says. Signals are any JSON. */
export type ClientMessage =
  | { readonly type: "createRoom" }
  | {
      readonly type: "joinRoom";
      /** Null if it is no text. */
      readonly roomCode: string | null;
      readonly canHost: boolean;
      /** + What `createdRoom` or `joinedRoom` gave it: the client comes back, and is who it was. */
      readonly resumeKey: string | undefined;
      /** + So that the same return, repeated, is answered again. */
      readonly requestId: string | undefined;
    }
  | { readonly type: OfferName; readonly offerSignal: unknown }
  /** `clientId`: the guest's, as the host heard it. */
  | { readonly type: AnswerName; readonly answerSignal: unknown; readonly clientId: unknown };

/** What the server says. */
export type ServerMessage =
  | { readonly type: "identity"; readonly data: { readonly clientId: string } }
  /** The second by the name that the README has. */
  | { readonly type: "createdRoom" | "roomCreated"; readonly data: { roomCode: string; resumeKey?: string } }
  | { readonly type: "joinedRoom"; readonly data: { isHost: boolean; resumeKey?: string } }
  | {
      readonly type: "roomJoined";
      readonly data: { isHost: boolean; clientIsHost: boolean; reconnected: boolean };
    }
  | {
      readonly type: "clientConnection" | "guestOfferSignal";
      readonly data: { readonly offerSignal: unknown; readonly clientId: string };
    }
  | { readonly type: AnswerName; readonly data: { readonly answerSignal: unknown } }
  /** + To the guests: the host is not connected. Until then, in milliseconds since 1970, it may come back. */
  | { readonly type: "hostDisconnected"; readonly data: { readonly until: number } }
  /** + To the guests: it is back. Who has lost its connection to it sends an offer again. */
  | { readonly type: "hostRejoined"; readonly data: { readonly clientId: string } }
  /** + To the guests: another client is the host. Each sends it an offer. */
  | { readonly type: "hostChanged"; readonly data: { readonly clientId: string } }
  /** + To that client: offers of the guests follow. */
  | { readonly type: "becameHost"; readonly data: Record<string, never> }
  /** + To the host: a guest is not connected, is back, or has left. */
  | {
      readonly type: "guestDisconnected";
      readonly data: { readonly clientId: string; readonly until: number };
    }
  | { readonly type: "guestRejoined" | "guestLeft"; readonly data: { readonly clientId: string } }
  /** + To all: the room is over. They may create or join another. */
  | { readonly type: "roomClosed"; readonly data: Record<string, never> }
  | ErrorMessage;

export function frameOf(message: ServerMessage): string {
  return JSON.stringify(message);
}

/** What a client's text says; null for anything that groovejet's server ignores. */
export function readMessage(text: string): ClientMessage | null {
  const message = parseObject(text);
  const data = message && objectIn(message.data);
  switch (message?.type) {
    case "createRoom":
      return { type: "createRoom" };
    case "joinRoom":
      return {
        type: "joinRoom",
        roomCode: textIn(data?.roomCode) ?? null,
        canHost: Boolean(data?.canHost),
        // A room writes the id down, so it may not be longer than one of Orion's.
        resumeKey: fieldIn(resumeKeyField, data?.resumeKey),
        requestId: fieldIn(requestIdField, data?.requestId),
      };
    case "clientSignal":
    case "guestOfferSignal":
      return { type: message.type, offerSignal: data?.offerSignal };
    case "hostSignal":
    case "hostAnswerSignal":
      return { type: message.type, answerSignal: data?.answerSignal, clientId: data?.clientId };
    default:
      return null;
  }
}

/** What a client is told as soon as it has connected: who it is, by its id here. */
export function identityOf(clientId: string): ServerMessage {
  return { type: "identity", data: { clientId: uuidOf(clientId) } };
}

/** The answers to a client that has created a room. `byReadme`: also by the name that groovejet's README has. */
export function created(roomCode: string, resumeKey: string | undefined, byReadme: boolean): ServerMessage[] {
  const data = { roomCode, ...(resumeKey !== undefined && { resumeKey }) };
  return [{ type: "createdRoom", data }, ...(byReadme ? [{ type: "roomCreated", data } as const] : [])];
}

/** The same of one that has joined. `reconnected`: it is a member that was there before. */
export function joined(
  isHost: boolean,
  reconnected: boolean,
  resumeKey: string | undefined,
  byReadme: boolean,
): ServerMessage[] {
  const answer = {
    type: "joinedRoom",
    data: { isHost, ...(resumeKey !== undefined && { resumeKey }) },
  } as const;
  const again = { type: "roomJoined", data: { clientIsHost: isHost, isHost, reconnected } } as const;
  return byReadme ? [answer, again] : [answer];
}

/** An object's fields; none for anything else. */
function objectIn(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** As in Orion's requests; what is not like that is left out. */
function fieldIn(schema: typeof requestIdField, value: unknown): string | undefined {
  const read = check(schema, value);
  return read.ok ? read.value : undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
