/** The STUN and TURN servers by which a member's WebRTC connections find ways: as operators write them, and as `POST /lobbies/:lobbyId/ice` answers. */
import {
  become,
  either,
  fields,
  listOf,
  number,
  only,
  optional,
  readAs,
  type Shaped,
  text,
} from "../shape.ts";

/** `<stun, stuns, turn or turns>:<host>[:<port>][?transport=<udp or tcp>]` (RFC 7064, RFC 7065). */
const url = text(
  256,
  1,
  /^(?:stuns?|turns?):(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?$/i,
);
const urls = become(either(url, listOf(url, 16)), (some) => (typeof some === "string" ? [some] : some));

const server = only(
  fields({ urls, username: optional(text(512)), credential: optional(text(512)) }),
  // Browsers refuse one that has no password.
  ({ urls, username, credential }) => {
    return !urls.some((one) => /^turn/i.test(one)) || (username !== undefined && credential !== undefined);
  },
);
export type IceServer = Shaped<typeof server>;

export const iceServersShape = listOf(server, 16);

/** 200. `lifeMs`: for how long the servers let the member in, in milliseconds. */
export const iceAnswer = fields({ iceServers: iceServersShape, lifeMs: number(0) });
export type IceAnswer = Shaped<typeof iceAnswer>;

/** Servers from JSON that an operator has written; null if it is none. */
export function readIceServers(json: string): IceServer[] | null {
  try {
    return readAs(iceServersShape, JSON.parse(json));
  } catch {
    return null;
  }
}

/** Without the port of DNS, which browsers refuse: they would wait for it in vain. */
export function withoutDnsPort(servers: readonly IceServer[]): IceServer[] {
  return servers
    .map((one) => ({ ...one, urls: one.urls.filter((url) => !/^[a-z]+:.*:53(?:\?|$)/i.test(url)) }))
    .filter(({ urls }) => urls.length > 0);
}
