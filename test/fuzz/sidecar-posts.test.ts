/** Whatever is posted in a sidecar's name, and whatever an edge answers to a sidecar. */
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Server } from "../../local/server.ts";
import { startStandIn, takeAll } from "../../measure/kit/edge.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, type Player, rollCall } from "../../measure/kit/player.ts";
import { openUdpClient } from "../../measure/kit/relay.ts";
import { datagramOf, keyOf, proofOf, secret, signatureOf, tokenOf } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { noteTold } from "../../measure/kit/whole-log.ts";
import { startSidecar } from "../../udp-sidecar/sidecar.ts";
import { count, patienceMs, reportEffort, runs, together } from "./effort.ts";
import { mutatedBody, mutatedText, oddText } from "./mutations.ts";
import { expectNoLeak, type Witnesses, witnesses } from "./witnesses.ts";

let server: Server;
let lobby: Witnesses;
/** Two whose mediation waits for the guest to be seen. */
let waiting: { lobbyId: string; host: Player; guest: Player };
beforeAll(async () => {
  server = await startTestServer({
    ...{ secret, vars: { sidecarHosts: "fuzz=sidecar.example" } },
    timing: { ptpmConnectRequestIntervalMs: 600_000 },
  });
  lobby = await witnesses(server.url);
  const { lobbyId, host, guests } = await lobbyOf(2, server.url);
  const [guest = host] = guests;
  guest.answersOverUdp = false;
  await host.start(lobbyId);
  await guest.hears("ptpMediation_send");
  waiting = { lobbyId, host, guest };
});
afterAll(() => server.stop());
reportEffort();

const paths = ["/sidecar/heartbeat", "/sidecar/observations"] as const;

/** What is signed: the text that the edge reads in a body. */
const textOf = (body: string) => new TextDecoder().decode(Buffer.from(body, "latin1"));

/** A post's body as binary text, with this signature or the right one. */
async function postAs(
  path: string,
  body: string,
  signature?: string,
): Promise<{ status: number; text: string }> {
  const bytes = Buffer.from(body, "latin1");
  const headers = {
    "x-orion-sidecar": "fuzz",
    "x-orion-signature": signature ?? signatureOf(path, textOf(body), { name: "fuzz" }),
  };
  const response = await fetch(new URL(path, server.url), { method: "POST", headers, body: bytes });
  return { status: response.status, text: await response.text() };
}

const batchOf = <T>(input: Arbitrary<T>) => fc.array(input, { minLength: 1, maxLength: 25, size: "max" });

/** Nobody was seen, and no other sidecar is known. */
async function nothingHappened(): Promise<void> {
  const { lobbyId, host, guest } = waiting;
  await lobby.seeNothing();
  await rollCall(lobbyId, guest, host);
  expect(guest.methods.filter((method) => method.startsWith("ptpMediation_"))).toEqual(["ptpMediation_send"]);
}

/** Somebody who is not in this lobby says that it was seen. */
const observationOf = ({ token, clientId }: { token: string; clientId: string }) => {
  const second = { ip: "192.0.2.1", port: 4_001 };
  return {
    clientId,
    proof: proofOf({ token }),
    ip: "192.0.2.1",
    port: 4_000,
    second,
    candidates: [{ ip: "10.0.0.1", port: 4_000 }],
  };
};

test(
  "a post that is not signed with the secret is refused, whatever it says",
  async () => {
    const body = JSON.stringify({ observations: [observationOf(waiting.guest)] });
    const beat = JSON.stringify({ name: "evil", host: "evil.example", port: 6_666, load: 0 });
    const input = fc.constantFrom(...paths).chain((path) => {
      const genuine = path === "/sidecar/heartbeat" ? beat : body;
      const right = signatureOf(path, genuine, { name: "fuzz" });
      const wrong = fc.oneof(
        mutatedText(right).filter((text) => text.trim() !== right),
        fc.constantFrom(
          signatureOf(path, genuine, { name: "fuzz", under: "another secret, of other people" }),
          signatureOf(path, genuine, { name: "other" }),
          signatureOf(path, genuine, { name: "fuzz", number: 2 }),
          right.toUpperCase(),
          "",
        ),
        fc.constantFrom(
          ...paths
            .filter((other) => other !== path)
            .map((other) => signatureOf(other, genuine, { name: "fuzz" })),
        ),
        oddText.filter((text) => text !== right),
      );
      return fc.oneof(
        wrong.map((signature) => ({ path, body: genuine, signature })),
        // The signature of another body.
        mutatedBody(JSON.parse(genuine))
          .filter((body) => textOf(body) !== genuine)
          .map((body) => ({ path, body, signature: right })),
      );
    });
    const isSendable = ({ signature }: { signature: string }) => /^[\x20-\x7e]*$/.test(signature);
    await fc.assert(
      fc.asyncProperty(batchOf(input.filter(isSendable)), async (inputs) => {
        await together("sidecar posts", inputs, async ({ path, body, signature }) => {
          const { status, text } = await postAs(path, body, signature);
          expect(status).toBe(401);
          expectNoLeak(text, [...lobby.all, waiting.guest]);
          expect(text).not.toContain(signatureOf(path, body, { name: "fuzz" }));
        });
        await nothingHappened();
      }),
      runs(25),
    );
  },
  patienceMs,
);

type Fields = Record<string, unknown>;
const isPort = (port: unknown) => Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
const isMatch = (text: unknown, shape: RegExp) => typeof text === "string" && shape.test(text);
const isEndpoint = (one: unknown) => {
  const { ip, port } = Object(one);
  return isPort(port) && isMatch(ip, /^[\da-f.:]{2,45}$/i);
};
const maybe = (value: unknown, isRight: (value: unknown) => boolean) => value === undefined || isRight(value);

/** What core/wire/sidecar-post.ts says of both, in other words. */
const isTime = (at: unknown) => Number.isSafeInteger(at) && Number(at) >= 0;
const isHeartbeat = ({ name, host, port, secondPort, relays, load, leaving, at }: Fields) =>
  maybe(at, isTime) &&
  // The one whose key has signed it.
  name === "fuzz" &&
  maybe(host, (host) => isMatch(host, /^[\w.:-]{1,200}$/)) &&
  isPort(port) &&
  maybe(secondPort, isPort) &&
  maybe(relays, (relays) => typeof relays === "boolean") &&
  typeof load === "number" &&
  load >= 0 &&
  Number.isFinite(load) &&
  maybe(leaving, (leaving) => typeof leaving === "boolean");
const isObservation = (one: unknown) => {
  const { proof, clientId, second, candidates } = Object(one);
  const { kind, text } = Object(proof);
  const areEndpoints = (all: unknown) => Array.isArray(all) && all.length <= 8 && all.every(isEndpoint);
  return (
    ((kind === "token" && isMatch(text, /^.{0,102}$/s)) ||
      (kind === "pass" && isMatch(text, /^.{0,103}$/s))) &&
    isMatch(clientId, /^[\w-]{16}$/) &&
    isEndpoint(one) &&
    maybe(second, isEndpoint) &&
    maybe(candidates, areEndpoints)
  );
};
const areObservations = ({ observations, at }: Fields) =>
  maybe(at, isTime) &&
  Array.isArray(observations) &&
  observations.length <= 500 &&
  observations.every(isObservation);

function fieldsOf(body: string): Fields | null {
  try {
    const value: unknown = JSON.parse(textOf(body));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

const isRefused = (code: string) => (answer: { status: number; text: string }) =>
  answer.status === 400 && JSON.parse(answer.text).codes.join() === code;

test(
  "a post that is signed, but says what no sidecar says, is refused, and changes nothing",
  async () => {
    const clientId = "AAAAAAAAAAAAAAAA";
    const stranger = { token: tokenOf(clientId, { holder: waiting.guest.holder }), clientId };
    const beat = {
      name: "fuzz",
      host: "sidecar.example",
      port: 6_666,
      secondPort: 6_667,
      relays: true,
      load: 9e9,
    };
    const observed = observationOf(stranger);
    const observations = mutatedBody(observed).chain((one) => {
      // One that is spoiled among others that are not.
      const good = JSON.stringify(observed);
      return fc.constantFrom(`{"observations":[${one}]}`, `{"observations":[${good},${one},${good}]}`, one);
    });
    const input = fc.oneof(
      mutatedBody({ ...beat, leaving: true, at: Date.now() }).map((body) => ({ path: paths[0], body })),
      mutatedBody({ observations: [observed], at: Date.now() }).map((body) => ({ path: paths[1], body })),
      observations.map((body) => ({ path: paths[1], body })),
      fc.constantFrom(147_456, 147_457, 400_000).map((size) => ({ path: paths[1], body: " ".repeat(size) })),
      fc.constantFrom(500, 501).map((size) => ({
        path: paths[1],
        body: JSON.stringify({ observations: Array(size).fill(observed) }),
      })),
    );
    await fc.assert(
      fc.asyncProperty(batchOf(input), async (inputs) => {
        await together("sidecar posts", inputs, async ({ path, body }) => {
          const fields = fieldsOf(body);
          const isRight = path === paths[0] ? isHeartbeat : areObservations;
          const { status, text } = await postAs(path, body);
          if (body.length > 144 * 1024) expect(status).toBe(413);
          else if (fields === null || !isRight(fields))
            expect({ status, text }).toSatisfy(isRefused("invalid_post"));
          else if (path === paths[0] && !["sidecar.example", undefined].includes(fields.host as string))
            expect(JSON.parse(text).codes).toEqual([status === 403 ? "host_not_listed" : "stale_post"]);
          // Signed too long ago, or not after one that was taken.
          else if (status !== 200) expect({ status, text }).toSatisfy(isRefused("stale_post"));
          expectNoLeak(text, [...lobby.all, waiting.guest]);
          // One that was taken for a sidecar after all goes again, or players would be sent there.
          if (status === 200 && path === paths[0] && !fields?.leaving) {
            await postAs(
              path,
              JSON.stringify({ ...beat, name: fields?.name, leaving: true, at: Date.now() }),
            );
          }
        });
        await nothingHappened();
      }),
      runs(25),
    );
  },
  patienceMs,
);

test("after all that, players are sent to the sidecar there is, and meet", async () => {
  await carryMediation(server.url, { direct: false, udpPort: server.sidecar?.port ?? 0 });
  const { host, guest } = waiting;
  guest.sendDatagram(server.sidecar?.port ?? 0);
  for (const player of [host, guest]) await player.hears("ptpMediation_peersConnection_start");
});

test(
  "whatever the edge answers a sidecar, the sidecar goes on, and delivers when it is answered as it should be",
  async () => {
    const edge = await startStandIn();
    const sidecar = await startSidecar({ edge: edge.url, key: keyOf(), port: 0 }, noteTold);
    const client = await openUdpClient();
    try {
      await sidecar.known;
      const again = fc.array(fc.oneof(fc.integer(), fc.constantFrom(0, 1, 499, 500, 1e9, -1, 0.5)), {
        maxLength: 5,
      });
      const answer = fc.record({
        status: fc.constantFrom(101, 200, 200, 200, 204, 301, 400, 401, 413, 500, 503),
        body: fc.oneof(
          again.map((again) => JSON.stringify({ again })),
          mutatedBody({ again: [0] }),
          fc.constantFrom("", "{}", '{"again":null}', '{"known":false}'),
        ),
        isCut: fc.boolean(),
      });
      let rounds = 0;
      /** Ids of the clients whose observations were answered as they should be. */
      const taken = new Set<string>();
      const take: typeof takeAll = (post, response) => {
        for (const { clientId } of JSON.parse(post.body).observations ?? []) taken.add(clientId);
        takeAll(post, response);
      };
      edge.answer = take;
      const seesClient = async (clientId: string, isDone: () => boolean) => {
        await client.send(datagramOf(tokenOf(clientId)), sidecar.port);
        await vi.waitFor(() => expect(isDone()).toBe(true), { interval: 1 });
      };
      await fc.assert(
        fc.asyncProperty(answer, async ({ status, body, isCut }) => {
          count("edge answers");
          rounds += 1;
          const posts = edge.posts.length;
          edge.answer = (_, response) => {
            edge.answer = take;
            // Node's own server does not say so.
            if (status === 101) {
              response.socket?.write("HTTP/1.1 101 Now\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
              return;
            }
            const length = isCut ? { "content-length": 90_000 } : {};
            response.writeHead(status, { location: "http://127.0.0.1:9/", ...length });
            response.end(Buffer.from(body, "latin1"));
            if (isCut) response.destroy();
          };
          await seesClient(`First-${rounds}`, () => edge.posts.length > posts);
          // Before the next odd answer there is a proper one: after several in a row a sidecar rests for seconds.
          await seesClient(`Then-${rounds}`, () => taken.has(`Then-${rounds}`.padEnd(16, "-")));
        }),
        runs(20),
      );
      expect(sidecar.counts).toEqual({ observed: 2 * rounds, junk: 0, forged: 0, dropped: 0 });
    } finally {
      client.close();
      await sidecar.stop();
      await edge.stop();
    }
  },
  patienceMs,
);
