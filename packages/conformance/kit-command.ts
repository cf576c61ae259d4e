/** Stands in for conformance/kit-command.ts in the package. */
export const command = "npx orion-edge-conformance";
