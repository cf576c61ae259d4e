/** The second file of the SDK for browsers: lobbies, and all that links between their players are made of. `browser.ts` loads it while it connects. */
import { newCheckAllowance } from "../core/link/unproven.ts";
import { webCrypto } from "./crypto/web.ts";
import type { LinkPlatform } from "./link/platform.ts";
import { LinkedLobby } from "./linked-lobby.ts";
import type { Opening } from "./orion.ts";
import { tellVisibility } from "./page-visibility.ts";
import type { NewConnection } from "./webrtc/standard.ts";

/** What makes the lobbies of a client. Null: there is no WebRTC here. */
export function pageLobbies(webRtc: NewConnection | null): (opening: Opening) => LinkedLobby<never> {
  const checks = newCheckAllowance(performance.now());
  const platform: LinkPlatform<never> = { crypto: webCrypto, checks, udp: null, webRtc };
  return (opening) => {
    tellVisibility(opening.session);
    return new LinkedLobby(opening, platform);
  };
}
