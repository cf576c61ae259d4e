/** What the lab uses of the client SDK, `client/`. */

export type Path = "lan" | "direct" | "relay";

export type Link = {
  readonly path: Path;
  /** `cause` says why the path is none better, once that is settled. */
  readonly report: { cause: string | null };
  on(event: "path", listener: (path: Path) => void): void;
  on(event: "message", listener: (bytes: Uint8Array) => void): void;
  send(bytes: Uint8Array): void;
};

export type Lobby = AsyncDisposable & {
  readonly code: string;
  /** Emits when `ptpMediation_peersConnection_start` was heard. */
  on(event: "introduced", listener: () => void): void;
  /** Starts the mediation. Resolves when there is a usable path to every peer. */
  start(options: { signal: AbortSignal }): Promise<Link[]>;
  /** The same, for those who wait for the host to start it. */
  started(options: { signal: AbortSignal }): Promise<Link[]>;
};

export type Orion = AsyncDisposable & {
  host(options: {
    name: string;
    lobbyName: string;
    isPublic: boolean;
    maxMembers: number;
    signal: AbortSignal;
  }): Promise<Lobby>;
  join(code: string, options: { name: string; signal: AbortSignal }): Promise<Lobby>;
};

export type Connect = (url: string, options: { signal: AbortSignal }) => Promise<Orion>;

/** Where it is, seen from this folder. */
const home = "../client/index.ts";

/** The SDK's entry. Rejects while there is none. */
export async function loadSdk(): Promise<Connect> {
  const { connect }: { connect: Connect } = await import(home);
  return connect;
}
