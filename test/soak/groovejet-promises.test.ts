/** That each check of groovejet's clients fires, and fires alone. */
import { expect, test } from "vitest";
import { GroovejetClient, type GroovejetMessage } from "../../measure/kit/groovejet-client.ts";
import {
  answerTo,
  brokenOfGroovejet,
  type GroovejetPlayer,
  offerOf,
  owedOfGroovejet,
} from "../../measure/kit/groovejet-promises.ts";
import { expectToFire, type Fault } from "./fires-alone.ts";

/** A client of form C, in this room, that was told who it is. */
function player(clientId: string, wish: { code?: string; before?: GroovejetPlayer } = {}): GroovejetPlayer {
  const { code = "K7Q2M", before = null } = wish;
  const socket = { url: "ws://localhost/", readyState: 1, OPEN: 1 };
  const client: GroovejetClient = Object.assign(Object.create(GroovejetClient.prototype), {
    socket,
    heard: [],
  });
  const self: GroovejetPlayer = { client, code, before, offers: [] };
  hears(self, "identity", { clientId });
  return self;
}

function hears({ client }: GroovejetPlayer, type: string, data: GroovejetMessage["data"] = {}): void {
  client.heard.push({ type, data });
}

let offers = 0;

/** The host hears an offer of the guest, which says whose it is. Its number. */
function offersTo(host: GroovejetPlayer, guest: GroovejetPlayer, clientId = guest.client.clientId): number {
  offers += 1;
  guest.offers.push(offers);
  hears(host, "guestOfferSignal", { clientId, offerSignal: offerOf(offers) });
  return offers;
}

function answers(guest: GroovejetPlayer, number: number): void {
  hears(guest, "hostAnswerSignal", { answerSignal: answerTo(number) });
}

/** One that has opened the room, and one that has joined it. */
function two(): [GroovejetPlayer, GroovejetPlayer] {
  const [host, guest] = [player("h"), player("g")];
  hears(host, "createdRoom", { roomCode: "K7Q2M" });
  hears(guest, "joinedRoom", { roomCode: "K7Q2M", isHost: false });
  return [host, guest];
}

const broken: [promise: string, ...Fault<GroovejetPlayer[]>][] = [
  [
    "a client is told nothing that the server does not have",
    /heard lobby_closed/,
    (isFaulty) => {
      const [host, guest] = two();
      hears(guest, isFaulty ? "lobby_closed" : "roomClosed");
      return [host, guest];
    },
  ],
  [
    "no offer comes twice",
    /heard offer \d+, which was delivered before/,
    (isFaulty) => {
      const [host, guest] = two();
      const number = offersTo(host, guest);
      if (isFaulty) hears(host, "guestOfferSignal", { clientId: "g", offerSignal: offerOf(number) });
      return [host, guest];
    },
  ],
  [
    "no answer comes twice",
    /heard answer \d+, which was delivered before/,
    (isFaulty) => {
      const [host, guest] = two();
      const number = offersTo(host, guest);
      answers(guest, number);
      if (isFaulty) answers(guest, number);
      return [host, guest];
    },
  ],
  [
    "an answer comes to the client whose offer it answers",
    /heard the answer \d+ to another's offer/,
    (isFaulty) => {
      const [host, guest] = two();
      const other = player("o");
      hears(other, "joinedRoom", { isHost: false });
      answers(isFaulty ? other : guest, offersTo(host, guest));
      return [host, guest, other];
    },
  ],
  [
    "an answer finds its client after that has come back",
    /heard the answer \d+ to another's offer/,
    (isFaulty) => {
      const [host, guest] = two();
      const number = offersTo(host, guest);
      const back = player(isFaulty ? "x" : "g");
      answers(back, number);
      return [host, guest, back];
    },
  ],
  [
    "an offer comes to the host of its own room",
    /heard the offer \d+ of R00M2/,
    (isFaulty) => {
      const [host] = two();
      const guest = player("g", { code: isFaulty ? "R00M2" : "K7Q2M" });
      offersTo(host, guest);
      return [host, guest];
    },
  ],
  [
    "an offer is somebody's",
    /heard the offer 9999 of undefined/,
    (isFaulty) => {
      const [host, guest] = two();
      if (isFaulty) hears(host, "clientConnection", { clientId: "g", offerSignal: offerOf(9_999) });
      return [host, guest];
    },
  ],
  [
    "an offer says whose it is",
    /heard the offer \d+ of g as that of o/,
    (isFaulty) => {
      const [host, guest] = two();
      offersTo(host, guest, isFaulty ? "o" : "g");
      return [host, guest];
    },
  ],
  [
    "offers come to hosts alone",
    /is no host, and heard the offer/,
    (isFaulty) => {
      const [host, guest] = two();
      const other = player("o");
      hears(other, "joinedRoom", { isHost: !isFaulty });
      if (!isFaulty) hears(host, "hostChanged", { clientId: "o" });
      offersTo(other, guest);
      return [host, guest, other];
    },
  ],
  [
    "a client is first told who it is",
    /was not told first who it is/,
    (isFaulty) => {
      const [host, guest] = two();
      if (isFaulty) guest.client.heard.reverse();
      return [host, guest];
    },
  ],
  [
    "a client that comes back is who it was",
    /came back as another than g/,
    (isFaulty) => {
      const [host, guest] = two();
      const back = player(isFaulty ? "x" : "g", { before: guest });
      hears(back, "joinedRoom", { isHost: false });
      hears(back, "roomJoined", { reconnected: true });
      return [host, guest, back];
    },
  ],
];

test.each(broken)("it is promised of groovejet that %s", (_, ...fault) => {
  expectToFire(brokenOfGroovejet, fault);
});

const owed: [promise: string, ...Fault<GroovejetPlayer[]>][] = [
  [
    "a room has one host",
    /is host beside h/,
    (isFaulty) => {
      const [host] = two();
      const other = player("o");
      hears(other, "joinedRoom", { isHost: true });
      if (!isFaulty) hears(host, "hostChanged", { clientId: "o" });
      // It offers to the other then, and has its answer.
      answers(host, offersTo(other, host));
      return [host, other];
    },
  ],
  [
    "a guest has an answer",
    /had no answer of h to the offer \d+/,
    (isFaulty) => {
      const [host, guest] = two();
      const number = offersTo(host, guest);
      if (!isFaulty) answers(guest, number);
      return [host, guest];
    },
  ],
  [
    "a guest has an answer to its last offer",
    /had no answer of h to the offer \d+/,
    (isFaulty) => {
      const [host, guest] = two();
      answers(guest, offersTo(host, guest));
      const last = offersTo(host, guest);
      if (!isFaulty) answers(guest, last);
      return [host, guest];
    },
  ],
];

test.each(owed)("it must become right that %s", (_, ...fault) => {
  expectToFire(owedOfGroovejet, fault);
});

test("who has gone, or was told that the room is over, is owed nothing", () => {
  const [host, guest] = two();
  offersTo(host, guest);
  hears(guest, "roomClosed");
  expect(owedOfGroovejet([host, guest])).toEqual([]);
  const [other, gone] = two();
  Object.assign(gone.client.socket, { readyState: 3 });
  expect(owedOfGroovejet([other, gone])).toEqual([]);
});

test("a client whose query made it host is host", () => {
  const [, guest] = two();
  const host = player("h");
  Object.assign(host.client.socket, { url: "ws://localhost/?code=K7Q2M&host" });
  answers(guest, offersTo(host, guest));
  expect(brokenOfGroovejet([host, guest])).toEqual([]);
  expect(owedOfGroovejet([host, guest])).toEqual([]);
});

test("no message that is told has a resume key in it", () => {
  const [host, guest] = two();
  hears(guest, "roomJoined", { resumeKey: "g.0.secret" });
  hears(guest, "nonsense");
  expect(brokenOfGroovejet([host, guest])).toHaveLength(1);
  expect(brokenOfGroovejet([host, guest]).join()).not.toContain("secret");
});
