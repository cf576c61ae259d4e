/**
 * What a sidecar tells its operator: one JSON object a line, shaped as the Worker's are (worker/platform/log.ts). Never a token, a ticket,
 * a secret or a player's address. The edge's origin is none: the operator has chosen it.
 */
export type Line<E extends string = SidecarEvent> = {
  /** `error`: something that the operator has to mend, or we do. */
  level: "info" | "error";
  event: E;
  [detail: string]: string | number | Record<string, number> | undefined;
};

/** The names of the lines. They are stable: operators search for them, and count them. */
export type SidecarEvent =
  | "answers_not_reaching_players"
  | "datagrams_refused"
  | "gateway_listening"
  | "gateway_not_started"
  | "gateways_not_served"
  | "gateways_served"
  | "log_lines_lost"
  | "observations_not_accepted"
  | "receive_buffer_small"
  | "settings_ignored"
  | "sidecar_accepted"
  | "sidecar_failed"
  | "sidecar_listening"
  | "sidecar_not_accepted";

/** As a program writes it, with the time of writing. */
export function textOf(line: Line<string>): string {
  return JSON.stringify({ time: new Date().toISOString(), ...line });
}

/** Whatever may be a token, a ticket, a cookie or something of base64; and IPv6 and IPv4 addresses. */
const secretive = /[\w.+/=:-]{16,}|[\da-f]*:[\da-f:]*:[\da-f.:]*|\d{1,3}(?:\.\d{1,3}){3}/gi;
/** UTF-16 units of an error's text. */
const longestReason = 300;
/** Of the calls that led to an error. */
const mostCalls = 5;

/** What an error says, without what it may have quoted, and where in our code that was. */
export function faultOf(error: unknown): { error: string; at?: string } {
  if (!(error instanceof Error)) return { error: "something that is no error was thrown" };
  const text = `${error.name}: ${error.message.replace(secretive, "(…)")}`.slice(0, longestReason);
  // A stack begins with the message, which may have quoted what looks like a line of a file.
  const calls = error.stack
    ?.replace(error.message, "")
    .match(/^ +at .*/gm)
    ?.flatMap((call) => call.match(/[\w.-]+\.[cm]?[jt]s:\d+/) ?? [])
    .slice(0, mostCalls);
  return { error: text, ...(calls && { at: calls.join(" ") }) };
}
