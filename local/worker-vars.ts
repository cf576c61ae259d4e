/** What `npm start` tells the Worker besides its settings (core/settings.ts). */
export type LocalVars = {
  /** The key of a request that stops the server. Random, and known to the process that started the Worker alone. */
  stopKey: string;
  /** WebSockets that may be open at a time. No bound without it. */
  mostSockets: string;
  /** `on`: the statistics are kept for the metrics. */
  keepStats: "on";
};

/** The header of a request that stops the server. Its value is the key. */
export const stopHeader = "orion-stop-key";
/** The same of a request for the statistics: they are the answer. */
export const statsHeader = "orion-stats-key";
