/**
 * Static files that pages of all origins may load. A deployment serves them without the Worker: `run_worker_first` in wrangler.toml names them.
 * Under `npm start` the Worker passes them on.
 */
export const staticPaths = ["/sdk.js", "/sdk.js.map", "/sdk.d.ts", "/assets/:name"] as const;
