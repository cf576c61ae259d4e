/** Chat, and what happens in the lobby. */
import type { Lobby } from "/sdk.js";
import { find, make, playerText, setText } from "./element.ts";
import { sentenceOf } from "./sentences.ts";

/** UTF-16 units of a message, as the server counts them. */
const chatLength = 250;
/** From how many on the player is told how many are left. */
const countedFrom = 200;
/** Lines that are kept: a page may stay open for days. */
const mostLines = 200;

export type ChatPanel = {
  /** Shows this lobby's chat until `close`. */
  open: (lobby: Lobby) => void;
  close: () => void;
  /** A line of the page's own; names of players among it are elements. */
  note: (...parts: (Node | string)[]) => void;
};

export function setUpChatPanel(): ChatPanel {
  const log = find("chat-log", HTMLElement);
  // It scrolls, also by the keyboard.
  log.tabIndex = 0;
  const form = find("chat-form", HTMLFormElement);
  const input = find("chat-text", HTMLInputElement);
  const problem = find("chat-problem", HTMLElement);
  const send = find("chat-send", HTMLButtonElement);
  let lobby: Lobby | null = null;
  let forget = () => {};

  const add = (line: HTMLElement) => {
    // Somebody who reads older lines is not pulled away from them.
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(line);
    while (log.childElementCount > mostLines) log.firstElementChild?.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  const check = () => {
    const { length } = input.value.trim();
    const isTooLong = length > chatLength;
    const left = `${length} of ${chatLength} characters`;
    setText(problem, isTooLong ? `Too long: ${left}.` : length >= countedFrom ? left : "");
    problem.classList.toggle("bad", isTooLong);
    input.toggleAttribute("aria-invalid", isTooLong);
    send.disabled = length === 0 || isTooLong;
  };
  const say = async () => {
    const text = input.value.trim();
    if (!lobby || text === "" || text.length > chatLength) return;
    input.value = "";
    check();
    try {
      await lobby.chat(text);
    } catch (error) {
      // The player may send it again, unless it has begun another one.
      if (input.value === "") input.value = text;
      check();
      setText(problem, sentenceOf(error));
      problem.classList.add("bad");
    }
  };
  input.addEventListener("input", check);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void say();
  });
  check();

  return {
    open: (opened) => {
      lobby = opened;
      log.replaceChildren();
      input.value = "";
      check();
      forget = opened.on("chat", ({ from, text, member, missed }) => {
        const name = make("b", {}, playerText(member?.displayName ?? from));
        const line = make("p", {}, name, " ", playerText(text));
        line.classList.toggle("own", member?.isSelf === true);
        line.classList.toggle("missed", missed === true);
        add(line);
      });
    },
    close: () => {
      forget();
      lobby = null;
    },
    note: (...parts) => add(make("p", { class: "event" }, ...parts)),
  };
}
