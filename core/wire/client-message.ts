/** What a client may send on its WebSocket. */
import * as z from "zod";
import { limits } from "../limits.ts";
import { decodeMessage } from "./codec.ts";
import { tokenField } from "./schema.ts";

const chat = z.object({
  token: tokenField,
  lobbyId: z.string().max(16),
  // zod counts characters; Orion counts UTF-16 units.
  message: z.string().refine((text) => text.length >= 1 && text.length <= limits.chatLength),
});
const connected = z.object({ token: tokenField });

export type ClientMessage =
  | ({ method: "lobby_messaging_send" } & z.infer<typeof chat>)
  | ({ method: "ptpMediation_peersConnection_success" } & z.infer<typeof connected>);

/** The message, or null for anything that is not one: Orion ignores it without an answer. */
export function readClientMessage(text: string): ClientMessage | null {
  const message = decodeMessage(text);
  switch (message?.method) {
    case "lobby_messaging_send": {
      const parsed = chat.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    case "ptpMediation_peersConnection_success": {
      const parsed = connected.safeParse(message.payload);
      return parsed.success ? { method: message.method, ...parsed.data } : null;
    }
    default:
      return null;
  }
}
