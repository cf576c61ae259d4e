/** The page at `/`: lobbies to join, and a game to play in them. */
import { connect, type Lobby } from "/sdk.js";
import { announce } from "./announcer.ts";
import { tellBanner, watchNetwork } from "./banner.ts";
import { setUpChatPanel } from "./chat-panel.ts";
import { find, setText, show } from "./element.ts";
import { enter, type Orion, pause, type Wish } from "./enter.ts";
import { setUpHome } from "./home.ts";
import { invitationIn } from "./invitation.ts";
import { setUpInvitePanel } from "./invite-panel.ts";
import { setUpLobbyList } from "./lobby-list.ts";
import { setUpNetworkPanel } from "./network-panel.ts";
import { askPassword } from "./password-dialog.ts";
import { keepName } from "./player-name.ts";
import { setUpPlayersPanel } from "./players-panel.ts";
import { type End, openRoom, type Room } from "./room.ts";
import { forgetSeat, holdSeat, keepSeat, keptSeat, type Release } from "./seat.ts";
import { codeOf, sentenceFor, sentenceOf } from "./sentences.ts";

/** Milliseconds between two attempts to reach a server that is away. */
const awayPauseMs = 2_000;
/** Milliseconds that the page tries to come back into its lobby by itself. */
const returnMs = 120_000;

const views = ["home", "entering", "room"] as const;
/** What the player is about to do, or the lobby that it is in. */
let entering: AbortController | null = null;
let room: Room | null = null;
/** The place that this tab holds, so that no duplicate of it takes it. */
let held: { clientId: string; release: Release } | null = null;

const orion = reachServer();
const home = setUpHome((wish) => void go(wish));
const list = setUpLobbyList(orion, (code) => void go({ kind: "join", code }));
const panels = {
  chat: setUpChatPanel(),
  invite: setUpInvitePanel(),
  players: setUpPlayersPanel((member) => {
    room?.lobby
      .kick(member.clientId)
      .catch((error) => setText(find("room-problem", HTMLElement), sentenceOf(error)));
  }),
};
setUpNetworkPanel(orion);
watchNetwork();
find("room-leave", HTMLButtonElement).addEventListener("click", () => {
  leave();
  goHome(null);
});
find("entering-cancel", HTMLButtonElement).addEventListener("click", () => {
  entering?.abort();
  goHome(null);
});
addEventListener("hashchange", () => {
  const invitation = invitationIn(location.hash);
  if (invitation.kind === "wrong") return goHome(sentenceFor("wrong_invitation"));
  if (invitation.kind === "code" && invitation.code !== room?.lobby.code)
    void go({ kind: "join", code: invitation.code });
});
void begin();

/** What the address, and this tab's last place, lead to. */
async function begin(): Promise<void> {
  const invitation = invitationIn(location.hash);
  const seat = keptSeat();
  if (invitation.kind === "wrong") return goHome(sentenceFor("wrong_invitation"));
  const code = invitation.kind === "code" ? invitation.code : seat?.code;
  if (code === undefined) return goHome(null);
  if (seat?.code !== code) return await go({ kind: "join", code });
  show(find("home", HTMLElement), false);
  const release = await holdSeat(seat.clientId);
  if (release) {
    held = { clientId: seat.clientId, release };
    return await go({ kind: "resume", code, returnKey: seat.returnKey });
  }
  forgetSeat();
  await go({ kind: "join", code });
  announce(sentenceFor("other_tab"));
}

/** `untilMs`: until when a server that is away is tried again, by `performance.now()`. */
async function go(wish: Wish, untilMs = 0): Promise<void> {
  entering?.abort();
  const ending = new AbortController();
  entering = ending;
  const { signal } = ending;
  leave();
  setText(find("entering-title", HTMLElement), titleFor(wish));
  showView("entering");
  // It loads meanwhile. Should that fail, the room says so.
  import("../game/play.ts").catch(() => {});
  try {
    const options = { name: home.name(), signal, askPassword };
    const lobby = await enterPatiently(wish, options, untilMs);
    if (signal.aborted) return void lobby.leave();
    room = openRoom(lobby, panels, {
      comesBack: wish.kind === "resume",
      ended: (end) => hearEnd(end, lobby.code),
    });
    entering = null;
    await settle(lobby);
  } catch (error) {
    if (signal.aborted) return;
    entering = null;
    const code = codeOf(error);
    const isGone = untilMs > 0 && code === "no_such_lobby";
    goHome(code === "aborted" ? null : isGone ? sentenceFor("lobby_gone") : sentenceOf(error));
  }
}

async function enterPatiently(
  wish: Wish,
  options: Parameters<typeof enter>[2],
  untilMs: number,
): Promise<Awaited<ReturnType<typeof enter>>> {
  for (;;) {
    try {
      return await enter(await orion, wish, options);
    } catch (error) {
      const isAway = ["unreachable", "unanswered", "disconnected"].includes(codeOf(error));
      if (!isAway || performance.now() > untilMs) throw error;
      await pause(awayPauseMs, options.signal);
    }
  }
}

/** The room is open: the address and this tab remember it. */
async function settle(lobby: Lobby): Promise<void> {
  // By then it has something to show.
  await pause(0);
  if (room?.lobby !== lobby) return;
  history.replaceState(null, "", `#${lobby.code}`);
  document.title = `${lobby.code} – Comets`;
  showView("room");
  keepSeat(lobby);
  // An invented one, too: the others know the player by it.
  keepName(home.name());
  const { clientId } = lobby;
  if (held?.clientId === clientId) return;
  held?.release();
  held = null;
  const release = await holdSeat(clientId);
  if (!release) return;
  if (room?.lobby === lobby) held = { clientId, release };
  else release();
}

/** Leaves the lobby, if the player is in one. */
function leave(): void {
  const left = room;
  if (!left) return;
  giveUpPlace();
  left.close();
  void left.lobby.leave();
}

function giveUpPlace(): void {
  room = null;
  held?.release();
  held = null;
  forgetSeat();
}

/** The lobby is over for this player, not by its own wish. */
function hearEnd({ reason, message }: End, code: string): void {
  giveUpPlace();
  if (reason === "disconnected") return void go({ kind: "join", code }, performance.now() + returnMs);
  goHome(sentenceFor(reason), message);
}

function goHome(problem: string | null, said?: string): void {
  entering?.abort();
  entering = null;
  leave();
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  document.title = "Orion Edge";
  home.tellProblem(problem, said);
  showView("home");
}

function showView(view: (typeof views)[number]): void {
  const before = views.find((one) => !find(one, HTMLElement).hidden);
  for (const one of views) show(find(one, HTMLElement), one === view);
  // It is of use in both.
  if (view !== "entering") find(`${view}-side`, HTMLElement).append(find("network", HTMLElement));
  if (view === "home") list.start();
  else list.stop();
  // The focus would be on nothing. At the beginning it is where it belongs.
  if (before !== undefined && before !== view) find(`${view}-title`, HTMLElement).focus();
}

function titleFor(wish: Wish): string {
  switch (wish.kind) {
    case "quick":
      return "Looking for players…";
    case "host":
      return "Opening the lobby…";
    case "join":
      return `Joining ${wish.code}…`;
    case "resume":
      return `Coming back to ${wish.code}…`;
  }
}

/** The server that this page is from: it need not be looked for. Never, in a browser that is too old. */
async function reachServer(): Promise<Orion> {
  try {
    return await connect(location.origin, { check: false });
  } catch (error) {
    tellBanner("server", codeOf(error));
    return await new Promise<never>(() => {});
  }
}
