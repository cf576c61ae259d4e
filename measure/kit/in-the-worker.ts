/**
 * Runs in the Worker of every test server before the Worker's own code. Lines that the Worker's code logs are marked, as the
 * platform logs too; and whatever secret is sent to any client, by whoever connected, is told to the tests by a line of its own.
 */
import { loggedMark, secretsIn, toldMark } from "./told-secrets.ts";

const { log } = console;
for (const level of ["debug", "error", "info", "log", "warn"] as const) {
  const write = console[level];
  console[level] = (...said: unknown[]) => write.call(console, loggedMark, ...said);
}

const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (frame) {
  const secrets = typeof frame === "string" ? secretsIn(frame) : [];
  if (secrets.length > 0) log.call(console, toldMark, JSON.stringify(secrets));
  send.call(this, frame);
};
