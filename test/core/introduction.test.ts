/**
 * What each player is told of the others when they are to connect: by what its client knows, and by the
 * lobby's rules.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Introduced, Introduction } from "../../core/lobby/effect.ts";
import { introduce, type LinkSecrets, linkCount, type Told } from "../../core/lobby/introduction.ts";
import type { Observed } from "../../core/mapping.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import { parseTicket } from "../../core/relay/ticket.ts";
import { introduction as shape } from "../../core/wire/introduction.ts";
import { secret, ticketKeyOf } from "../../measure/kit/secret.ts";
import { decode, readBy } from "../../measure/kit/wire.ts";
import { noon } from "./a-lobby.ts";

type MemberFrame = { to: Introduced["member"][]; frame: string };
/** The shell as it is used here. It is imported by address because its types are those of Workers. */
const worker: {
  introductions(
    env: { ORION_SECRET: string },
    lobbyTag: string,
    introduction: Introduction,
  ): MemberFrame[] | Promise<MemberFrame[]>;
} = await import(new URL("../../worker/objects/introductions.ts", import.meta.url).href);

const place = { host: "relay.example", port: 5990 };
const relay = { ...place, name: "paris" };
const lan = [{ ip: "192.168.1.7", port: 41_000 }];
const at = (port: number) => ({ ip: "198.51.100.7", port });

/** A player whose client knows the additions, unless `candidates` are left out. */
function player(name: string, port: number, about: Partial<Observed> = { candidates: lan }): Introduced {
  const clientId = name.padEnd(16, "-");
  return {
    member: { clientId, name, holder: "l1", requestId: "r" },
    observed: { endpoint: at(port), ...about },
    links: about.candidates !== undefined,
    isCertain: true,
  };
}
const starOf = ({ member }: Introduced): Introduction["policy"] => ({
  topology: { kind: "star", center: member.clientId },
});
const links = (count: number): LinkSecrets[] =>
  Array.from({ length: count }, (_, i) => ({
    id: i.toString(16).padStart(12, "0"),
    key: `key-${i}`.padEnd(22, "-"),
  }));

function told(host: Introduced, others: Introduced[], about: Partial<Introduction> = {}): Told[] {
  const introduction = { policy: starOf(host), host, others, relay, relayOnly: false, ...about };
  return introduce(introduction, { lobbyTag: "ABCDE", links: links(linkCount(introduction)), now: noon });
}
const toWhom = (messages: Told[]) =>
  messages.map(({ kind, to }) => `${kind} to ${to.map(({ name }) => name).join(", ")}`);
const you = (port: number) => ({ ...at(port), mapping: "unknown" });

describe("players are told, by whether their clients know the additions,", () => {
  const plain = { candidates: undefined };
  const [host, ann, ben] = [player("Host", 1), player("Ann", 2), player("Ben", 3)];
  const [plainHost, plainAnn, plainBen] = [
    player("Host", 1, plain),
    player("Ann", 2, plain),
    player("Ben", 3, plain),
  ];

  test("all do: each of its peers, the host first", () => {
    const messages = told(host, [ann, ben]);
    expect(toWhom(messages)).toEqual(["full to Host", "full to Ann", "full to Ben"]);
    expect(messages[0]?.peers).toMatchObject([
      { name: "Ann", port: 2, link: { side: "a" }, relay: place },
      { name: "Ben", port: 3, link: { side: "a" }, relay: place },
    ]);
    expect(messages[1]).toMatchObject({
      peers: [{ name: "Host", port: 1, link: { side: "b" } }],
      you: you(2),
    });
  });

  test("none does: what Orion's server says, in two messages however many they are", () => {
    expect(told(plainHost, [plainAnn, plainBen])).toEqual([
      { kind: "plain", to: [plainHost.member], peers: [at(2), at(3)] },
      { kind: "plain", to: [plainAnn.member, plainBen.member], peers: [at(1)] },
    ]);
  });

  test("some guests do: the host of all, those without at last and together", () => {
    const messages = told(host, [plainAnn, ben, player("Cid", 4, plain)]);
    expect(toWhom(messages)).toEqual(["full to Host", "full to Ben", "plain to Ann, Cid"]);
    expect(messages[0]?.peers.map((peer) => Object.keys(peer).includes("link"))).toEqual([
      false,
      true,
      false,
    ]);
    expect(messages[2]).toMatchObject({ kind: "plain", peers: [at(1)] });
  });

  test("the host does not: its guests hear more, but have no link and no ticket", () => {
    const messages = told(plainHost, [ann]);
    expect(toWhom(messages)).toEqual(["plain to Host", "full to Ann"]);
    expect(messages[0]?.peers).toEqual([at(2)]);
    expect(messages[1]?.peers).toEqual([
      {
        ...at(1),
        ports: [1],
        mapping: "unknown",
        proven: false,
        candidates: undefined,
        name: "Host",
        clientId: plainHost.member.clientId,
      },
    ]);
  });

  test("no relay: no tickets", () => {
    const messages = told(host, [ann], { relay: undefined });
    for (const [i, name] of ["Ann", "Host"].entries()) {
      expect(messages[i]?.peers).toMatchObject([{ name, link: expect.anything() }]);
      expect(messages[i]?.peers[0]).not.toHaveProperty("relay");
    }
  });
});

test("what both ports saw is told, and the mapping that it shows", () => {
  const [host, guest] = [
    player("Host", 1, { candidates: lan, second: at(1), proven: true }),
    player("Ann", 2, { candidates: [], second: at(9) }),
  ];
  const [toHost, toGuest] = told(host, [guest]);
  expect(toHost).toMatchObject({
    peers: [{ ports: [2, 9], mapping: "endpoint-dependent", proven: false, candidates: [] }],
    you: { ...at(1), mapping: "endpoint-independent" },
  });
  expect(toGuest).toMatchObject({
    peers: [{ ports: [1, 1], mapping: "endpoint-independent", proven: true, candidates: lan }],
    you: { ...at(2), mapping: "endpoint-dependent" },
  });
});

test("in a mesh each is told of all others, and each pair shares one link", () => {
  const [ann, ben, cid, dan] = [
    player("Ann", 1),
    player("Ben", 2),
    player("Cid", 3, { candidates: undefined }),
    player("Dan", 4),
  ];
  const messages = told(ann, [ben, cid, dan], { policy: { topology: { kind: "mesh" } } });
  expect(toWhom(messages)).toEqual(["full to Ann", "full to Ben", "full to Dan", "plain to Cid"]);
  expect(messages.map(({ peers }) => peers.length)).toEqual([3, 3, 3, 3]);
  const links = messages.flatMap((one) =>
    one.kind === "full" ? one.peers.flatMap(({ link }) => (link ? [`${link.id} ${link.side}`] : [])) : [],
  );
  // Three pairs know links, each told at both ends.
  expect(new Set(links).size).toBe(6);
  expect(new Set(links.map((link) => link.split(" ")[0])).size).toBe(3);
});

test("in a mesh, one that knows no links, but has said what it can do, is told whose each endpoint is", () => {
  const knowing = (name: string, port: number): Introduced => {
    const one = player(name, port, { candidates: undefined });
    return { ...one, member: { ...one.member, features: ["pings"] } };
  };
  const [ann, ben, cid] = [knowing("Ann", 1), knowing("Ben", 2), knowing("Cid", 3)];
  const messages = told(ann, [ben, cid], { policy: { topology: { kind: "mesh" } } });
  expect(toWhom(messages)).toEqual(["full to Ann", "full to Ben", "full to Cid"]);
  expect(messages[1]?.peers).toMatchObject([
    { name: "Ann", clientId: ann.member.clientId, ...at(1) },
    { name: "Cid", clientId: cid.member.clientId, ...at(3) },
  ]);
  expect(messages[1]?.peers.flatMap((peer) => Object.keys(peer))).not.toContain("link");
  expect(toWhom(told(ann, [ben, cid]))).toEqual(["plain to Ann", "plain to Ben, Cid"]);
});

test("too few links are our own bug", () => {
  const host = player("Host", 1);
  const introduction = {
    policy: starOf(host),
    host,
    others: [player("Ann", 2)],
    relay,
    relayOnly: false,
  };
  expect(linkCount(introduction)).toBe(1);
  expect(() => introduce(introduction, { lobbyTag: "ABCDE", links: [], now: noon })).toThrow();
});

describe("the Worker's shell", () => {
  const env = { ORION_SECRET: secret };
  const frames = (host: Introduced, guest: Introduced) =>
    worker.introductions(env, "ABCDE", {
      policy: starOf(host),
      host,
      others: [guest],
      relay: { ...relay, name: "oslo-1" },
      relayOnly: false,
    });

  test("has the frames of Orion's clients at once, so that nothing overtakes them", () => {
    const [host, guest] = [player("Host", 1, {}), player("Ann", 2, {})];
    const told = frames(host, guest);
    if (told instanceof Promise) throw new Error("they come later");
    expect(told.map(({ to, frame }) => [to[0]?.name, decode(frame).payload])).toEqual([
      ["Host", { peers: [at(2)] }],
      ["Ann", { peers: [at(1)] }],
    ]);
  });

  test("adds to each ticket the key that its sidecar computes, and draws other links each time", async () => {
    const [host, guest] = [player("Host", 1), player("Ann", 2)];
    const read = async () =>
      (await frames(host, guest)).map(({ frame }) => readBy(shape, decode(frame).payload).peers[0]);
    const peers = await read();
    expect(peers).toHaveLength(2);
    for (const { relay } of peers.flatMap((peer) => peer ?? []))
      expect(relay?.key).toBe(ticketKeyOf(relay?.ticket ?? "", { sidecar: "oslo-1" }));
    expect((await read())[0]?.link?.id).not.toBe(peers[0]?.link?.id);
  });
});

describe("whoever is in the lobby, whatever was seen of them", () => {
  const observed = fc.record({
    second: fc.option(fc.constant(at(77)), { nil: undefined }),
    proven: fc.boolean(),
    candidates: fc.option(fc.constantFrom(lan, []), { nil: undefined }),
  });
  const lobby = fc.record({
    all: fc.array(observed, { minLength: 2, maxLength: 8 }),
    relayOnly: fc.boolean(),
    hasRelay: fc.boolean(),
  });
  const always = (sentence: string, judge: (introduction: Introduction, messages: Told[]) => void) =>
    test(sentence, () => {
      fc.assert(
        fc.property(lobby, ({ all, relayOnly, hasRelay }) => {
          const [host, ...others] = all.map((about, i) => player(`player-${i}`, 1_000 + i, about));
          if (!host) return;
          const introduction = {
            policy: starOf(host),
            host,
            others,
            relay: hasRelay ? relay : undefined,
            relayOnly,
          };
          judge(introduction, told(host, others, introduction));
        }),
        { numRuns: 500 },
      );
    });
  const peersOf = (messages: Told[]) => messages.flatMap((one) => (one.kind === "full" ? one.peers : []));

  always("each is told once, and of each of its peers once", ({ host, others }, messages) => {
    const all = [host, ...others].map(({ member }) => member.clientId);
    expect(messages.flatMap(({ to }) => to.map(({ clientId }) => clientId)).toSorted()).toEqual(
      all.toSorted(),
    );
    for (const message of messages) {
      const isHost = message.to.includes(host.member);
      const peers = isHost ? others : [host];
      if (message.kind === "full") {
        expect(message.peers.map(({ name }) => name)).toEqual(peers.map(({ member }) => member.name));
      }
    }
  });

  always("in a relay-only lobby nobody is told where a peer is", ({ relayOnly }, messages) => {
    if (!relayOnly) return;
    const text = JSON.stringify(messages.map(({ peers }) => peers));
    expect(text).not.toMatch(/198\.51|192\.168|:77\b|:10\d\d\b|candidates|"ports"|mapping/);
    for (const { kind, peers } of messages) if (kind === "plain") expect(peers).toEqual([]);
  });

  always(
    "a link's secrets are told to its two ends, as two sides of one, and to nobody else",
    (_, messages) => {
      const ends = Map.groupBy(
        peersOf(messages).flatMap(({ link }) => link ?? []),
        ({ id }) => id,
      );
      for (const both of ends.values()) {
        expect(both.map(({ side }) => side).toSorted()).toEqual(["a", "b"]);
        expect(new Set(both.map(({ key }) => key)).size).toBe(1);
      }
    },
  );

  always(
    "a ticket names its link, its side and both ends, and there is none without a link",
    ({ host }, messages) => {
      for (const { to, ...message } of messages) {
        for (const peer of message.kind === "full" ? message.peers : []) {
          if (!peer.link || !peer.relay) {
            expect(peer.link ? undefined : peer.relay).toBeUndefined();
            continue;
          }
          expect(peer.relay).toEqual({
            ...place,
            ticket: peer.relay.ticket,
            lifeMs: relayLimits.relayTicketMs,
          });
          expect(parseTicket(peer.relay.ticket)).toEqual({
            link: peer.link.id,
            side: to.includes(host.member) ? "a" : "b",
            begunAt: noon,
            expiresAt: noon + relayLimits.relayTicketMs,
            lobbyTag: "ABCDE",
            clientId: to[0]?.clientId,
            peerId: peer.clientId,
            sidecar: "paris",
          });
        }
      }
    },
  );

  always("with the keys of its tickets, it is what clients read", (_, messages) => {
    for (const message of messages) {
      if (message.kind !== "full") continue;
      const { you, peers } = message;
      const signed = peers.map(({ relay, ...peer }) =>
        relay ? { ...peer, relay: { ...relay, key: "k" } } : peer,
      );
      expect(readBy(shape, { you, peers: signed })).toEqual({ you, peers: signed });
    }
  });
});
