/** How a person starts these programs in a clone. In the package `orion-edge`, packages/server/commands.ts stands in for this file. */
export const commands = {
  start: "npm start",
  /** Before options. */
  startWith: "npm start --",
  /** Lets players meet on a server. */
  demo: "npm run demo",
  /** Before the URL of a server. */
  demoWith: "npm run demo --",
};
