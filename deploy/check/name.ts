/** The server's name: whether it leads anywhere, and whether its certificate is good. */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:tls";
import { addressBytes, isLocalHost, plainAddress, scopeOf } from "../../core/endpoint.ts";
import type { Check } from "./finding.ts";

/** Milliseconds to wait for a connection. */
const patienceMs = 10_000;
/** Days before its end by which a certificate is renewed: Let's Encrypt's are good for 90, and Caddy renews them 30 before. */
const renewedDays = 14;

const hostOf = ({ hostname }: URL) => hostname.replace(/^\[(.*)\]$/, "$1");

/** `find`: what knows the addresses of names; the system, unless a test says otherwise. */
export function resolves(
  server: URL,
  find = lookup as (host: string, how: { all: true }) => Promise<{ address: string }[]>,
): Check {
  return {
    name: "dns",
    look: async () => {
      const host = hostOf(server);
      if (addressBytes(host)) return { verdict: "ok", what: "The server is called by its address." };
      const found = await find(host, { all: true }).catch(() => []);
      const addresses = found.map(({ address }) => address);
      if (addresses.length === 0)
        return { verdict: "wrong", code: "dns_no_address", what: `No address is known for ${host}.` };
      const what = `${host} has ${addresses.join(", ")}.`;
      const isPublic = addresses.some((address) => scopeOf(plainAddress(address)) === "public");
      return isPublic || isLocalHost(host)
        ? { verdict: "ok", what }
        : { verdict: "note", code: "dns_private_address", what };
    },
  };
}

export function hasTls(server: URL): Check {
  return {
    name: "tls",
    look: async () => {
      const host = hostOf(server);
      if (server.protocol === "http:") {
        return isLocalHost(host)
          ? { verdict: "ok", what: "Within a network, a server needs no TLS." }
          : { verdict: "note", code: "no_tls", what: "The server is called over http, which has no TLS." };
      }
      const socket = connect({
        host,
        port: Number(server.port || 443),
        rejectUnauthorized: false,
        timeout: patienceMs,
        // Only names are told to the server.
        ...(addressBytes(host) ? {} : { servername: host }),
      });
      socket.on("timeout", () => socket.destroy(new Error("no answer")));
      try {
        await once(socket, "secureConnect");
        const { valid_to } = socket.getPeerCertificate();
        const days = Math.floor((Date.parse(valid_to) - Date.now()) / 86_400_000);
        if (!socket.authorized) {
          const why = String(socket.authorizationError);
          return { verdict: "wrong", code: "tls_untrusted", what: `The certificate is not good: ${why}.` };
        }
        const what = `The certificate is good for ${days} more days.`;
        return days < renewedDays
          ? { verdict: "note", code: "tls_expires_soon", what }
          : { verdict: "ok", what };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { verdict: "wrong", code: "unreachable", what: `No TLS connection: ${why}.` };
      } finally {
        socket.destroy();
      }
    },
  };
}
