/** What a game gives: the class of any implementation of WebRTC's standard, as that declares it. In a file of its own, for the SDK's types. */
export type RtcPeerConnectionClass = new (...parameters: never[]) => object;
