import type { Alarm } from "../platform/alarm.ts";
import type { Env } from "../platform/env.ts";
import type { Delivery } from "../platform/ports.ts";
import type { Connections } from "../sessions/connections.ts";

/** The parts of the object that the lobby lives in. */
export type LobbyObject = {
  readonly env: Env;
  /** The object's name. */
  readonly lobbyId: string;
  readonly storage: DurableObjectStorage;
  readonly wakeUp: Alarm;
  readonly connections: Connections;
  /** Sends frames to members in another object. True once they are there, false if they are lost. */
  send(holder: string, delivery: Delivery): Promise<boolean>;
  /** The calls to other objects that what happened so far has made necessary. */
  readonly callsCaused: number;
  /** What happened makes so many necessary, which are made later. */
  willCall(calls: number): void;
  /** The lobby is over, and everybody knows. */
  over(): void;
};
