/** Runs in the Worker of some test servers: a platform that does not say what waits for a socket. */
Reflect.deleteProperty(WebSocket.prototype, "bufferedAmount");
