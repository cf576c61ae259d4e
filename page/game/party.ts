/** What the game needs of a lobby: the SDK's, in a page or in Node. */

export type GameMember = {
  readonly clientId: string;
  readonly displayName: string;
  readonly presence: "connected" | "away";
  readonly hidden: boolean;
};

export type GameLink = {
  readonly peer: { readonly clientId: string };
  readonly rttMs: number | null;
  send(packet: Uint8Array<ArrayBuffer>): void;
  sendReliable(message: Uint8Array<ArrayBuffer>): Promise<void>;
  on(event: "message" | "reliable", listener: (bytes: Uint8Array) => void): () => void;
  on(event: "closed", listener: () => void): () => void;
};

export type GameLobby = {
  readonly members: readonly GameMember[];
  readonly hostId: string;
  readonly isHost: boolean;
  readonly term: number;
  readonly links: readonly GameLink[];
  on(event: "link", listener: (link: GameLink) => void): () => void;
  makeHost(clientId: string): Promise<void>;
  saveSnapshot(bytes: Uint8Array<ArrayBuffer>): Promise<unknown>;
  readSnapshot(): Promise<{ bytes: Uint8Array } | null>;
};

/**
 * Who moves the world: the first in this line who can be heard. The lobby's host, then the others in order of arrival; those whose page is
 * out of sight are late in it, for browsers slow them down, and those whose connection is lost are last.
 */
export function lineOf({ members, hostId }: Pick<GameLobby, "members" | "hostId">): string[] {
  const rank = ({ clientId, presence, hidden }: GameMember) => {
    if (presence === "away") return 3;
    if (clientId === hostId) return 0;
    return hidden ? 2 : 1;
  };
  return [...members].sort((one, other) => rank(one) - rank(other)).map(({ clientId }) => clientId);
}
