/** How a client reaches the server. Browsers, and programs with players of their own, do it plainly. A gateway proves for whom it asks. */
export type Transport = {
  /** A WebSocket that is being opened. */
  socket(url: URL): WebSocket;
  /** Headers of an HTTP request, besides those that it has anyway. */
  headers(method: string, url: URL): Record<string, string>;
  /** Milliseconds between two pings; undefined: as the server says. */
  pingMs?: number | undefined;
  /** Does it when it may be done. A client that comes back does each attempt so; undefined: at once. */
  paced?<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T>;
};

export const plainTransport: Transport = {
  socket: (url) => new WebSocket(url),
  headers: () => ({}),
};
