/**
 * The service for players who find a TURN server, at a place of the lab: `turn-service.ts <address> <what it tells of TURN, as JSON>`. It is the
 * setting `iceServers`, or a key of an API that has credentials for that server (`measure/kit/turn-api.ts`).
 */
import { startServer } from "../../local/server.ts";
import { startTurnApi } from "../kit/turn-api.ts";
import type { TurnTold } from "./turn.ts";

const [host = "", told = ""] = process.argv.slice(2);
const { iceServers, api }: TurnTold = JSON.parse(told);
const vars = {
  allowedOrigin: "*",
  iceServers: JSON.stringify(iceServers ?? []),
  ...(api && (await startTurnApi(api)).vars),
};
const server = await startServer({
  host,
  httpPort: 0,
  udpPort: 0,
  vars,
  logged: (line) => console.log(line),
});
console.log(`at ${server.url}`);
