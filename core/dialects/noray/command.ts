/** noray's commands and answers, as lines without their end. A client splits at spaces, and skips commands that it does not know. */
import type { Endpoint } from "../../endpoint.ts";

export type Command =
  | { kind: "register-host" }
  | { kind: "connect"; oid: string }
  | { kind: "connect-relay"; oid: string }
  | { kind: "echo"; data: string };

/** What a line asks for; null for a command that noray does not know. The data begins after the first space, and is not trimmed. */
export function parseCommand(line: string): Command | null {
  const space = line.indexOf(" ");
  const name = space < 0 ? line : line.slice(0, space);
  const data = space < 0 ? "" : line.slice(space + 1);
  switch (name) {
    case "register-host":
      return { kind: name };
    case "connect":
    case "connect-relay":
      return { kind: name, oid: data };
    case "echo":
      return { kind: name, data };
    default:
      return null;
  }
}

/** Why a `connect` or a `connect-relay` did not work. */
export type Failure =
  | "unknown_oid"
  | "not_registered"
  | "no_address"
  | "host_has_no_address"
  | "no_relay"
  | "not_now";

/**
 * The original says nothing. These lines begin with a command that no client knows, so clients skip them, people find them in a trace,
 * and the one client that looks for the word `Unknown` finds it where it belongs.
 */
const failures: Readonly<Record<Failure, string>> = {
  unknown_oid: "Unknown host oid",
  not_registered: "Send register-host first",
  no_address: "Send your pid to the UDP registrar first",
  host_has_no_address: "The host has not sent its pid to the UDP registrar",
  no_relay: "No relay is free",
  not_now: "Try again later",
};

/** The lines of the server. The two of `register-host` go in this order: clients act on the second one. */
export const answer = {
  oid: (oid: string) => `set-oid ${oid}`,
  pid: (pid: string) => `set-pid ${pid}`,
  connect: ({ ip, port }: Endpoint) => `connect ${ip}:${port}`,
  /** Only a port: a client adds the address that it dialled. */
  relay: (port: number) => `connect-relay ${port}`,
  echo: (data: string) => `echo ${data}`,
  failure: (command: "connect" | "connect-relay", why: Failure) => `error ${command} ${failures[why]}`,
};
