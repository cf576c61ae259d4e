/**
 * A groovejet client's part in its room, as pure translation. A room is a lobby (`groovejet:<code>`) that awaits hosts (core/lobby/hosts.ts),
 * and a client is a member of it. What a client says becomes a wish (`wishOf`), and what the lobby says becomes messages (`toldBy`).
 *
 *     says                         in no room    guest                 host
 *     createRoom                   create        -                     -
 *     joinRoom                     join          -                     -
 *     clientSignal, guestOffer…    -             to the host           -
 *     hostSignal, hostAnswer…      -             -                     to the guest that it names
 *     anything else                -             -                     -
 *
 * `-` is ignored, as groovejet's server does. A and B say nothing to get into a room: their query is the wish.
 */
import * as z from "zod";
import type { LobbyMessage } from "../../lobby/message.ts";
import type { Leads } from "../../lobby/request.ts";
import { isSignal } from "../../wire/signal.ts";
import { clientIdOf, uuidOf } from "./client-ids.ts";
import { type Asked, type ErrorMessage, error } from "./error.ts";
import type { Form } from "./form.ts";
import { answerNames, type ClientMessage, offerNames, readMessage, type ServerMessage } from "./message.ts";

/** Where a client is a member, by ids of ours. Plain data: a socket's attachment keeps it. */
export type Room = {
  /** The member that its connection speaks for. */
  readonly memberId: string;
  readonly hostId: string;
};

/** What goes from member to member. `name`: what its sender calls it, because the other end speaks the same form. */
const signalShape = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("offer"), name: z.enum(offerNames), signal: z.unknown() }),
  z.object({ kind: z.literal("answer"), name: z.enum(answerNames), signal: z.unknown() }),
]);
export type Signal = z.infer<typeof signalShape>;

/** What a client wants. */
export type Wish =
  | { readonly kind: "create" }
  | {
      readonly kind: "join";
      readonly asked: Asked;
      readonly leads: Leads | undefined;
      readonly resumeKey?: string | undefined;
      readonly requestId?: string | undefined;
    }
  /** A host of forms A and B: the room may be open, or not yet. */
  | { readonly kind: "lead"; readonly asked: Asked }
  | { readonly kind: "signal"; readonly to: string; readonly data: Signal }
  /** It cannot be done. `closes`: and the socket closes. */
  | { readonly kind: "refuse"; readonly error: ErrorMessage; readonly closes: boolean };

/** What a client can want that is in no room. */
export type Entrance = Exclude<Wish, { kind: "signal" }>;

/** What the query of an upgrade wants. */
export function wishOfQuery({ code, isHost }: Extract<Form, { kind: "query" }>): Entrance {
  const asked = { by: "query", code: code ?? "" } as const;
  if (code === null) return { kind: "refuse", error: error("missingRoomCode", asked), closes: true };
  return isHost ? { kind: "lead", asked } : { kind: "join", asked, leads: undefined };
}

/** What a client's text wants; null if it is ignored. `room`: null for none. */
export function wishOf(text: string, room: Room | null): Wish | null {
  const message = readMessage(text);
  if (!message) return null;
  return room ? inRoom(message, room) : outside(message);
}

/** Whether a text is what a groovejet client says first, and no other. */
export function isFirstWord(text: string): boolean {
  const type = readMessage(text)?.type;
  return type === "createRoom" || type === "joinRoom";
}

function outside(message: ClientMessage): Wish | null {
  if (message.type === "createRoom") return { kind: "create" };
  if (message.type !== "joinRoom") return null;
  const { roomCode, canHost, resumeKey, requestId } = message;
  const asked = { by: "message", code: roomCode ?? "" } as const;
  if (roomCode === null) return { kind: "refuse", error: error("missingRoomCode", asked), closes: true };
  return { kind: "join", asked, leads: canHost ? "may" : undefined, resumeKey, requestId };
}

function inRoom(message: ClientMessage, { memberId, hostId }: Room): Wish | null {
  const isHost = memberId === hostId;
  switch (message.type) {
    case "clientSignal":
    case "guestOfferSignal":
      if (isHost) return null;
      return signal(hostId, { kind: "offer", name: message.type, signal: message.offerSignal });
    case "hostSignal":
    case "hostAnswerSignal": {
      const to = clientIdOf(message.clientId);
      if (!isHost || to === null) return null;
      return signal(to, { kind: "answer", name: message.type, signal: message.answerSignal });
    }
    default:
      return null;
  }
}

/** Passed on untouched. One that is too large is refused aloud: its sender would wait for ever. */
function signal(to: string, data: Signal): Wish | null {
  if (data.signal === undefined) return null;
  if (isSignal(data.signal)) return { kind: "signal", to, data };
  const errorMessage = "A signal may have 8 KiB at most.";
  return {
    kind: "refuse",
    error: { type: "error", errorType: "signalTooLarge", errorMessage },
    closes: false,
  };
}

/** What a client in a room is told when its lobby says this, and its room after it: null if it is over. */
export function toldBy(
  message: LobbyMessage,
  room: Room,
): { room: Room | null; messages: readonly ServerMessage[] } {
  const { memberId, hostId } = room;
  const isHost = memberId === hostId;
  const say = (...messages: ServerMessage[]) => ({ room, messages });
  switch (message.type) {
    case "signal":
      return say(...signalled(message.from, message.data));
    case "signalFailed": {
      // Others are dropped in silence, as groovejet does: the host is away, or the guest is gone.
      if (message.code !== "too_many_requests") return say();
      const errorMessage = "Too many signals. Please wait a moment.";
      return say({ type: "error", errorType: "tooManySignals", errorMessage });
    }
    case "memberAway": {
      const { clientId, until } = message;
      if (clientId === hostId) return say({ type: "hostDisconnected", data: { until } });
      return isHost ? say({ type: "guestDisconnected", data: { clientId: uuidOf(clientId), until } }) : say();
    }
    case "memberBack": {
      const data = { clientId: uuidOf(message.clientId) };
      if (message.clientId === hostId) return say({ type: "hostRejoined", data });
      return isHost ? say({ type: "guestRejoined", data }) : say();
    }
    case "memberLeft": {
      const { clientId = "" } = message;
      return isHost ? say({ type: "guestLeft", data: { clientId: uuidOf(clientId) } }) : say();
    }
    case "hostChanged": {
      const { clientId } = message;
      if (clientId === hostId) return say();
      const data = { clientId: uuidOf(clientId) };
      return {
        room: { memberId, hostId: clientId },
        messages: [clientId === memberId ? { type: "becameHost", data: {} } : { type: "hostChanged", data }],
      };
    }
    case "lobbyClosed":
    case "kicked":
      return { room: null, messages: [{ type: "roomClosed", data: {} }] };
    case "resumedElsewhere":
      // An error, and the close, follow.
      return { room: null, messages: [] };
    default:
      return say();
  }
}

/** A member's signal, as the other end hears it. */
function signalled(from: string, said: unknown): ServerMessage[] {
  const { data } = signalShape.safeParse(said);
  if (!data) return [];
  if (data.kind === "offer") {
    const type = data.name === "clientSignal" ? "clientConnection" : "guestOfferSignal";
    return [{ type, data: { offerSignal: data.signal, clientId: uuidOf(from) } }];
  }
  return [{ type: data.name, data: { answerSignal: data.signal } }];
}
