/**
 * The keys of the operator's view. They are secrets of their own, and open nothing else: one to look, and one to look and act. A deployment
 * without either has no such view, and keeps no statistics.
 */
import { type OperatorKeyName, operatorKeyMistake } from "../../core/operator-key.ts";
import { sameText, secretText } from "../../core/token.ts";
import type { Env } from "./env.ts";
import { secretsOf } from "./keys.ts";
import { logFault } from "./log.ts";

/** What somebody with a key may do. */
export type Rights = "look" | "act";

/** The keys that can be used. */
type Keys = { look: string | null; act: string | null };
const known = new WeakMap<Env, Keys>();

function keysOf(env: Env): Keys {
  const before = known.get(env);
  if (before) return before;
  const keys = {
    look: usable(env, "ORION_OPERATOR_KEY"),
    act: usable(env, "ORION_OPERATOR_WRITE_KEY"),
  };
  known.set(env, keys);
  return keys;
}

/** A key that is no good counts as none, and the log says why. */
function usable(env: Env, name: OperatorKeyName): string | null {
  const key = secretText(env[name]);
  if (key === "") return null;
  const why = operatorKeyMistake(name, key, secretsOf(env));
  if (why === null) return key;
  logFault("operator_key_unusable", { why });
  return null;
}

/** Whether this deployment has an operator's view. */
export function hasOperatorView(env: Env): boolean {
  const { look, act } = keysOf(env);
  return look !== null || act !== null;
}

/** What the holder of this key may do; null if it is no key. It takes the same time for all keys of one length. */
export function rightsOf(env: Env, given: string): Rights | null {
  const { look, act } = keysOf(env);
  const mayLook = look !== null && sameText(given, look);
  const mayAct = act !== null && sameText(given, act);
  return mayAct ? "act" : mayLook ? "look" : null;
}

/** Whether statistics are kept: somebody can look at them. */
export function keepsStats(env: Env): boolean {
  return env.STATS !== undefined && (hasOperatorView(env) || env.keepStats === "on" || !!env.ANALYTICS);
}
