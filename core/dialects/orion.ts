/** Orion's words for what a lobby says (docs/protocol.md). */
import type { LobbyMessage } from "../lobby/message.ts";
import { abortReasons } from "../problem.ts";
import { serverMessage } from "../wire/server-message.ts";

/** The text of a WebSocket message. */
export function orionText(message: LobbyMessage, lobbyId: string): string {
  switch (message.type) {
    case "memberJoined": {
      const { clientId, version, name: peerName, displayName, data } = message;
      return serverMessage("lobby_peerConnect", { lobbyId, peerName, clientId, version, displayName, data });
    }
    case "memberLeft": {
      const { clientId, version, name: peerName, kicked } = message;
      return serverMessage("lobby_peerDisconnect", { lobbyId, peerName, clientId, version, kicked });
    }
    case "memberAway": {
      const { clientId, version, name: peerName, until } = message;
      return serverMessage("lobby_memberAway", { lobbyId, peerName, clientId, version, until });
    }
    case "memberBack": {
      const { clientId, version, name: peerName } = message;
      return serverMessage("lobby_memberBack", { lobbyId, peerName, clientId, version });
    }
    case "hostChanged": {
      const { clientId, version, name: host, term } = message;
      return serverMessage("lobby_hostChanged", { lobbyId, host, clientId, version, term });
    }
    case "lobbyChanged":
      return serverMessage("lobby_changed", { lobbyId, version: message.version, ...message.change });
    case "memberChanged": {
      const { clientId, version, change } = message;
      return serverMessage("lobby_memberChanged", { lobbyId, clientId, version, ...change });
    }
    case "kicked":
      return serverMessage("lobby_kicked", { lobbyId, reason: message.reason, banned: message.banned });
    case "resumedElsewhere":
      return serverMessage("lobby_resumedElsewhere", { lobbyId });
    case "resumeRefused":
      return serverMessage("lobby_resumeRefused", { lobbyId });
    case "signal":
      return serverMessage("lobby_signal", { lobbyId, from: message.from, data: message.data });
    case "signalFailed":
      return serverMessage("lobby_signalFailed", { lobbyId, to: message.to, code: message.code });
    case "mediationProgress": {
      const { mediation, seen, awaited } = message;
      return serverMessage("ptpMediation_progress", { mediation, seen: [...seen], awaited: [...awaited] });
    }
    case "lobbyClosed":
      return serverMessage("lobby_closed", { lobbyId, lobbyName: message.lobbyName });
    case "chat": {
      const { at, from, text, version } = message;
      return serverMessage("lobby_messaging_received", {
        lobbyId,
        version,
        message: { timestamp: at, senderName: from, message: text },
      });
    }
    case "endpointWanted": {
      const { mediation, host, port, secondPort, pass } = message;
      // Only a sidecar that knows the additions has a second port.
      const more = secondPort === undefined ? {} : { ports: [port, secondPort], mediation, ...pass };
      return serverMessage("ptpMediation_send", { port, ...more, host });
    }
    case "readyWanted":
      return serverMessage("ptpMediation_send", { mediation: message.mediation });
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
