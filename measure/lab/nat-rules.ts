/** A NAT as rules of nftables. */
import type { Nat } from "./access.ts";

/**
 * The rules of a router with the interfaces `lan` and `wan`, for `nft -f`.
 *
 * Datagrams to the router itself are dropped, without an answer: as routers do, so that there is no hairpin, and because
 * Linux before 6.12 would otherwise remember a peer's early datagram, and give the player's own to that peer another port.
 */
export function natRules({ mapping, filtering, udp }: Nat): string {
  const open = filtering === "none";
  return `
table ip nat {
  map mapped {
    type inet_service : ipv4_addr
    flags dynamic
    size 65535
  }
  chain leaving {
    type nat hook postrouting priority 100
    policy accept
    ${open ? 'oifname "wan" add @mapped { udp sport : ip saddr }' : ""}
    oifname "wan" masquerade ${mapping === "per-destination" ? "random,fully-random" : ""}
  }
  chain entering {
    type nat hook prerouting priority -100
    policy accept
    ${open ? 'iifname "wan" dnat to udp dport map @mapped' : ""}
  }
}
table ip filter {
  chain passing {
    type filter hook forward priority 0
    policy drop
    ${udp ? "" : "meta l4proto udp drop"}
    iifname "lan" accept
    ct state established,related accept
    ct status dnat accept
  }
  chain arriving {
    type filter hook input priority 0
    policy accept
    meta l4proto udp drop
  }
}
`;
}
