/** Which texts name a lobby's object, and which codes of groovejet's a deployment may have drawn. */
import { expect, test } from "vitest";
import { groovejetCharacters, parseName } from "../../../core/dialects/names.ts";
import { isLobbyId, readLobbyId } from "../../../core/lobby/code.ts";
import { joined, knower, noLobby, opened } from "../a-lobby.ts";

type Naming = { LOBBY: { idFromName(name: string): { toString(): string } }; codeKey?: string };
/** Imported by address, because its types are those of Workers. */
type Codes = {
  drawGroovejetName(env: Naming): string;
  isDrawn(env: Naming, lobbyId: string): boolean;
};
const codes: Codes = await import(new URL("../../../worker/platform/codes.ts", import.meta.url).href);

/** As the platform names objects: by a keyed hash. */
const naming = (key: string): Naming => ({
  LOBBY: {
    idFromName: (name) => {
      let hash = 0x811c9dc5;
      for (const character of `${key} ${name}`)
        hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
      return { toString: () => hash.toString(16).padStart(8, "0") };
    },
  },
});

test("a lobby's object is named by a code as it was meant, or by a dialect's name as it is", () => {
  expect(readLobbyId(" k7q2m")).toBe("K7Q2M");
  for (const name of ["rabid:NiceRoom", "noray:a-b_C", "groovejet:0a1z0"]) {
    expect(readLobbyId(name)).toBe(name);
    expect(isLobbyId(name)).toBe(true);
  }
  expect(isLobbyId("K7Q2M")).toBe(true);
  for (const text of ["", "rabid:", "rabid:a b", "orion:a", "l17"]) {
    expect(readLobbyId(text)).toBeNull();
    expect(isLobbyId(text)).toBe(false);
  }
  expect(isLobbyId("k7q2m")).toBe(false);
});

test("of groovejet's codes one in 36 may have been drawn, by this deployment and no other", () => {
  const [here, elsewhere] = [naming("here"), naming("elsewhere")];
  const drawn = Array.from({ length: 200 }, () => codes.drawGroovejetName(here));
  for (const name of drawn) {
    expect(parseName(name)?.dialect).toBe("groovejet");
    expect(codes.isDrawn(here, name)).toBe(true);
    const others = [...groovejetCharacters].map((last) => name.slice(0, -1) + last);
    expect(others.filter((one) => codes.isDrawn(here, one))).toEqual([name]);
  }
  expect(drawn.filter((name) => codes.isDrawn(elsewhere, name)).length).toBeLessThan(40);
  expect(new Set(drawn).size).toBeGreaterThan(190);
});

test("names that players choose may all be asked for", () => {
  for (const name of ["rabid:NiceRoom", "noray:x"]) expect(codes.isDrawn(naming("here"), name)).toBe(true);
});

test("players of a dialect may have names that only look the same: their protocols tell them apart", () => {
  const members = (lobbyId: string) => {
    const lobby = noLobby();
    lobby.happens({ ...opened(knower("Ann")), lobbyId }, joined(knower("ann")));
    return lobby.state?.members.map(({ name }) => name);
  };
  expect(members("rabid:NiceRoom")).toEqual(["Ann", "ann"]);
  expect(members("K3Y7Z")).toEqual(["Ann"]);
});
