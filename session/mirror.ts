/** The lobby as this client sees it, kept up to date by what the server says. Where something was missed, the whole picture is asked for. */
import type { Picture } from "../core/wire/picture.ts";
import type { HeardMessage } from "../core/wire/server-message.ts";
import type { SessionEvent } from "./event.ts";
import { differences, type LobbyView, pictureView, viewAfter } from "./lobby-view.ts";

/** Milliseconds to wait for the message of a change that was made. */
const changeMs = 2_000;

export type MirrorOptions = {
  view: LobbyView;
  /** This client's own id. */
  clientId: string;
  /** Asks the server for the whole picture. */
  ask: () => Promise<Picture>;
  /** Something is different now. */
  tell: (event: SessionEvent) => void;
};

export class Mirror {
  readonly #options: MirrorOptions;
  #view: LobbyView;
  /** What came since a picture was asked for; null if none is on its way. */
  #since: HeardMessage[] | null = null;
  #refreshing: Promise<void> | null = null;
  /** Those who wait for a change of the view. */
  readonly #waiting = new Set<() => void>();

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#view = options.view;
  }

  get view(): LobbyView {
    return this.#view;
  }

  /** Takes a message of the server. */
  hear(message: HeardMessage): void {
    this.#since?.push(message);
    const { view, isBehind } = viewAfter(this.#view, message);
    const kicked = message.method === "lobby_peerDisconnect" && message.payload.kicked === true;
    const until = message.method === "lobby_memberAway" ? message.payload.until : null;
    this.#become(view, { kicked, until });
    // Should it fail, the next message shows the gap again.
    if (isBehind) void this.refresh().catch(() => {});
  }

  /** Takes the whole picture, and on top of it what came since it was asked for. Whether that shows that something was missed after it. */
  take(picture: Picture, since: readonly HeardMessage[] = []): boolean {
    let view = pictureView(picture, this.#options.clientId, this.#view);
    let missed = false;
    for (const message of since) {
      const taken = viewAfter(view, message);
      view = taken.view;
      missed ||= taken.isBehind === true;
    }
    this.#become(view, { kicked: false, until: null });
    return missed;
  }

  /** Has the whole picture told. Who asks meanwhile waits for the same one. Throws as a request. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  /** Done when the view is as new as this version, or the lobby is over. */
  async reaches(version: number, over: Promise<unknown>): Promise<void> {
    if (!this.#view.isWhole) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let look = () => {};
    const reached = new Promise<boolean>((resolve) => {
      look = () => {
        if (this.#view.version >= version) resolve(true);
      };
      this.#waiting.add(look);
      timer = setTimeout(() => resolve(false), changeMs);
      void over.then(() => resolve(true));
      look();
    });
    const isThere = await reached;
    clearTimeout(timer);
    this.#waiting.delete(look);
    // The change is made, whatever becomes of this.
    if (!isThere) await this.refresh().catch(() => {});
  }

  async #refresh(): Promise<void> {
    try {
      let missed = true;
      while (missed) {
        this.#since = [];
        missed = this.take(await this.#options.ask(), this.#since);
      }
    } finally {
      this.#since = null;
    }
  }

  #become(view: LobbyView, { kicked, until }: { kicked: boolean; until: number | null }): void {
    const before = this.#view;
    if (view === before) return;
    this.#view = view;
    for (const look of this.#waiting) look();
    for (const difference of differences(before, view)) {
      if (difference.kind === "left") this.#options.tell({ ...difference, kicked });
      else if (difference.kind === "away") this.#options.tell({ ...difference, until });
      else this.#options.tell(difference);
    }
  }
}
