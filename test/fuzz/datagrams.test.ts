/** Whatever comes over UDP: only what is genuine counts or is answered, and no answer is longer than what it answers. */
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { ClientDatagram } from "../../core/observing/port-pairing.ts";
import { holderOf, openUdpClient, type UdpClient } from "../../measure/kit/relay.ts";
import {
  cookieOf,
  datagramOf,
  dataOf,
  keyOf,
  passOf,
  secret,
  signedOf,
  ticketOf,
  tokenOf,
} from "../../measure/kit/secret.ts";
import { decode, encode } from "../../measure/kit/wire.ts";
import { Checks } from "../../udp-sidecar/checks.ts";
import { listen, type Receiver } from "../../udp-sidecar/receiver.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import { mutatedBytes, mutatedFields, mutatedText, oddText } from "./mutations.ts";
import { signedJson } from "./signed-json.ts";

/** Links the relay takes at most. */
const mostLinks = 4;
let receiver: Receiver;
let stranger: UdpClient;
let [ada, bob]: UdpClient[] = [];
/** What the sidecar took for genuine. */
const seen: ClientDatagram[] = [];
beforeAll(async () => {
  // A clock that stands still: however long it all takes, the link that must go on is never idle.
  const now = Date.now();
  // So does that of the checks: none takes any time, so that none is left out.
  const checks = new Checks({ now: () => 0, idle: () => 0, random: () => 0 });
  const options = {
    key: keyOf(),
    ports: { first: 0, second: 0 },
    bind: "127.0.0.1",
    clock: () => now,
    elapsed: () => 0,
  };
  receiver = await listen({ ...options, bounds: { links: mostLinks }, checks }, (_, datagram) => {
    seen.push(datagram);
    return true;
  });
  [stranger, ada, bob] = [await openUdpClient(), await openUdpClient(), await openUdpClient()];
  for (const [client, side] of [[ada, "a"] as const, [bob, "b"] as const]) {
    await holderOf(client, ticketOf(side), () => receiver.ports.first).bind();
  }
  await ada.next();
  await linkWorks();
});
afterAll(async () => {
  for (const client of [stranger, ada, bob]) client?.close();
  await receiver.close();
});
beforeEach(() => {
  seen.length = 0;
});
reportEffort();

/** The two who are on the relay hear each other, and nothing besides. */
async function linkWorks(): Promise<void> {
  for (const [from, to] of [[ada, bob] as const, [bob, ada] as const]) {
    const packet = dataOf("0123456789ab", `still here ${counted()}`);
    await from?.send(packet, receiver.ports.first);
    expect(await to?.next()).toEqual(packet);
  }
}

const soon = { interval: 1 };
/** Datagrams counted so far, at both ports. */
function counted(): number {
  const { first, second } = receiver.counts;
  return [first, second]
    .flatMap((counts) => Object.values<number>(counts))
    .reduce((all, one) => all + one, 0);
}

/** `bytes` as text: a character is one. */
type Shot = { bytes: string; port: "first" | "second" };
/** More than that no datagram can have. */
const longest = 60_000;

/** Sends all from where a stranger is, and waits until the sidecar has counted every one. */
async function fire(rim: string, shots: Shot[], from = stranger): Promise<void> {
  const before = counted();
  for (const { bytes, port } of shots) await from.send(Buffer.from(bytes, "latin1"), receiver.ports[port]);
  await vi.waitFor(() => expect(counted()).toBe(before + shots.length), soon);
  count(rim, shots.length);
}

function shotsOf(bytes: Arbitrary<Buffer>): Arbitrary<Shot[]> {
  const binary = bytes.filter(({ length }) => length <= longest).map((bytes) => bytes.toString("latin1"));
  const shot = fc.record({ bytes: binary, port: fc.constantFrom("first" as const, "second" as const) });
  return fc.array(shot, { minLength: 1, maxLength: 60, size: "max" });
}

const token = tokenOf("Ada");
const { pass, key: passKey } = passOf("Ada");
const candidates = [{ ip: "192.168.1.7", port: 40_000 }];
/** Of one mediation of two others. */
const theirs = { a: "Carol", b: "Dave" };
const noon = Date.now();
const { ticket, key } = ticketOf("a", { ...theirs, link: "ffffffffffff" }, { now: noon });
const nonce = "nonce-of-Ada";
const pad = ".".repeat(60);

/** One genuine datagram of each kind, and all that is signed in it. */
const genuine = {
  connect: datagramOf(token),
  connectWithMore: encode("ptpMediation_connect", { token, candidates }),
  probe: signedOf(passKey, "ptpMediation_probe", { pass, nonce, candidates, pad }),
  bind: signedOf(key, "ptpRelay_bind", { ticket, nonce, pad }),
  bindWithCookie: signedOf(key, "ptpRelay_bind", { ticket, nonce, cookie: cookieOf("127.0.0.1", 1), pad }),
};

/** Whether it is Ada's datagram still, as far as docs/protocol.md says what that is: base64 has more than one spelling. */
function isStillAdas(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  if (bytes.length > 1_024) return false;
  if (Object.values(genuine).includes(text)) return true;
  if (!text.startsWith("ptpMediation_connect:")) return false;
  const json = Buffer.from(text.slice(text.indexOf(":") + 1), "base64").toString();
  // The last part only the Worker can check.
  return json.includes(token.slice(0, -22));
}

test(
  "a genuine datagram with anything changed is not answered, and shows nothing",
  async () => {
    const links = receiver.relay.count();
    const changed = fc
      .constantFrom(...Object.values(genuine))
      .chain((text) =>
        fc.oneof(
          mutatedBytes(Buffer.from(text)),
          mutatedText(text).map((text) => Buffer.from(text)),
        ),
      )
      .filter((bytes) => !isStillAdas(bytes));
    await fc.assert(
      fc.asyncProperty(shotsOf(changed), async (shots) => {
        await fire("UDP datagrams", shots);
        expect(seen).toEqual([]);
        expect(stranger.heard).toEqual([]);
        expect(receiver.relay.count()).toEqual(links);
        await linkWorks();
      }),
      runs(60),
    );
  },
  patienceMs,
);

test("one with any single byte changed is none either", async () => {
  for (const text of [genuine.probe, genuine.bind]) {
    const shots = Array.from(text, (_, i) => {
      const bytes = Buffer.from(text);
      bytes[i] = (bytes[i] ?? 0) ^ (1 << (i % 7));
      return { bytes: bytes.toString("latin1"), port: "first" as const };
    });
    for (let i = 0; i < shots.length; i += 50) await fire("UDP datagrams", shots.slice(i, i + 50));
  }
  expect(stranger.heard).toEqual([]);
  expect(seen).toEqual([]);
});

test(
  "what is signed with another key, whatever it says, is not answered",
  async () => {
    const forged = fc
      .tuple(
        fc.constantFrom("ptpMediation_probe", "ptpRelay_bind", "ptpMediation_connect", "ptpMediation_seen"),
        fc.oneof(
          mutatedFields({ pass, nonce, candidates, pad }),
          mutatedFields({ ticket, nonce, cookie: nonce, pad }),
          mutatedFields({ token: tokenOf("Ada", { under: "another secret, of others" }), candidates }),
        ),
        fc.constantFrom(`${passKey}x`, token, passOf("Bob").key, ticketOf("b").key, "", secret),
      )
      .map(([method, json, under]) => Buffer.from(signedJson(under, method, json)));
    await fc.assert(
      fc.asyncProperty(shotsOf(forged), async (shots) => {
        await fire("UDP datagrams", shots);
        expect(seen).toEqual([]);
        expect(stranger.heard).toEqual([]);
        await linkWorks();
      }),
      runs(40),
    );
  },
  patienceMs,
);

/** Hears all that the sidecar says to the stranger because of these bytes: whatever is asked after them is answered after them. */
async function answersTo(bytes: Buffer): Promise<Buffer[]> {
  const before = stranger.heard.length;
  await stranger.send(bytes, receiver.ports.first);
  asked += 1;
  const last = `last-one-${asked}`;
  await stranger.send(
    signedOf(passKey, "ptpMediation_probe", { pass, nonce: last, candidates, pad }),
    receiver.ports.first,
  );
  const isLast = (heard: Buffer) =>
    heard.toString("latin1").includes("ptpMediation_seen") && isAbout(heard, last);
  await vi.waitFor(() => expect(stranger.heard.slice(before).some(isLast)).toBe(true), soon);
  count("UDP datagrams", 2);
  return stranger.heard.slice(before).filter((heard) => !isLast(heard));
}
let asked = 0;

function isAbout(datagram: Buffer, nonce: string): boolean {
  return decode(datagram.toString("latin1").split(".")[0] ?? "").payload.nonce === nonce;
}

test(
  "what a genuine client says, however odd, is answered with one datagram at most, no longer than its own",
  async () => {
    const cookie = cookieOf("127.0.0.1", stranger.port);
    const proven = { pass, nonce, cookie, candidates, pad };
    const said = fc.oneof(
      fc
        .oneof(
          mutatedFields(proven),
          mutatedFields({ ...proven, cookie: undefined }),
          fc.constantFrom(
            JSON.stringify(proven),
            // As short as can be.
            JSON.stringify({ pass, nonce, candidates: [] }),
          ),
        )
        .map((json) => signedJson(passKey, "ptpMediation_probe", json)),
      mutatedFields({ ticket, nonce, cookie, pad }).map((json) => signedJson(key, "ptpRelay_bind", json)),
      mutatedFields({ ticket, nonce, pad }).map((json) => signedJson(key, "ptpRelay_bind", json)),
      fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((number) => bindOf(number, cookie)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          said.filter(({ length }) => length <= longest),
          { minLength: 1, maxLength: 20, size: "max" },
        ),
        async (texts) => {
          for (const text of texts) {
            const bytes = Buffer.from(text);
            const answers = await answersTo(bytes);
            expect(answers.length).toBeLessThanOrEqual(1);
            for (const answer of answers) expect(answer.length).toBeLessThanOrEqual(bytes.length);
          }
          for (const { candidates = [], endpoint } of seen.splice(0)) {
            expect(endpoint).toEqual({ ip: "127.0.0.1", port: stranger.port });
            expect(candidates.length).toBeLessThanOrEqual(8);
          }
          expect(receiver.relay.count().links).toBeLessThanOrEqual(mostLinks);
          await linkWorks();
        },
      ),
      runs(20),
    );
  },
  patienceMs,
);

/** A bind of the ticket of any link: as many as there are would fill the relay. */
function bindOf(number: number, cookie: string): string {
  const link = number.toString(16).padStart(12, "0");
  const { ticket, key } = ticketOf("a", { ...theirs, link }, { now: noon });
  return signedOf(key, "ptpRelay_bind", { ticket, nonce, cookie, pad });
}

test(
  "packets of any kind, link and length go nowhere, unless they are of a link and from its end",
  async () => {
    const bodies = fc.oneof(
      fc
        .constantFrom(0, 1, 5, 6, 7, 23, 24, 25, 1_193, 1_200, 1_201, 1_400, 8_000)
        .map((size) => Buffer.alloc(size, 7)),
      fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.from(some)),
    );
    const link = fc.oneof(
      fc.constantFrom("0123456789ab", "ffffffffffff", "000000000000", "0123456789ac", "0123456789"),
      mutatedText("0123456789ab"),
    );
    const packet = fc
      .tuple(fc.oneof(fc.integer({ min: 0xe6, max: 0xed }), fc.nat(255)), link, bodies)
      .map(([kind, link, body]) => Buffer.concat([Buffer.of(kind), Buffer.from(link, "hex"), body]));
    await fc.assert(
      fc.asyncProperty(shotsOf(packet), fc.boolean(), async (shots, isAda) => {
        // The end of a link may send what it likes on another: that is nobody's, too.
        const isOwn = ({ bytes }: Shot) =>
          Buffer.from(bytes, "latin1").subarray(1, 7).toString("hex") === "0123456789ab";
        const others = isAda ? shots.filter((shot) => !isOwn(shot)) : shots;
        const heard = [stranger, ada, bob].map((client) => client?.heard.length);
        await fire("UDP packets", others, isAda ? ada : stranger);
        expect([stranger, ada, bob].map((client) => client?.heard.length)).toEqual(heard);
        await linkWorks();
      }),
      runs(40),
    );
  },
  patienceMs,
);

test(
  "bytes of no kind at all are junk",
  async () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 1_500 }).map((some) => Buffer.from(some)),
      oddText.map((text) => Buffer.from(text)),
      fc
        .tuple(
          fc.constantFrom("ptpMediation_connect", "ptpMediation_probe", "ptpRelay_bind", "ptpRelay_bound"),
          oddText,
        )
        .map(([method, text]) => Buffer.from(`${method}:${text}`)),
    );
    await fc.assert(
      fc.asyncProperty(shotsOf(junk), async (shots) => {
        const heard = stranger.heard.length;
        await fire("UDP datagrams", shots);
        expect(stranger.heard.length).toBe(heard);
        expect(seen).toEqual([]);
        await linkWorks();
      }),
      runs(40),
    );
  },
  patienceMs,
);

test("the sidecar's counts of all that add up", () => {
  const { counts, relay } = receiver;
  const sum = (numbers: object) => Object.values<number>({ ...numbers }).reduce((all, one) => all + one, 0);
  expect(relay.counts.packets + sum(relay.counts.drops)).toBe(counts.first.packets);
  expect(relay.counts.bound + relay.counts.challenged + sum(relay.counts.refusals)).toBe(counts.first.binds);
  expect(counts.second).toMatchObject({ binds: 0, packets: 0 });
});
