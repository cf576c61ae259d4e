/** Tokens, tickets, cookies, codes, cursors, messages and packets: any text or bytes are one, or none; a changed one is none. */
import fc, { type Arbitrary } from "fast-check";
import { expect, test } from "vitest";
import { longestName, nameIn, parseName } from "../../core/dialects/names.ts";
import { addressBytes, plainAddress, scopeOf } from "../../core/endpoint.ts";
import { codeShape, readCode, readLobbyId } from "../../core/lobby/code.ts";
import { parseTicket, ticketText } from "../../core/relay/ticket.ts";
import { parseToken } from "../../core/token.ts";
import { readClientMessage } from "../../core/wire/client-message.ts";
import { decodeMessage } from "../../core/wire/codec.ts";
import { kindOf, readCandidates, readDatagram } from "../../core/wire/datagram.ts";
import { listQuery } from "../../core/wire/finding.ts";
import { gatewayHeaderText, parseGatewayHeader } from "../../core/wire/gateway.ts";
import { linkOf, readSigned, writeSigned } from "../../core/wire/peer-packet.ts";
import { readSignedDatagram } from "../../core/wire/signed-datagram.ts";
import {
  asGateway,
  cookieOf,
  datagramOf,
  keyOf,
  passOf,
  signedOf,
  ticketOf,
  tokenOf,
} from "../../measure/kit/secret.ts";
import { encode } from "../../measure/kit/wire.ts";
import { cookiesOf } from "../../udp-sidecar/cookie.ts";
import { deriveKeys, filtersOf, isLikely, isSignedWith } from "../../udp-sidecar/keys.ts";
import { readProbe } from "../../udp-sidecar/probes.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import { mutatedBytes, mutatedFields, mutatedText, oddText } from "./mutations.ts";

reportEffort();

/** Holds for each input, and counts it. */
function holds<T>(rim: string, input: Arbitrary<T>, check: (input: T) => void, inCi = 3_000): void {
  fc.assert(
    fc.property(input, (one) => {
      count(rim);
      check(one);
    }),
    runs(inCi),
  );
}

const nearly = (genuine: string) => fc.oneof({ arbitrary: mutatedText(genuine), weight: 3 }, oddText);
const token = tokenOf("Ada", { holder: "l1234" });
const filters = filtersOf({ key: keyOf() });
const passKeys = deriveKeys({ key: keyOf() }, "pass");

test(
  "a token with anything changed is not genuine",
  () => {
    holds("tokens", nearly(token), (text) => {
      const parsed = parseToken(text);
      if (parsed) expect(`${parsed.signed}.${parsed.mac}`).toBe(text);
      // The last part only the Worker can check.
      const isSame = text.split(".").slice(0, -1).join() === token.split(".").slice(0, -1).join();
      expect(parsed !== null && isLikely(filters, parsed)).toBe(parsed !== null && isSame);
    });
  },
  patienceMs,
);

test("a token with any character changed to any other of its alphabet is not genuine", () => {
  for (let i = 0; i < token.length; i++) {
    for (const unit of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
      const text = token.slice(0, i) + unit + token.slice(i + 1);
      const parsed = parseToken(text);
      count("tokens");
      const isSame = text.slice(0, -23) === token.slice(0, -23);
      expect(parsed !== null && isLikely(filters, parsed)).toBe(parsed !== null && isSame);
    }
  }
});

test(
  "a ticket is read as it is written, or not at all",
  () => {
    holds("tickets", nearly(ticketOf("a").ticket), (text) => {
      const ticket = parseTicket(text);
      if (!ticket) return;
      expect(ticket.link).toMatch(/^[\da-f]{12}$/);
      expect(ticketText(ticket)).toBe(text);
    });
  },
  patienceMs,
);

test(
  "a cookie with anything changed is no good, and neither is another's",
  () => {
    const now = Date.now();
    const cookies = cookiesOf(keyOf());
    const cookie = cookieOf("192.0.2.1", 4_000, { now });
    const address = fc.oneof(
      fc.constantFrom("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.10"),
      mutatedText("192.0.2.1"),
    );
    const input = fc.tuple(
      fc.oneof(fc.constant(cookie), nearly(cookie)),
      address,
      fc.constantFrom(4_000, 40_000, 0),
    );
    holds("cookies", input, ([text, address, port]) => {
      const isTheirs = plainAddress(address) === "192.0.2.1" && port === 4_000;
      expect(cookies.isGood(text, address, port, now)).toBe(text === cookie && isTheirs);
    });
  },
  patienceMs,
);

test(
  "what people type is one code or none",
  () => {
    const text = fc.oneof(nearly("K7Q2M"), fc.string({ unit: fc.constantFrom(..."09AZaz"), maxLength: 6 }));
    holds("codes", text, (text) => {
      const code = readCode(text);
      const typed = text.replace(/\s/g, "");
      if (!/^[0-9A-Za-z]{5}$/.test(typed)) expect(code).toBeNull();
      else expect(code).toBe(typed.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1"));
      if (code !== null) expect(code).toMatch(codeShape);
    });
  },
  patienceMs,
);

test(
  "a dialect's name is read as it is written, or not at all",
  () => {
    for (const genuine of ["rabid:NiceRoom", `noray:${"aZ_-0".repeat(12)}aZ_-`, "groovejet:0a1z0"]) {
      holds("names of lobbies", nearly(genuine), (text) => {
        const read = parseName(text);
        expect(readLobbyId(text)).toBe(read ? text : readCode(text));
        if (!read) return;
        expect(text).toBe(nameIn(read.dialect, read.name));
        expect(text).toMatch(/^(?:rabid|noray|groovejet):[A-Za-z0-9_-]{1,64}$/);
        expect(text.length).toBeLessThanOrEqual(longestName);
      });
    }
  },
  patienceMs,
);

test(
  "a gateway's header is read as it is written, or not at all",
  () => {
    for (const address of ["192.0.2.1", "2001:db8::ff"]) {
      const genuine = asGateway({ address, at: 1_800_000_000_000 })("GET", "/")["orion-gateway"] ?? "";
      holds("gateways' headers", nearly(genuine), (text) => {
        const read = parseGatewayHeader(text);
        if (read) expect(gatewayHeaderText(read, read.mac)).toBe(text);
      });
    }
  },
  patienceMs,
);

test(
  "a cursor is numbers that can be counted with, and of a sorted list a plain value, or none",
  () => {
    const given = [undefined, "skill"].flatMap((sort) =>
      ["0-3-141-2", "s.WyJkdXN0IiwzLDE0MSwyXQ"].map((cursor) => ({ sort, cursor })),
    );
    for (const { sort, cursor: genuine } of given) {
      holds("cursors", nearly(genuine), (cursor) => {
        const read = listQuery.safeParse({ cursor, sort }).data?.cursor;
        if (!read || read.kind === "old") return;
        for (const number of [read.at.round, read.at.order, read.shard])
          expect(number).toSatisfy(Number.isSafeInteger);
        if (read.kind === "sorted") expect(read.at.value).not.toBeTypeOf("object");
      });
    }
  },
  patienceMs,
);

test(
  "any text is an address of 4 or 16 bytes, or unusable",
  () => {
    const address = fc.oneof(nearly("192.168.1.7"), nearly("fe80::1:2%eth0"), nearly("::ffff:192.0.2.1"));
    holds("addresses", address, (text) => {
      const bytes = addressBytes(text);
      if (bytes === null) expect(scopeOf(text)).toBe("unusable");
      else {
        expect(bytes.length).toBeOneOf([4, 16]);
        for (const byte of bytes)
          expect(byte).toSatisfy((b: number) => Number.isInteger(b) && b >= 0 && b < 256);
      }
      expect(plainAddress(text)).toBeTypeOf("string");
    });
  },
  patienceMs,
);

const known = [
  ...["lobby_messaging_send", "ptpMediation_peersConnection_success", "ptpMediation_peersConnection_failure"],
  ...["ptpMediation_unseen", "client_pings", "client_features"],
];
const methods = [
  ...known,
  ...["ptpMediation_connect", "__proto__", "constructor", "", ":", "client_registered"],
];
const timeline = [{ atMs: 1, what: "began" }];
const report = { clientId: "Bob", path: "direct", cause: null, rttMs: 5, timeline };
const payload = {
  ...{ token, lobbyId: "ABCDE", message: "hello", mediation: "one", cause: null, peers: [report] },
  features: ["links", "pings"],
};
const messageText = fc
  .tuple(fc.constantFrom(...methods), fc.oneof(mutatedFields(payload), fc.constant(JSON.stringify(payload))))
  .map(([method, json]) => `${method}:${Buffer.from(json).toString("base64")}`);

test(
  "any text is a message, or none",
  () => {
    const text = fc.oneof({ arbitrary: messageText, weight: 3 }, messageText.chain(mutatedText), oddText);
    holds("messages as texts", text, (text) => {
      const message = decodeMessage(text);
      if (message) expect(text.startsWith(`${message.method}:`)).toBe(true);
      const read = readClientMessage(text);
      if (!read) return;
      expect(known).toContain(read.method);
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
      if ("report" in read) expect(read.report.peers.length).toBeLessThanOrEqual(64);
    });
  },
  patienceMs,
);

test(
  "any bytes are a datagram, a signed one or a packet, or none; a signed one with anything changed is not genuine",
  () => {
    const { pass, key } = passOf("Ada", { holder: "l1234" });
    const probe = signedOf(key, "ptpMediation_probe", {
      pass,
      nonce: "nonce-12",
      candidates: [],
    });
    const signed = writeSigned({ kind: "check", link: 0x123456789abc, side: "a", number: 2 ** 53 - 1 });
    const candidates = [{ ip: "10.0.0.1", port: 4_000 }];
    const genuine = [
      Buffer.from(probe),
      Buffer.from(datagramOf(token)),
      Buffer.from(encode("ptpMediation_connect", { token, candidates })),
      Buffer.from(signed),
    ];
    holds("datagrams as bytes", fc.constantFrom(...genuine).chain(mutatedBytes), (bytes) => {
      kindOf(bytes);
      const datagram = readDatagram(bytes);
      if (datagram) readCandidates(datagram.candidates);
      const signedOne = readSignedDatagram(bytes);
      const isWhole = bytes.toString("latin1") === probe;
      expect(signedOne !== null && isSignedWith(key, signedOne)).toBe(isWhole);
      expect(typeof readProbe(passKeys, bytes, Date.now()) === "object").toBe(isWhole);
      const [link, packet] = [linkOf(bytes), readSigned(bytes)];
      for (const number of [link ?? 0, packet?.number ?? 0]) expect(Number.isSafeInteger(number)).toBe(true);
      if (packet) expect(Buffer.from(writeSigned(packet)).subarray(0, 16)).toEqual(bytes.subarray(0, 16));
    });
  },
  patienceMs,
);
