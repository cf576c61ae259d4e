/** The relay: binds the two ends of a link, and passes on what they send each other, as it is (core/relay/links.ts decides). */
import type { End } from "../core/relay/link.ts";
import { Links, type RelayBounds } from "../core/relay/links.ts";
import { Quota } from "../core/relay/quota.ts";
import { parseTicket, type RelayCode } from "../core/relay/ticket.ts";
import { readAs } from "../core/shape.ts";
import { wireLimits } from "../core/wire/limits.ts";
import { linkOf } from "../core/wire/peer-packet.ts";
import { bind as bindShape, type SidecarMethod, type SidecarPayload } from "../core/wire/sidecar-message.ts";
import { readSignedDatagram } from "../core/wire/signed-datagram.ts";
import type { Cookies } from "./cookie.ts";
import { newRelayCounts, type RelayCounts } from "./counts.ts";
import { deriveKeys, isSignedWith, macOf, type SidecarKeys, signDatagram } from "./keys.ts";
import { sidecarLimits } from "./limits.ts";
import type { Outlet } from "./socket.ts";

export type Relay = {
  readonly counts: Readonly<RelayCounts>;
  /** What it carries now. */
  count: Links<Outlet>["count"];
  /** A peer's packet. False if it is none after all. */
  carry(bytes: Uint8Array, address: string, port: number): boolean;
  /** A client's wish to be an end of a link: answered, by `via`, unless it is not genuine. */
  bind(
    bytes: Uint8Array,
    address: string,
    port: number,
    via: Outlet,
  ): "binds" | "junk" | "forged" | "dropped";
  /** Tells all ends that the relay stops, and takes no more. True if there is anyone to be carried for a moment yet. */
  leave(): boolean;
  /** Forgets everything. */
  stop(): void;
};

export type RelayOptions = SidecarKeys & {
  cookies: Cookies;
  bounds?: Partial<RelayBounds> | undefined;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds since any moment, never set back nor ahead. */
  elapsed: () => number;
};

/** Milliseconds between two looks at what is due. */
const tickMs = 1_000;

export function startRelay({ cookies, bounds, clock, elapsed, ...keys }: RelayOptions): Relay {
  const relayKeys = deriveKeys(keys, "relay");
  const links = new Links<Outlet>(elapsed(), bounds);
  const counts = newRelayCounts();
  const { relayBinds: most, relayBindsMs: spanMs, relayBindsCounted } = sidecarLimits;
  const binds = new Quota({ most, spanMs, keys: relayBindsCounted });
  let isLeaving = false;

  const carry = (bytes: Uint8Array, address: string, port: number) => {
    const link = linkOf(bytes);
    if (link === null) return false;
    const to = links.pass(link, bytes.length, address, port, elapsed());
    if (typeof to === "string") counts.drops[to] += 1;
    else if (to.via.isFull()) counts.drops.congested += 1;
    else {
      counts.packets += 1;
      counts.bytes += bytes.length;
      to.via.send(bytes, to.port, to.address);
    }
    if (links.notices.length > 0) tellNotices();
    return true;
  };

  const bind: Relay["bind"] = (bytes, address, port, via) => {
    const datagram = readSignedDatagram(bytes);
    const text = datagram?.payload.ticket;
    const ticket = typeof text === "string" ? parseTicket(text) : null;
    if (!datagram || typeof text !== "string" || !ticket) return "junk";
    const now = clock();
    // Before any mac: this thread has packets to pass on. Only what is genuine is counted, so nobody can use up another's.
    const holder = `${text} ${address}`;
    if (binds.isSpent(holder, elapsed())) return "dropped";
    const ticketKey = relayKeys.map((key) => macOf(key, text)).find((one) => isSignedWith(one, datagram));
    if (ticketKey === undefined) return "forged";
    binds.spend(holder, elapsed());
    const data = readAs(bindShape, datagram.payload);
    if (!data) return "junk";
    const { nonce, cookie } = data;
    const from = { address, port, via, key: ticketKey };
    const answer = <M extends SidecarMethod>(method: M, payload: SidecarPayload<M>) =>
      say(from, method, payload, bytes.length);
    const refuse = (code: RelayCode) => {
      counts.refusals[code] += 1;
      answer("ptpRelay_refused", { nonce, code });
    };
    if (links.isOver(ticket, now, elapsed())) refuse("ticket_expired");
    else if (isLeaving) refuse("leaving");
    else if (cookie === undefined || !cookies.isGood(cookie, address, port, now)) {
      counts.challenged += 1;
      answer("ptpRelay_challenge", { nonce, cookie: cookies.bake(address, port, now) });
    } else {
      const binding = links.bind(ticket, { ...from, nonce, expiresAt: ticket.expiresAt }, now, elapsed());
      if (binding.kind === "refused") refuse(binding.code);
      else {
        counts.bound += 1;
        const said = answer("ptpRelay_bound", { nonce, peer: binding.peer });
        const { tell } = binding;
        if (tell) say(tell, "ptpRelay_bound", { nonce: tell.nonce, peer: true }, bytes.length - said);
      }
    }
    return "binds";
  };

  /** `most`: the bytes that what brought this about leaves for it. Returns those that were sent. */
  const say = <M extends SidecarMethod>(
    { address, port, via, key: signedWith }: Pick<End<Outlet>, "address" | "port" | "via" | "key">,
    method: M,
    payload: SidecarPayload<M>,
    most: number,
  ) => {
    const text = signDatagram(signedWith, method, payload);
    if (text.length > most) return 0;
    via.send(text, port, address);
    return text.length;
  };

  const tellNotices = () => {
    for (const { link, code, inMs } of links.notices.splice(0)) {
      for (const end of [link.a, link.b]) {
        if (!end) continue;
        counts.notices[code] += 1;
        say(end, "ptpRelay_notice", { link: link.id, code, inMs }, wireLimits.datagramBytes);
      }
    }
  };

  const timer = setInterval(() => {
    links.tick(elapsed());
    tellNotices();
  }, tickMs);
  timer.unref();

  return {
    counts,
    count: () => links.count(),
    carry,
    bind,
    leave: () => {
      isLeaving = true;
      links.leave(sidecarLimits.relayGoodbyeMs);
      tellNotices();
      return links.size > 0;
    },
    stop: () => clearInterval(timer),
  };
}
