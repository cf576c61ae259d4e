/** A player of the lab with the SDK in Node, in a namespace of its own. Its arguments are the server's URL, and `webrtc` if it has a stack for it. */
import { connect } from "../../client/index.ts";
import { playRuns } from "./conversation.ts";
import { byLines } from "./line-conversation.ts";
import { causeOf, orionPlayer } from "./orion-player.ts";

const [url = "", stack] = process.argv.slice(2);
const options = stack === "webrtc" ? await webRtc() : {};

await playRuns(
  byLines,
  orionPlayer((signal) => connect(url, { signal, ...options }), byLines),
  causeOf,
);
process.exit();

async function webRtc() {
  const { RTCPeerConnection } = await import("node-datachannel/polyfill");
  return { RTCPeerConnection };
}
