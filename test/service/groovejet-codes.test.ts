/** Guessed codes of groovejet's rooms. Its clients say them on sockets, so the lounge that holds those counts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { groovejetLimits } from "../../core/dialects/groovejet/limits.ts";
import { networksOf } from "../../core/network.ts";
import type { Server } from "../../local/server.ts";
import { drawRoom, GroovejetClient } from "../../measure/kit/groovejet-client.ts";
import { later, lobbiesMade, setLimits, startFaultyServer } from "../../measure/kit/server.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { WrongCodes } from "../../worker/sessions/wrong-codes.ts";

let server: Server;
let code: string;
let wrong: string;
beforeAll(async () => {
  // All in one lounge, as friends are.
  server = await startFaultyServer({
    udpPort: null,
    vars: { clientAddress: "cloudflare", clientsPerLounge: 1_024 },
  });
  code = await (await at(newAddress())).createRoom();
  wrong = code.slice(0, -1) + (code.endsWith("0") ? "1" : "0");
});
afterAll(() => server.stop());
/** However long a test takes, nothing is earned meanwhile. */
const perSecond = 1 / 3_600;
beforeEach(async () => {
  await setLimits(server.url, { wrongCodesPerSecond: perSecond });
  await later(server.url, 24 * 3_600_000);
});

let addresses = 0;
/** In a /24 that nobody has used yet. */
const newAddress = () => `203.${++addresses}.113.7`;
const headersOf = (address: string) => ({ "cf-connecting-ip": address });
const at = (address: string) => GroovejetClient.connect(server.url, "/groovejet", headersOf(address));
/** How a client of this address fares with a code: its answer's type, or its error's. */
async function tries(address: string, roomCode: string): Promise<unknown> {
  const client = await at(address);
  const { type, errorType } = await client.joinRoom(roomCode);
  client.cut();
  return errorType ?? type;
}
async function triesByQuery(address: string, roomCode: string): Promise<unknown> {
  const client = await GroovejetClient.connect(server.url, `/?code=${roomCode}`, headersOf(address));
  const { errorType } = await client.hears("error");
  client.cut();
  return errorType;
}
const times = <T>(count: number, one: () => Promise<T>) => Promise.all(Array.from({ length: count }, one));

describe("an address that tries too many wrong codes", () => {
  test("is told nothing about right ones, for a while", async () => {
    const guesser = newAddress();
    expect(new Set(await times(groovejetLimits.wrongCodes, () => tries(guesser, wrong)))).toEqual(
      new Set(["noRoomFound"]),
    );
    expect(await tries(guesser, code)).toBe("tooManyRequests");
    expect(await tries(guesser, wrong)).toBe("tooManyRequests");
    await later(server.url, 1_000 / perSecond);
    expect(await tries(guesser, code)).toBe("joinedRoom");
  });

  test("takes nothing from others", async () => {
    const guesser = newAddress();
    await times(2 * groovejetLimits.wrongCodes, () => tries(guesser, wrong));
    expect(await tries(newAddress(), code)).toBe("joinedRoom");
  });

  test("may as well name them in queries", async () => {
    const guesser = newAddress();
    expect(new Set(await times(groovejetLimits.wrongCodes, () => triesByQuery(guesser, wrong)))).toEqual(
      new Set(["noRoomFound"]),
    );
    expect(await triesByQuery(guesser, code)).toBe("tooManyRequests");
    expect(await tries(guesser, code)).toBe("tooManyRequests");
  });
});

test("few codes that pass the check are drawn for an address, and its neighbours get theirs", async () => {
  const draw = (address: string) =>
    fetch(new URL("/rooms", server.url), { method: "POST", headers: headersOf(address) });
  const guesser = newAddress();
  const answers = await times(edgeLimits.addressDrawnRooms + 20, () => draw(guesser));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(edgeLimits.addressDrawnRooms);
  expect((await draw(guesser)).status).toBe(429);
  expect((await draw(guesser.replace(/7$/, "8"))).status).toBe(200);
  await later(server.url, 1_000 * edgeLimits.addressPeriodS);
  expect((await draw(guesser)).status).toBe(200);
});

describe("hosts that name their rooms in queries", () => {
  /** How a host of this address fares with a code: in its room, or its error's type. */
  const leads = async (address: string, roomCode: string): Promise<unknown> => {
    const host = await GroovejetClient.connect(server.url, `/?code=${roomCode}&host`, headersOf(address));
    // One that is refused hears why before its pong would come.
    await Promise.race([host.settled(), host.closed]);
    return host.all("error")[0]?.errorType ?? "in its room";
  };

  /** A guest of the room that the host's path names, as soon as it is open. */
  const inRoomOf = async (path: string): Promise<GroovejetClient> => {
    const room = new URL(path, server.url).searchParams.get("code");
    for (;;) {
      const guest = await at(newAddress());
      if ((await guest.joinRoom(room)).type === "joinedRoom") return guest;
    }
  };

  test("learn of few codes whether they have rooms, however many come at once", async () => {
    const guesser = newAddress();
    const told = await times(groovejetLimits.wrongCodes + 10, () => leads(guesser, code));
    expect(told.filter((type) => type === "hostAlreadyExists")).toHaveLength(groovejetLimits.wrongCodes);
    expect(told.filter((type) => type === "tooManyRequests")).toHaveLength(10);
    expect(await tries(guesser, code)).toBe("tooManyRequests");
    expect(await tries(newAddress(), code)).toBe("joinedRoom");
  });

  test("open as many rooms, each in an object that counts for all", async () => {
    const guesser = newAddress();
    await setLimits(server.url, { unknownCodes: 1_000 });
    const drawn = await times(groovejetLimits.wrongCodes + 10, () => drawRoom(server.url));
    const told = await Promise.all(drawn.map((one) => leads(guesser, one)));
    expect(told.filter((type) => type === "in its room")).toHaveLength(groovejetLimits.wrongCodes);
    await setLimits(server.url, { unknownCodes: 2 });
    const more = await times(60, () => drawRoom(server.url));
    expect(await Promise.all(more.map((one) => leads(newAddress(), one)))).toContain("tooManyRequests");
    await setLimits(server.url, { unknownCodes: groovejetLimits.unknownCodes });
  });

  test("may come back as often as they like", async () => {
    const path = `/?code=${await drawRoom(server.url)}&host`;
    const headers = headersOf(newAddress());
    const first = await GroovejetClient.connect(server.url, path, headers);
    const guest = await inRoomOf(path);
    await first.leave();
    for (let back = 1; back <= 2 * groovejetLimits.wrongCodes; back++) {
      await guest.hears("hostDisconnected", back);
      const host = await GroovejetClient.connect(server.url, path, headers);
      await guest.hears("hostChanged", back);
      await host.leave();
    }
  });
});

test("wrong codes create nothing, and drawn ones of no room only so many objects a second, whoever asks", async () => {
  const before = await lobbiesMade(server.url);
  await times(50, () => tries(newAddress(), wrong));
  expect(await lobbiesMade(server.url)).toBe(before);
  // However long this takes, few are earned meanwhile.
  await setLimits(server.url, { unknownCodes: 2 });
  const drawn = await times(60, () => drawRoom(server.url));
  // A room that is known to be open is joined all the while.
  const [told, known] = await Promise.all([
    Promise.all(drawn.map((one) => tries(newAddress(), one))),
    times(20, () => tries(newAddress(), code)),
  ]);
  expect(await lobbiesMade(server.url)).toBeLessThan(before + 50);
  expect(told).toContain("tooManyRequests");
  expect(new Set(known)).toEqual(new Set(["joinedRoom"]));
  await setLimits(server.url, { unknownCodes: groovejetLimits.unknownCodes });
});

test("while others guess, a lounge tells guessers nothing of rooms that it knows, and lets players in", async () => {
  // However long this takes, nothing is earned meanwhile.
  await setLimits(server.url, { quietCodesPerSecond: perSecond });
  const guesser = newAddress();
  const drawn = await times(groovejetLimits.quietCodes, () => drawRoom(server.url));
  await setLimits(server.url, { unknownCodes: 1 / 100 });
  // They count, although no lobby is asked about them.
  const told = [];
  for (const one of drawn) told.push(await tries(guesser, one));
  expect(new Set(told)).toEqual(new Set(["tooManyRequests"]));
  expect(await tries(guesser, code)).toBe("tooManyRequests");
  expect(await tries(guesser, wrong)).toBe("tooManyRequests");
  expect(await triesByQuery(guesser, code)).toBe("tooManyRequests");
  expect(await tries(newAddress(), code)).toBe("joinedRoom");
  const { unknownCodes, quietCodesPerSecond } = groovejetLimits;
  await setLimits(server.url, { unknownCodes, quietCodesPerSecond });
});

test("codes that no room was asked about, because their client is gone, use up nothing of what others may ask", () => {
  const codes = new WrongCodes();
  const ask = (address: string) => codes.ask("groovejet:00000", networksOf(address), "guest");
  for (let i = 0; i < 2 * groovejetLimits.unknownCodes; i++) {
    const asking = ask("203.0.113.7");
    if (asking.refusal) expect.fail("refused");
    asking.ended("invalid_token");
  }
  expect(codes.refuse(networksOf("203.0.113.7"))).toBe(null);
});

test("networks that a lounge has forgotten begin anew, and it forgets the oldest", async () => {
  await setLimits(server.url, { wrongCodeNetworks: 2 });
  const [old, recent] = [newAddress(), newAddress()];
  await times(groovejetLimits.wrongCodes, () => tries(old, wrong));
  await times(groovejetLimits.wrongCodes, () => tries(recent, wrong));
  expect(await tries(old, code)).not.toBe("tooManyRequests");
  expect(await tries(recent, code)).toBe("tooManyRequests");
  await setLimits(server.url, { wrongCodeNetworks: groovejetLimits.wrongCodeNetworks });
});
