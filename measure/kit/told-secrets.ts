/** What may stand in no log, and where it is in what a server tells a client. Tests use it, and the Worker of every test server. */

/** What a text is that may stand in no log. */
export type SecretKind =
  | "client's token"
  | "link's or a ticket's key"
  | "relay's ticket"
  | "gateway's signature"
  | "deployment's secret";
export type Secret = { kind: SecretKind; text: string };

/** The first word of a line that a test server's Worker writes for the tests alone: JSON follows, a `Secret[]`. */
export const toldMark = "told-to-a-client:";
/** The first word of a line that the code of a test server's Worker logs, before what it logs. The platform's lines have none. */
export const loggedMark = "logged:";

const kinds = new Map<string, SecretKind>([
  ["token", "client's token"],
  ["key", "link's or a ticket's key"],
  ["passKey", "link's or a ticket's key"],
  ["ticket", "relay's ticket"],
]);

/** All secrets in a frame, wherever in its payload they are. Of a frame that is none, and of chat, which players write: nothing. */
export function secretsIn(frame: string): Secret[] {
  const colon = frame.indexOf(":");
  if (colon < 0 || frame.startsWith("lobby_messaging_")) return [];
  const found: Secret[] = [];
  try {
    // In all texts that are looked for, a character is a byte.
    JSON.parse(atob(frame.slice(colon + 1)), (name, value: unknown) => {
      const kind = kinds.get(name);
      if (kind && typeof value === "string") found.push({ kind, text: value });
      return value;
    });
  } catch {
    return [];
  }
  return found;
}
