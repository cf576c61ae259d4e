/** A lobby that the player is in: who is there, chat, getting ready, and the game. */
import type { Lobby } from "/sdk.js";
import type { Play } from "../game/play.ts";
import { announce } from "./announcer.ts";
import { tellBanner } from "./banner.ts";
import type { ChatPanel } from "./chat-panel.ts";
import { find, playerText, setText, show } from "./element.ts";
import { keepLinked } from "./linking.ts";
import { keepSeat } from "./seat.ts";
import { sentenceFor, sentenceOf } from "./sentences.ts";

type Member = Lobby["members"][number];
/** Why the player is not in the lobby any more. `message`: what the host has written about it. */
export type End = { reason: string; message?: string };
type Panels = {
  chat: ChatPanel;
  players: { open: (lobby: Lobby) => void; render: () => void; close: () => void };
  invite: { show: (code: string, title: string) => void };
};

/** Elements of the room, and what its buttons do in the lobby that is open. */
const buttons = ["ready", "start", "end", "lock"] as const;
type Button = (typeof buttons)[number];

export type Room = {
  lobby: Lobby;
  /** Shows it no more. The player stays in the lobby. May be called again. */
  close: () => void;
};

/** `comesBack`: whether this player was in the lobby before. `ended`: it is over for this player, and closed here. */
export type RoomOptions = { comesBack: boolean; ended: (end: End) => void };

/** The lobby must have been entered in this turn: then nothing is missed. It is shown in the next one. */
export function openRoom(
  lobby: Lobby,
  { chat, players, invite }: Panels,
  { comesBack, ended }: RoomOptions,
): Room {
  const over = new AbortController();
  const problem = find("room-problem", HTMLElement);
  const stage = find("stage", HTMLElement);
  let play: Play | null = null;
  /** Of the game that is being loaded, or runs. */
  let isOn = false;
  let isRendering = false;

  const renderNow = () => {
    isRendering = false;
    if (over.signal.aborted) return;
    renderRoom(lobby);
    players.render();
    followGame();
  };
  /** Once for all that happens in a moment. */
  const render = () => {
    if (isRendering) return;
    isRendering = true;
    queueMicrotask(renderNow);
  };

  const followGame = () => {
    const wasOn = isOn;
    isOn = lobby.data.playing === true;
    if (isOn === wasOn) return;
    find("room", HTMLElement).classList.toggle("playing", isOn);
    show(stage, isOn);
    if (isOn) void startGame();
    else stopGame();
  };
  const startGame = async () => {
    try {
      const loaded = await import("../game/play.ts");
      if (!isOn || play || over.signal.aborted) return;
      play = loaded.play(lobby, stage, {
        selfId: lobby.clientId,
        comesBack,
        onEnd: () => {},
        announce,
        settings: { reducedMotion: matchMedia("(prefers-reduced-motion: reduce)").matches },
      });
      announce("The game begins.");
      // Somebody who writes goes on writing.
      if (!(document.activeElement instanceof HTMLInputElement)) stage.focus({ preventScroll: true });
      stage.scrollIntoView({ block: "nearest" });
    } catch {
      setText(problem, sentenceFor("game_failed"));
    }
  };
  const stopGame = () => {
    play?.stop();
    play = null;
    stage.replaceChildren();
    announce("The game is over.");
  };

  const deeds: Record<Button, () => Promise<unknown>> = {
    ready: async () => await lobby.setReady(lobby.me?.ready !== true),
    start: async () => await lobby.setData({ playing: true }),
    end: async () => await lobby.setData({ playing: false }),
    lock: async () => await lobby.change({ locked: !lobby.locked }),
  };
  for (const name of buttons) {
    const button = find(`room-${name}`, HTMLButtonElement);
    const act = async () => {
      // Not `disabled`: it would lose the focus.
      if (button.getAttribute("aria-busy") === "true") return;
      button.setAttribute("aria-busy", "true");
      setText(problem, "");
      try {
        await deeds[name]();
      } catch (error) {
        if (!over.signal.aborted) setText(problem, sentenceOf(error));
      }
      button.removeAttribute("aria-busy");
      render();
    };
    button.addEventListener("click", () => void act(), { signal: over.signal });
  }

  const forget: (() => void)[] = [];
  const on: Lobby["on"] = (event, listener) => {
    const stop = lobby.on(event, listener);
    forget.push(stop);
    return stop;
  };
  const nameOf = ({ displayName }: Member) => playerText(displayName);
  on("joined", ({ member }) => chat.note(nameOf(member), " is here."));
  on("left", ({ member, kicked }) => {
    chat.note(nameOf(member), kicked ? " was removed by the host." : " has left.");
  });
  on("away", ({ member }) => chat.note(nameOf(member), " has lost the connection."));
  on("back", ({ member }) => chat.note(nameOf(member), " is back."));
  on("hostChanged", ({ member }) => {
    if (member?.isSelf) chat.note("You are the host now.");
    else if (member) chat.note(nameOf(member), " is the host now.");
  });
  on("reconnecting", () => tellBanner("lobby", "reconnecting"));
  on("resumed", () => {
    tellBanner("lobby", null);
    // The key was used.
    keepSeat(lobby);
  });
  for (const event of [
    "joined",
    "left",
    "away",
    "back",
    "hostChanged",
    "changed",
    "memberChanged",
  ] as const) {
    on(event, render);
  }
  for (const event of ["link", "connected", "resumed"] as const) on(event, render);
  chat.open(lobby);
  players.open(lobby);
  const stopLinking = keepLinked(lobby, (code) => chat.note(sentenceFor(code)));

  const close = () => {
    if (over.signal.aborted) return;
    over.abort();
    for (const stop of forget) stop();
    stopLinking();
    tellBanner("lobby", null);
    if (isOn) stopGame();
    find("room", HTMLElement).classList.remove("playing");
    show(stage, false);
    chat.close();
    players.close();
    setText(problem, "");
  };
  on("closed", (end) => {
    if (over.signal.aborted) return;
    close();
    ended(end);
  });
  // A page that is loaded again, or closed, is gone for a moment or for good: the game should not wait for it.
  addEventListener("pagehide", () => handOver(lobby), { signal: over.signal });

  setText(problem, "");
  invite.show(lobby.code, lobby.title);
  // First the SDK hears what has come meanwhile: a mediation, which need not wait until the game is drawn.
  setTimeout(renderNow);
  return { lobby, close };
}

/** Makes somebody else the host who is there. */
function handOver(lobby: Lobby): void {
  if (!lobby.isHost) return;
  const next = lobby.members.find(
    ({ isSelf, presence, hidden }) => !isSelf && !hidden && presence === "connected",
  );
  // Refused, or too late: then the server chooses, when the time to come back is over.
  if (next) lobby.makeHost(next.clientId).catch(() => {});
}

function renderRoom(lobby: Lobby): void {
  const { members, isHost, me, locked, title } = lobby;
  const isPlaying = lobby.data.playing === true;
  const ready = find("room-ready", HTMLButtonElement);
  const count = members.filter((member) => member.ready).length;
  setText(find("room-title", HTMLElement), title);
  setText(find("room-note", HTMLElement), noteFor({ isHost, isPlaying, count, all: members.length }));
  ready.setAttribute("aria-pressed", String(me?.ready === true));
  show(ready, !isPlaying);
  show(find("room-start", HTMLElement), isHost && !isPlaying);
  show(find("room-end", HTMLElement), isHost && isPlaying);
  show(find("room-lock", HTMLElement), isHost);
  setText(find("room-lock", HTMLElement), locked ? "Unlock the lobby" : "Lock the lobby");
}

type Standing = { isHost: boolean; isPlaying: boolean; count: number; all: number };

function noteFor({ isHost, isPlaying, count, all }: Standing): string {
  if (isPlaying) return "";
  const ready = `${count} of ${all} ready.`;
  if (!isHost) return `${ready} The host starts the game.`;
  return all === 1 ? "Invite somebody, or start alone: others may come later." : ready;
}
