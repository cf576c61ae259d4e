/** Frames that this isolate has sent on WebSockets. */
let sent = 0;

const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (this: WebSocket, ...frame: Parameters<typeof send>) {
  sent += 1;
  return Reflect.apply(send, this, frame);
};

export function framesSent(): number {
  return sent;
}
