/** The lobbies: a list, a way to find one, and what is in it. */
import type { InspectedMember } from "../../core/lobby/inspection.ts";
import type { OperatorLobby, OperatorLook } from "../../core/wire/operator.ts";
import { make, playerText } from "../site/element.ts";
import { ageText } from "./ages.ts";
import { type OperatorApi, Refused } from "./api.ts";
import { table } from "./table.ts";

/** Asks whether that is meant. What the player is told; null if it is not. */
export type Confirm = (question: string, deed: string, hasReason: boolean) => Promise<string | null>;

const pathWords = {
  lan: "direct, within a network",
  direct: "direct",
  relay: "by a relay",
  unknown: "connected, its client does not say how",
} as const;

export class LobbyPanel {
  readonly element = make("section", { class: "panel", "aria-labelledby": "lobbies-title" });
  readonly #api: OperatorApi;
  readonly #confirm: Confirm;
  readonly #list = make("div");
  readonly #look = make("div", { id: "look" });
  readonly #said = make("p", { class: "note", role: "status" });
  #mayAct = false;
  #tag: string | null = null;

  constructor(api: OperatorApi, confirm: Confirm) {
    this.#api = api;
    this.#confirm = confirm;
    const input = make("input", {
      id: "find",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
    });
    const form = make(
      "form",
      { class: "quick" },
      make("div", { class: "field" }, make("label", { for: "find" }, "Code or tag"), input),
      make("button", {}, "Look into it"),
      this.#said,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#tell(async () => {
        const { tag } = await this.#api.find(input.value);
        await this.open(tag);
        input.value = "";
      });
    });
    this.element.append(make("h2", { id: "lobbies-title" }, "Lobbies"), form, this.#look, this.#list);
  }

  show(lobbies: readonly OperatorLobby[], now: number, mayAct: boolean): void {
    this.#mayAct = mayAct;
    // What has the focus is left alone: it would lose it.
    if (this.#list.contains(document.activeElement)) return;
    const rows = lobbies.map(({ tag, isPublic, members, openedAt, heardAt }) => {
      const button = make("button", { class: "quiet", type: "button" }, make("code", {}, tag));
      button.addEventListener("click", () => void this.#tell(() => this.open(tag)));
      const listed = isPublic ? "public" : "private";
      return [button, listed, String(members), ageText(now - openedAt), ageText(now - heardAt)];
    });
    const columns = ["Lobby", "List", "Members", "Open for", "Last change"];
    this.#list.replaceChildren(table("Changed last", columns, rows, { none: "No lobby is open." }));
  }

  /** Looks into a lobby. Throws what the server refuses. */
  async open(tag: string): Promise<void> {
    this.#tag = tag;
    const look = await this.#api.look(tag);
    this.#look.replaceChildren(this.#lobby(look));
    this.#look.querySelector("h3")?.focus();
  }

  /** Looks again, if a lobby is open and nothing in it has the focus. */
  async refresh(): Promise<void> {
    const tag = this.#tag;
    if (tag === null || this.#look.contains(document.activeElement)) return;
    await this.#tell(async () => {
      const look = await this.#api.look(tag);
      if (this.#tag === tag) this.#look.replaceChildren(this.#lobby(look));
    });
  }

  #close(): void {
    this.#tag = null;
    this.#look.replaceChildren();
  }

  #lobby({ tag, lobby }: OperatorLook): HTMLElement {
    const about = [
      lobby.isPublic ? "public" : "private",
      `up to ${lobby.maxMembers} members`,
      lobby.topology,
      lobby.phase,
      ...(lobby.locked ? ["locked"] : []),
      ...(lobby.hasPassword ? ["has a password"] : []),
      ...(lobby.privacy === "relay-only" ? ["relay only"] : []),
      ...(lobby.bans > 0 ? [`${lobby.bans} banned`] : []),
    ];
    const game = lobby.game === null ? [] : [" · game ", playerText(lobby.game)];
    const end = this.#button("End the lobby", `End ${tag} for all its members?`, false, async () => {
      await this.#api.close(tag);
      this.#close();
      this.#said.textContent = `${tag} is over.`;
    });
    const done = make("button", { type: "button" }, "Close this look");
    done.addEventListener("click", () => this.#close());
    const columns = ["Player", "Presence", "Path", ...(this.#mayAct ? ["Deeds"] : [])];
    return make(
      "article",
      { class: "stack" },
      make(
        "h3",
        { tabindex: "-1" },
        make("code", {}, tag),
        " · ",
        playerText(lobby.title ?? lobby.lobbyName),
      ),
      make("p", { class: "muted" }, about.join(", "), ...game),
      table(
        `Members of ${tag}`,
        columns,
        lobby.members.map((member) => this.#member(tag, member)),
        { hasHiddenCaption: true },
      ),
      make("div", { class: "actions" }, done, ...(this.#mayAct ? [end] : [])),
    );
  }

  #member(tag: string, member: InspectedMember): (string | Node)[] {
    const { clientId, name, displayName, isHost, presence, path } = member;
    const who = make("div", {}, playerText(displayName ?? name));
    if (displayName !== null && displayName !== name) who.append(" (", playerText(name), ")");
    if (isHost) who.append(" · host");
    who.append(make("br"), make("code", { class: "muted" }, clientId));
    const there =
      presence.kind === "away" ? `away, ${ageText(presence.until - Date.now())} left` : "connected";
    const cells = [who, there, path === null ? "–" : pathWords[path]];
    if (!this.#mayAct) return cells;
    const deed = (label: string, question: string, ban: boolean) =>
      this.#button(label, question, true, async (reason) => {
        await this.#api.remove(tag, clientId, { reason, ban });
        this.#said.textContent = ban ? "The player is banned." : "The player is removed.";
        await this.open(tag);
      });
    const named = displayName ?? name;
    return [
      ...cells,
      make(
        "div",
        { class: "actions" },
        deed("Remove", `Remove ${named} from ${tag}?`, false),
        deed("Ban", `Remove ${named} from ${tag}, and keep this player out of it?`, true),
      ),
    ];
  }

  #button(label: string, question: string, hasReason: boolean, act: (reason: string) => Promise<void>) {
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", async () => {
      const reason = await this.#confirm(question, label, hasReason);
      if (reason !== null) await this.#tell(() => act(reason));
    });
    return button;
  }

  async #tell(act: () => Promise<void>): Promise<void> {
    this.#said.textContent = "";
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === "no_such_lobby") this.#close();
      this.#said.textContent = error.message;
    }
  }
}
