/** Our end of the link to one peer, made from what the introduction tells of it. */
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { linkLimits } from "../../core/link/limits.ts";
import type { CheckAllowance } from "../../core/link/unproven.ts";
import { linkNumber } from "../../core/wire/peer-packet.ts";
import type { Heard } from "../../core/wire/server-message.ts";
import type { Gathered, Gathering } from "./gathering.ts";
import type { Introduced } from "./introduced.ts";
import { LinkEnd } from "./link-end.ts";
import { RelayEnd, type RelayPass } from "./relay-end.ts";
import type { Turns } from "./turns.ts";

export type PairingOptions = {
  gathering: Gathering;
  gathered: Gathered;
  /** Ourselves, as the server has seen us. */
  you: Heard<"ptpMediation_peersConnection_start">["you"];
  turns: Turns<LinkEnd>;
  checks: CheckAllowance;
};

/** Null if the peer's client, or the server, does not know links. */
export async function pairWith({ peer, told }: Introduced, options: PairingOptions): Promise<LinkEnd | null> {
  if (!("link" in told) || !told.link) return null;
  const { gathered, you, turns, checks } = options;
  const { sockets, own, sidecar } = gathered;
  const { id, key, side } = told.link;
  const { v4Port, v6Port } = sockets;
  // The start may be aborted while a name is looked up. Closed sockets have no ports: to ask them would throw.
  const relay = await relayOf(told.relay, id, options);
  return new LinkEnd({
    peer,
    number: linkNumber(id),
    key: createSecretKey(key, "base64url"),
    sockets,
    relay,
    turns,
    checks,
    config: {
      side,
      seed: randomBytes(4).readUInt32LE(),
      skipAfter: newSkips(),
      you: you ? { endpoint: { ip: you.ip, port: you.port }, mapping: you.mapping } : null,
      peer,
      own,
      ownPorts: [v4Port, v6Port].filter((port) => port !== null),
      sidecar: relay?.endpoint ?? sidecar,
      relay: relay !== null,
      relayOnly: peer.endpoint === null,
      hasV6: v6Port !== null,
    },
  });
}

/** Numbers to skip that nobody foretells, however many he has seen (core/link/numbers.ts). */
export function newSkips(): (number: number) => number {
  const secret = randomBytes(32);
  return (number) => {
    const mac = createHmac("sha256", secret).update(String(number)).digest();
    return mac.readUInt32LE() % linkLimits.skippedNumbers;
  };
}

async function relayOf(
  relay: (RelayPass & { host?: string | undefined; port: number }) | undefined,
  link: string,
  { gathering, gathered }: PairingOptions,
): Promise<RelayEnd | null> {
  const ip = relay ? await gathering.addressOf(relay.host, gathered.sidecar) : null;
  if (!relay || ip === null) return null;
  const endpoint = { ip, port: relay.port };
  const { sockets, cookie } = gathered;
  const { ticket, key, lifeMs } = relay;
  return new RelayEnd({ ticket, key, lifeMs, link, endpoint }, cookie, (datagram) =>
    sockets.sendTo(datagram, endpoint),
  );
}
