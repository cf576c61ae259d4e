/**
 * How the packets of a link go, the best first: within a network that the two share, straight, through a TURN server, through a
 * sidecar's relay, through the relay over WebSocket.
 */
export const pathKinds = ["lan", "direct", "turn", "relay", "websocket"] as const;
