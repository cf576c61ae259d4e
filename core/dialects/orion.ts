/** Orion's words for what a lobby says (docs/protocol.md). */
import type { LobbyMessage } from "../lobby/message.ts";
import { abortReasons } from "../problem.ts";
import { serverMessage } from "../wire/server-message.ts";

/** The text of a WebSocket message. Null for what Orion's clients are not told. */
export function orionText(message: LobbyMessage, lobbyId: string): string | null {
  switch (message.type) {
    case "memberJoined":
      return serverMessage("lobby_peerConnect", { lobbyId, peerName: message.name });
    case "memberLeft":
      return serverMessage("lobby_peerDisconnect", { lobbyId, peerName: message.name });
    case "memberAway":
    case "memberBack":
      return null;
    case "lobbyClosed":
      return serverMessage("lobby_closed", { lobbyId, lobbyName: message.lobbyName });
    case "chat": {
      const { at, from, text } = message;
      return serverMessage("lobby_messaging_received", {
        lobbyId,
        message: { timestamp: at, senderName: from, message: text },
      });
    }
    case "endpointWanted": {
      const { mediation, host, port, secondPort, pass } = message;
      // Only a sidecar that knows the additions has a second port.
      const more = secondPort === undefined ? {} : { ports: [port, secondPort], mediation, ...pass };
      return serverMessage("ptpMediation_send", { port, ...more, host });
    }
    case "mediationAborted": {
      const { code } = message;
      return serverMessage("ptpMediation_aborted", { abortReason: abortReasons[code], code });
    }
    case "mediationReported": {
      const { clientId, name, report } = message;
      return serverMessage("ptpMediation_report", { clientId, name, ...report });
    }
    case "mediationSucceeded":
      return serverMessage("ptpMediation_success", {});
  }
}
