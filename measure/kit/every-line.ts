/** Runs in the Worker of most test servers: every line is logged, also those that a deployment would only count. */
import { platformLimits } from "../../worker/platform/limits.ts";

Object.assign(platformLimits, {
  refusalLineBurst: 1e9,
  refusalLinesPerSecond: 1e9,
  lobbyLineBurst: 1e9,
  lobbyLinesPerSecond: 1e9,
  faultLineBurst: 1e9,
  faultLinesPerSecond: 1e9,
});
