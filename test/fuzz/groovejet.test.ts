/** Whatever groovejet's clients say and wherever they connect: their own room hears what is a signal, and everybody else's goes on. */
import fc, { type Arbitrary } from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient, gamePage } from "../../measure/kit/groovejet-client.ts";
import { startLoggedServer } from "../../measure/kit/server.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import { anyEdit, type Edit, edited, mutatedFields, oddText } from "./mutations.ts";
import { type Witnesses, witnesses } from "./witnesses.ts";

let server: Server & { readonly logged: readonly string[] };
let orions: Witnesses;
/** A room that nobody else is meant to reach. */
let host: GroovejetClient;
let guest: GroovejetClient;
beforeAll(async () => {
  server = await startLoggedServer({ udpPort: null });
  orions = await witnesses(server.url);
  host = await connect();
  guest = await connect();
  await guest.joinRoom(await host.createRoom());
});
afterAll(() => server.stop());
reportEffort();

const connect = () => GroovejetClient.connect(server.url, "/groovejet", {});

let times = 0;
/** Nobody has heard anything but what these two say to each other. */
afterEach(async () => {
  times += 1;
  guest.say({ type: "guestOfferSignal", data: { offerSignal: times } });
  const { data } = await host.hears("guestOfferSignal", times);
  expect(data).toEqual({ offerSignal: times, clientId: guest.clientId });
  host.say({ type: "hostAnswerSignal", data: { answerSignal: times, clientId: guest.clientId } });
  expect((await guest.hears("hostAnswerSignal", times)).data).toEqual({ answerSignal: times });
  expect(host.heard.length).toBe(3 + times);
  expect(guest.heard.length).toBe(3 + times);
  await orions.seeNothing();
  expect(server.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

const wishes = [
  { type: "createRoom" },
  { type: "joinRoom", data: { roomCode: "CODE", canHost: true, resumeKey: "KEY", requestId: "one" } },
  { type: "clientSignal", data: { offerSignal: { type: "offer", sdp: "v=0" } } },
  { type: "guestOfferSignal", data: { offerSignal: "x" } },
  { type: "hostSignal", data: { answerSignal: { type: "answer" }, clientId: "GUEST" } },
  { type: "hostAnswerSignal", data: { answerSignal: null, clientId: "GUEST" } },
];
/** Text of its own, or that of a wish, changed somewhere. `CODE`, `KEY` and `GUEST` stand for those of the room. */
const anySaid: Arbitrary<{ text: string; edit: Edit | null; how: "text" | "binary" | "pieces" }> = fc.record({
  text: fc.oneof(
    { arbitrary: fc.constantFrom(...wishes).chain((wish) => mutatedFields(wish)), weight: 5 },
    { arbitrary: fc.constantFrom(...wishes.map((wish) => JSON.stringify(wish))), weight: 3 },
    fc.json(),
    oddText,
  ),
  edit: fc.option(anyEdit, { freq: 3, nil: null }),
  how: fc.constantFrom("text", "text", "text", "text", "binary", "pieces"),
});

function send({ socket }: GroovejetClient, how: string, text: string): void {
  if (socket.readyState !== socket.OPEN || Buffer.byteLength(text) > 16 * 1024) return;
  if (how === "pieces") {
    socket.send(text.slice(0, 5), { fin: false });
    socket.send(text.slice(5));
  } else socket.send(how === "binary" ? Buffer.from(text) : text);
}

test(
  "a client that says anything ends nothing but itself, and is told why",
  async () => {
    const input = fc.record({
      inRoom: fc.constantFrom("outside", "guest", "host"),
      said: fc.array(anySaid, { minLength: 1, maxLength: 60, size: "max" }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ inRoom, said }) => {
        const leader = await connect();
        const code = await leader.createRoom();
        const other = await connect();
        await other.joinRoom(code);
        const speaker = inRoom === "host" ? leader : inRoom === "guest" ? other : await connect();
        const key = String(leader.all("createdRoom")[0]?.data?.resumeKey);
        for (const { text, edit, how } of said) {
          const filled = text
            .replaceAll("CODE", code)
            .replaceAll("KEY", key)
            .replaceAll("GUEST", other.clientId);
          send(speaker, how, (edit ? edited(filled, edit) : filled).toWellFormed());
        }
        count("groovejet messages", said.length);
        // It is closed after an error that says why, or it goes on.
        speaker.socket.ping();
        await Promise.race([speaker.closed, new Promise((resolve) => speaker.socket.once("pong", resolve))]);
        if (speaker.socket.readyState !== speaker.socket.OPEN) {
          expect(speaker.types).toContain("error");
          expect(await speaker.closed).toBe(1005);
        }
        for (const client of [leader, other, speaker]) {
          for (const { type, errorType } of client.heard) {
            expect(type).toMatch(/^[a-z][A-Za-z]+$/);
            if (type === "error") expect(errorType).toMatch(/^[a-z][A-Za-z]+$/);
          }
          client.cut();
        }
      }),
      runs(40),
    );
  },
  patienceMs,
);

test(
  "an upgrade with any query is taken, and told what is wrong with it",
  async () => {
    const drawn = await drawRoom(server.url);
    const text = fc.oneof(fc.constant(drawn), fc.constant(drawn.toUpperCase()), oddText);
    const parameter = fc.tuple(fc.constantFrom("code", "code", "host", "Code", "x"), fc.option(text));
    const input = fc.record({
      path: fc.constantFrom("/", "/groovejet", "/any", "/rooms", "/any//path"),
      parameters: fc.array(parameter, { maxLength: 4 }),
      origin: fc.constantFrom(undefined, gamePage, "null"),
      isDropped: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: 12 }), async (inputs) => {
        count("groovejet upgrades", inputs.length);
        await Promise.all(
          inputs.map(async ({ path, parameters, origin, isDropped }) => {
            const query = parameters
              .map(([name, value]) =>
                value === null ? name : `${name}=${encodeURIComponent(value.slice(0, 500).toWellFormed())}`,
              )
              .join("&");
            const isGroovejet = parameters.some(([name]) => name === "code" || name === "host");
            const client = new GroovejetClient(
              server.url,
              `${path}?${query}`,
              origin === undefined ? {} : { origin },
            );
            if (isDropped) {
              client.socket.once("upgrade", () => client.cut());
              await client.closed;
              return;
            }
            if (isGroovejet) {
              await client.hears("identity");
              expect(client.unreadable).toEqual([]);
            } else await new Promise((resolve) => client.socket.once("open", resolve));
            client.cut();
          }),
        );
      }),
      runs(20),
    );
    // Whoever was the host of that room is gone, as soon as the server has noticed.
    for (let tries = 0; ; tries++) {
      const own = await GroovejetClient.connect(server.url, `/?code=${drawn}&host`);
      const late = await GroovejetClient.connect(server.url, `/?code=${drawn}`);
      const isHost = !own.types.includes("error") && !late.types.includes("error");
      own.cut();
      late.cut();
      if (isHost) break;
      expect(tries).toBeLessThan(100);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
  patienceMs,
);
