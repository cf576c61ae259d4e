/** The limits of what runs in a server: the faulty Worker sets some of them by their names. */
import { groovejetLimits } from "../../core/dialects/groovejet/limits.ts";
import { sharedLimits } from "../../core/limits.ts";
import { lobbyLimits } from "../../core/lobby/limits.ts";
import { socketRelayLimits } from "../../core/relay/socket/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { edgeLimits } from "../../worker/edge/limits.ts";
import { objectLimits } from "../../worker/objects/limits.ts";
import { platformLimits } from "../../worker/platform/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

const tables = [
  sharedLimits,
  wireLimits,
  lobbyLimits,
  groovejetLimits,
  edgeLimits,
  objectLimits,
  holderLimits,
  platformLimits,
  socketRelayLimits,
] as const;

type NamesOf<Table> = Table extends unknown ? keyof Table : never;
export type ServerLimit = NamesOf<(typeof tables)[number]>;

export function setServerLimit(name: string, value: number): void {
  const table = tables.find((one) => Object.hasOwn(one, name));
  if (table === undefined) throw new Error(`no limit of the server is called ${name}`);
  Object.assign(table, { [name]: value });
}
