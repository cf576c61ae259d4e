/** What is there before the player is in a lobby: the name, and the ways in. */
import { find, playerText, setText } from "./element.ts";
import type { Wish } from "./enter.ts";
import { inventedName, keepName, nameProblem, recalledName } from "./player-name.ts";
import { sentenceFor } from "./sentences.ts";

export type Home = {
  /** The player's name: always one that can be used. */
  name: () => string;
  /** What has gone wrong; null for nothing. `said`: what another player has written about it. */
  tellProblem: (sentence: string | null, said?: string) => void;
};

/** `code`: also of what the player has typed, which may be no code at all. */
export function setUpHome(go: (wish: Wish) => void): Home {
  const name = find("player-name", HTMLInputElement);
  const nameNote = find("player-name-note", HTMLElement);
  const problem = find("home-problem", HTMLElement);
  const form = {
    host: find("host-form", HTMLFormElement),
    join: find("join-form", HTMLFormElement),
    quick: find("quick-form", HTMLFormElement),
  };
  const lobbyName = find("lobby-name", HTMLInputElement);
  const isPublic = find("lobby-public", HTMLInputElement);
  const password = find("lobby-password", HTMLInputElement);
  const code = find("join-code", HTMLInputElement);
  name.value = recalledName() ?? inventedName(Math.random());
  let usable = name.value;

  const tellProblem = (sentence: string | null, said?: string) => {
    problem.replaceChildren(sentence ?? "", ...(said ? [" ", playerText(said)] : []));
    problem.hidden = sentence === null;
  };
  const checkName = () => {
    const wrong = nameProblem(name.value);
    setText(nameNote, wrong ?? "");
    name.toggleAttribute("aria-invalid", wrong !== null);
    if (wrong === null) usable = name.value.trim();
    return wrong === null;
  };
  name.addEventListener("input", checkName);
  name.addEventListener("change", () => {
    if (checkName()) keepName(usable);
  });
  const goWith = (wish: () => Wish | null) => (event: Event) => {
    event.preventDefault();
    tellProblem(null);
    if (!checkName()) return name.focus();
    const wished = wish();
    if (wished) go(wished);
  };
  form.quick.addEventListener(
    "submit",
    goWith(() => ({ kind: "quick" })),
  );
  form.host.addEventListener(
    "submit",
    goWith(() => {
      const wrong = lobbyName.value.trim() === "" ? null : nameProblem(lobbyName.value);
      if (wrong !== null) {
        tellProblem(wrong);
        lobbyName.focus();
        return null;
      }
      return {
        kind: "host",
        lobbyName: lobbyName.value.trim(),
        isPublic: isPublic.checked,
        password: password.value,
      };
    }),
  );
  form.join.addEventListener(
    "submit",
    goWith(() => {
      const typed = code.value.replace(/\s/g, "").toUpperCase();
      if (/^[0-9A-Z]{5}$/.test(typed)) return { kind: "join", code: typed };
      tellProblem(sentenceFor("no_such_lobby"));
      code.focus();
      return null;
    }),
  );
  return { name: () => usable, tellProblem };
}
