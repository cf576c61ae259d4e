/** Two ends of WebRTC links in one page: what only a browser's own WebRTC does. */
import { expect, test } from "vitest";
import { bundle, chromium, openPage } from "./a-page.ts";

/** Both ends, their signals passed on after a moment, in order. `story`: what happens once both are open. */
const storyOf = (nearness: object, story: string) => `
  import { RtcChannel } from "./webrtc/rtc-channel.ts";
  import { webRtcHere } from "./webrtc/standard.ts";
  const report = (text) => fetch("/report", { method: "POST", body: text });
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const ends = [];
  for (const i of [0, 1]) {
    const end = { told: [], received: [], made: [], kinds: [] };
    const byLink = async (signal) => {
      end.kinds.push(signal.kind);
      for (const candidate of signal.candidates ?? []) end.kinds.push(candidate.candidate.split(" ")[7]);
      await pause(20);
      ends[1 - i].channel.hear(JSON.parse(JSON.stringify(signal)));
    };
    const make = webRtcHere();
    end.channel = new RtcChannel({
      link: "0123456789ab",
      polite: i === 1,
      nearness: ${JSON.stringify(nearness)},
      ways: { byLink, byLobby: () => {} },
      newConnection: (configuration) => end.made[end.made.push(make(configuration)) - 1],
      iceServers: async () => [],
    });
    ends.push(end);
  }
  for (const { channel, told, received } of ends) {
    channel.open({
      opened: (kind) => told.push(kind),
      closed: () => told.push("closed"),
      received: (bytes) => received.push(bytes[0]),
      noticed: () => {},
    });
  }
  const [ada, bo] = ends;
  const until = async (isDone) => {
    for (let i = 0; i < 600 && !isDone(); i++) await pause(50);
    return isDone();
  };
  try {
    ${story}
  } catch (error) {
    await report(String(error));
  }`;

const flags = ["--disable-features=WebRtcHideLocalIpsWithMdns"];

test("two ends that restart at the same moment, or make offers at once, stay connected", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const story = `
    const isOpen = await until(() => ada.told.length > 0 && bo.told.length > 0);
    ada.channel.reopen();
    bo.channel.reopen();
    await pause(1500);
    // Each has made an offer of its own besides the first, and one of the two was taken back.
    const offers = [ada, bo].map(({ kinds }) => kinds.filter((kind) => kind === "offer").length);
    const answers = [ada, bo].map(({ kinds }) => kinds.filter((kind) => kind === "answer").length);
    ada.channel.send(Uint8Array.of(7));
    bo.channel.send(Uint8Array.of(8));
    await until(() => ada.received.length > 0 && bo.received.length > 0);
    const made = [ada, bo].map(({ made }) => made.length);
    const states = [ada, bo].map(({ made }) => made[0].signalingState + " " + made[0].connectionState);
    await report(JSON.stringify({ isOpen, offers, answers, heard: [ada.received, bo.received], made, states, refused: ada.channel.dropped.refused > 0 }));`;
  const reported = await openPage(await bundle(storyOf({ near: true, relayOnly: false }, story)), {}, flags);
  expect(JSON.parse(await reported())).toEqual({
    isOpen: true,
    offers: [2, 1],
    answers: [0, 2],
    heard: [[8], [7]],
    made: [1, 1],
    states: ["stable connected", "stable connected"],
    refused: true,
  });
});

test("a connection that is closed at one end is replaced at both", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const story = `
    await until(() => ada.told.length > 0 && bo.told.length > 0);
    bo.made[0].close();
    // An end may be told of more than one open path before, and after.
    const isReplaced = ({ told }) => told.includes("closed") && told.at(-1) !== "closed";
    await until(() => [ada, bo].every(isReplaced));
    ada.channel.send(Uint8Array.of(7));
    await until(() => bo.received.length > 0);
    await report(JSON.stringify([isReplaced(ada), isReplaced(bo), ada.made.length, bo.received]));`;
  const reported = await openPage(await bundle(storyOf({ near: true, relayOnly: false }, story)), {}, flags);
  expect(JSON.parse(await reported())).toEqual([true, true, 2, [7]]);
});

test("where the two are relay-only, no address of a player leaves its page", async ({ skip }) => {
  if (chromium === undefined) skip("no Chromium is installed");
  const story = `
    await until(() => ada.kinds.includes("offer") && bo.kinds.includes("answer"));
    await pause(1000);
    const sdp = ada.made[0].localDescription.sdp + bo.made[0].localDescription.sdp;
    await report(JSON.stringify([ada.kinds, bo.kinds, /a=candidate/.test(sdp), ada.told]));`;
  const reported = await openPage(await bundle(storyOf({ near: false, relayOnly: true }, story)), {}, flags);
  expect(JSON.parse(await reported())).toEqual([["offer"], ["answer"], false, []]);
});
