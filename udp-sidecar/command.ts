/** How a person starts the sidecar in a clone. In the package `orion-edge-sidecar`, packages/sidecar/command.ts stands in for this file. */
export const command = "npm run sidecar --";
