/** Stands in for udp-sidecar/command.ts in the package. */
export const command = "npx orion-edge-sidecar";
