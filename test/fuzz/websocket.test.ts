/** Whatever comes on a WebSocket: what is a message counts, all else is ignored, and everybody else's lobby goes on. */
import fc, { type Arbitrary } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Server } from "../../local/server.ts";
import { carryMediation } from "../../measure/kit/mediation.ts";
import { lobbyOf, type Player, rollCall } from "../../measure/kit/player.ts";
import { secret } from "../../measure/kit/secret.ts";
import { startTestServer } from "../../measure/kit/server.ts";
import { count, patienceMs, reportEffort, runs } from "./effort.ts";
import { anyEdit, type Edit, edited, mutatedFields, oddText } from "./mutations.ts";
import { hasHead, openRaw, type RawConnection, statusesOf } from "./raw-connection.ts";
import { type Witnesses, witnesses } from "./witnesses.ts";

let server: Server;
let lobby: Witnesses;
beforeAll(async () => {
  server = await startTestServer({ secret, timing: { ptpmConnectRequestIntervalMs: 60_000 } });
  lobby = await witnesses(server.url);
});
afterAll(() => server.stop());
reportEffort();

const handshake = {
  host: "localhost",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A header's value as it can stand on a line. */
const lineText = (text: string) => text.replaceAll(/[\r\n\0]/g, "").slice(0, 2_000);

function upgradeText(path: string, headers: Record<string, string>, method = "GET"): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

const headerChange = fc.oneof(
  fc.record({ name: fc.constantFrom(...Object.keys(handshake)), value: fc.constant(null) }),
  fc.record({ name: fc.constantFrom(...Object.keys(handshake)), value: oddText.map(lineText) }),
  fc.record({
    name: fc.constantFrom(
      "sec-websocket-extensions",
      "sec-websocket-protocol",
      "origin",
      "content-length",
      "cookie",
    ),
    value: fc.oneof(
      fc.constantFrom(
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=99; x",
        ",,;;",
        "0",
        "5",
        "-1",
      ),
      oddText.map(lineText),
    ),
  }),
);

test(
  "an upgrade with anything odd about it is taken or refused, and takes nobody's place",
  async () => {
    // Three places in all: one that is lost to somebody who is gone would soon be missed.
    const small = await startTestServer({ udpPort: null, vars: { clientsPerLounge: 1 } });
    try {
      const path = fc.oneof(
        fc.constantFrom("/", "/lobbies", `/lobbies/${lobby.lobbyId}`, "/lobbies/ZZZZZ", "/ping"),
        oddText.map((text) => `/lobbies/${encodeURIComponent(text.toWellFormed())}`),
      );
      const input = fc.record({
        path,
        method: fc.constantFrom("GET", "GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "PUT"),
        changes: fc.array(headerChange, { maxLength: 2 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: 20, size: "max" }), async (inputs) => {
          for (const { path, method, changes } of inputs) {
            count("WebSocket upgrades");
            const headers: Record<string, string | null> = { ...handshake };
            for (const { name, value } of changes) headers[name] = value;
            const kept = Object.entries(headers).filter(
              (entry): entry is [string, string] => entry[1] !== null,
            );
            const raw = openRaw(small.url);
            raw.say(upgradeText(path, Object.fromEntries(kept), method));
            await raw.hears(hasHead);
            for (const status of statusesOf(raw.heard))
              expect([status, path, method, changes]).toSatisfy(isFine);
            raw.drop();
          }
          // All three places are free again.
          const places = await Promise.all([0, 1, 2].map(() => takePlace(small.url)));
          for (const place of places) place.drop();
        }),
        runs(10),
      );
    } finally {
      await small.stop();
    }
  },
  patienceMs,
);

/** 503: there were only three places, and the last ones to have them may not be known to be gone yet. */
const isFine = ([status]: [number, ...unknown[]]) => status < 500 || status === 503;

/** Takes a place, as soon as there is one. */
async function takePlace(url: URL): Promise<RawConnection> {
  for (let tries = 0; tries < 500; tries++) {
    const raw = openRaw(url);
    raw.say(upgradeText("/", handshake));
    await raw.hears(hasHead);
    if (statusesOf(raw.heard)[0] === 101) return raw;
    raw.drop();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("a place was lost to somebody who is gone");
}

/** The code that people mean by what they type. */
function codeIn(typed: string): string {
  const code = typed.length > 16 ? "" : typed.replace(/\s/g, "");
  if (!/^[0-9A-Za-z]{5}$/.test(code)) return "";
  return code.toUpperCase().replaceAll("O", "0").replace(/[IL]/g, "1");
}

/** The chat that a frame is, as docs/protocol.md says it, or null for all that is ignored. */
function chatIn(text: string, { token }: Player, lobbyId: string): string | null {
  const colon = text.indexOf(":");
  if (text.slice(0, Math.max(0, colon)) !== "lobby_messaging_send") return null;
  try {
    const binary = atob(
      text
        .slice(colon + 1)
        .replaceAll("-", "+")
        .replaceAll("_", "/"),
    );
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const said: unknown = JSON.parse(decoder.decode(Buffer.from(binary, "latin1")));
    if (typeof said !== "object" || said === null || Array.isArray(said)) return null;
    const { token: theirs, lobbyId: where, message } = said as Record<string, unknown>;
    const isGenuine = theirs === token && typeof where === "string" && codeIn(where) === lobbyId;
    const isShort = typeof message === "string" && message.length >= 1 && message.length <= 250;
    return isGenuine && isShort ? message.toWellFormed() : null;
  } catch {
    return null;
  }
}

/** One frame of a player who is not known yet: `TOKEN` and `LOBBY` stand for its own. */
type Frame = {
  how: "text" | "pieces" | "binary" | "ping";
  method: string;
  json: string;
  tokenEdit: Edit | null;
  edit: Edit | null;
};

const chat = { token: "TOKEN", lobbyId: "LOBBY", message: "hello" };
const peer = {
  clientId: "Bob",
  path: "direct",
  cause: null,
  rttMs: 5,
  timeline: [{ atMs: 1, what: "began" }],
};
const report = { token: "TOKEN", mediation: "one", cause: null, peers: [peer], features: ["links"] };
const reportMethods = [
  ...["ptpMediation_peersConnection_success", "ptpMediation_peersConnection_failure", "ptpMediation_unseen"],
  "client_pings",
  "client_features",
];
const otherMethods = [
  "lobby_messaging_received",
  "lobby_closed",
  "client_registered",
  "__proto__",
  "toString",
  "",
];
const sometimes = <T>(arbitrary: Arbitrary<T>) => fc.option(arbitrary, { freq: 3, nil: null });

const anyFrame: Arbitrary<Frame> = fc.record({
  how: fc.constantFrom("text", "text", "text", "text", "pieces", "binary", "ping"),
  method: fc.oneof(
    { arbitrary: fc.constant("lobby_messaging_send"), weight: 4 },
    fc.constantFrom(...reportMethods, ...otherMethods),
    oddText,
  ),
  json: fc.oneof(
    { arbitrary: mutatedFields(chat), weight: 4 },
    { arbitrary: fc.constant(JSON.stringify(chat)), weight: 2 },
    mutatedFields(report),
  ),
  tokenEdit: sometimes(anyEdit),
  edit: sometimes(anyEdit),
});

/** What the frame says. One that is too long says nothing: those are not ignored (docs/protocol.md, limits). */
function textOf({ method, json, tokenEdit, edit }: Frame, { token }: Player, lobbyId: string): string {
  const theirs = tokenEdit ? edited(token, tokenEdit) : token;
  const filled = json
    .replaceAll("TOKEN", () => JSON.stringify(theirs).slice(1, -1))
    .replaceAll("LOBBY", lobbyId);
  const text = `${method}:${Buffer.from(filled).toString("base64")}`;
  const said = (edit ? edited(text, edit) : text).toWellFormed();
  return Buffer.byteLength(said) > 16 * 1024 ? "" : said;
}

function sendFrame({ socket }: Player, how: Frame["how"], text: string): void {
  if (how === "ping") socket.ping(Buffer.from(text).subarray(0, 125));
  else if (how === "pieces") {
    socket.send(text.slice(0, 7), { fin: false });
    socket.send("", { fin: false });
    socket.send(text.slice(7));
  } else socket.send(how === "binary" ? Buffer.from(text) : text);
}

/** Half as many as one may send at once: those that are chat are no more than one may say at once. */
const someFrames = fc.array(anyFrame, { minLength: 1, maxLength: 100, size: "max" });

test(
  "what is a chat message is heard, once and in order, and nothing comes of anything else",
  async () => {
    await fc.assert(
      fc.asyncProperty(someFrames, async (frames) => {
        const { lobbyId, host, guests, all } = await lobbyOf(2, server.url, { direct: true });
        const [guest = host] = guests;
        await rollCall(lobbyId, guest, host);
        const before = all.map(({ heard }) => heard.length);
        const expected: string[] = [];
        for (const frame of frames) {
          const text = textOf(frame, guest, lobbyId);
          sendFrame(guest, frame.how, text);
          const chat = frame.how === "ping" ? null : chatIn(text, guest, lobbyId);
          if (chat !== null) expected.push(chat);
        }
        count("WebSocket frames", frames.length);
        await rollCall(lobbyId, guest, host);
        for (const [i, player] of all.entries()) {
          const heard = player.heard.slice(before[i]);
          expect(heard.map(({ method }) => method)).toEqual(heard.map(() => "lobby_messaging_received"));
          expect(player.chats.slice(1, -1)).toEqual(expected);
        }
        await Promise.all(all.map((player) => player.leave()));
      }),
      runs(40),
    );
    await lobby.seeNothing();
  },
  patienceMs,
);

test(
  "while players are being connected, nothing but a genuine report counts",
  async () => {
    const frame = anyFrame.map((frame) => ({ ...frame, how: "text" as const }));
    const methods = fc.constantFrom(...reportMethods);
    const reports = fc.tuple(frame, methods, mutatedFields(report)).map(([frame, method, json]): Frame => {
      return { ...frame, method, json };
    });
    await fc.assert(
      fc.asyncProperty(fc.array(reports, { minLength: 1, maxLength: 100, size: "max" }), async (frames) => {
        const { lobbyId, host, guests, all } = await lobbyOf(2, server.url, { direct: true });
        const [guest = host] = guests;
        guest.answersOverUdp = false;
        await host.start(lobbyId);
        const { mediation } = await guest.hears("ptpMediation_send");
        // Of this mediation, but by tokens that are not the guest's: whoever that would be, it is not connected.
        for (const frame of frames) {
          const token = frame.tokenEdit ? edited(guest.token, frame.tokenEdit) : host.token;
          if (token === guest.token) continue;
          const json = reportOf(frame, mediation).replaceAll("TOKEN", () =>
            JSON.stringify(token).slice(1, -1),
          );
          guest.socket.send(textOf({ ...frame, json, edit: null }, guest, lobbyId));
        }
        count("WebSocket frames", frames.length);
        await rollCall(lobbyId, guest, host);
        expect(host.methods.filter((method) => method.startsWith("ptpMediation_"))).toEqual([
          "ptpMediation_send",
        ]);
        guest.sendDatagram(server.sidecar?.port ?? 0);
        await Promise.all(all.map((player) => player.hears("ptpMediation_peersConnection_start")));
        // Now with the guest's own, and whatever else: it may end the mediation, which is its right, and nothing worse.
        for (const frame of frames.slice(0, 60)) {
          const json = reportOf(frame, mediation);
          guest.socket.send(textOf({ ...frame, json, edit: null }, guest, lobbyId));
        }
        await guest.settled();
        host.reportsSuccess();
        guest.reportsSuccess();
        await Promise.race([host.hears("lobby_closed"), host.hears("ptpMediation_aborted")]);
        expect(host.all("ptpMediation_aborted").length + host.all("lobby_closed").length).toBe(1);
        expect(host.all("ptpMediation_report").length).toBeLessThanOrEqual(1);
        for (const { code } of host.all("ptpMediation_aborted")) expect(code).toBe("could_not_connect");
        await Promise.all(all.map((player) => player.leave()));
      }),
      runs(15),
    );
    await lobby.seeNothing();
  },
  patienceMs,
);

function reportOf({ json }: Frame, mediation: unknown): string {
  return json.replaceAll('"one"', () => JSON.stringify(mediation));
}

test("after all that, players still meet", async () => {
  await carryMediation(server.url, { direct: true, udpPort: server.sidecar?.port ?? 0 });
});
