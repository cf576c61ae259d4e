/** Players whose lobby goes on while others send what they should not: they would hear of anything that came of it. */
import { expect } from "vitest";
import { type Answer, lobbyOf, type Player, request, rollCall } from "../../measure/kit/player.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";

export type Witnesses = {
  readonly lobbyId: string;
  readonly host: Player;
  readonly guest: Player;
  readonly all: Player[];
  /** Nobody came, nobody left, nothing was said, started or listed since they met. */
  seeNothing(): Promise<void>;
};

/** A public lobby of three with room for more. */
export async function witnesses(base: URL): Promise<Witnesses> {
  const { lobbyId, host, guests, all } = await lobbyOf(3, base, { isPublic: true, maxMembers: 5 });
  const [guest] = guests;
  if (!guest) throw new Error("no guest");
  const listed = async () => (await request(base, "/lobbies")).text;
  const list = await listed();
  // Whoever was in has heard by then who came.
  await rollCall(lobbyId, host, ...all);
  const before = all.map(({ methods }) => methods.length);
  let calls = 0;
  return {
    lobbyId,
    host,
    guest,
    all,
    seeNothing: async () => {
      expect(await listed()).toBe(list);
      // One after another asks, by turns: everybody is still a member, and may still speak.
      await rollCall(lobbyId, all[calls % all.length] ?? host, ...all);
      calls += 1;
      const heard = all.map(({ methods }, i) => methods.slice(before[i]));
      const expected = Array<string>(calls).fill("lobby_messaging_received");
      expect(heard).toEqual(all.map(() => expected));
    },
  };
}

/** The page at `/` names its scripts, and a stranger's broken request may be one for it. */
const pageShape = /<!doctype html>[\s\S]*?<script type="module" src="\/assets\/[\w-]+\.js"[\s\S]*?<\/html>/gi;
/** It is random: now and then one reads like the end of a file's name. */
const tokenShape = /"[^"\s]*\.[\w-]{16}\.[\w-]{22}"/g;

/** Texts that a stranger must never be sent: what makes tokens secrets, and what tells of our own code. */
export function expectNoLeak(text: string, players: readonly Player[]): void {
  for (const { token } of players) expect(text).not.toContain(token.split(".")[2]);
  expect(text.replace(pageShape, "the page").replace(tokenShape, "a token")).not.toMatch(
    /\bat .+:\d+:\d+|\.[cm]?[jt]s\b|node:|cloudflare|[a-z]Error:|stack|undefined is|ORION_SECRET/,
  );
}

/** An answer is one of docs/protocol.md: whatever was sent, none but what a status with a code and a sentence says. */
export function expectRefusal(answer: Pick<Answer, "status" | "text">, allowed: ReadonlySet<string>): void {
  const body: unknown = JSON.parse(answer.text);
  expect(body).toEqual({ codes: expect.any(Array), errors: expect.any(Array) });
  const { codes, errors } = body as { codes: string[]; errors: string[] };
  expect(codes.length).toBeGreaterThan(0);
  expect(errors.length).toBe(codes.length);
  for (const code of codes) expect(allowed).toContain(code);
  expect(answer.status).toBeLessThan(500);
}

/** Bytes that one body may have. */
export const { bodyBytes } = edgeLimits;
