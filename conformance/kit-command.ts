/** How a person starts the kit in a clone. In the package `orion-edge-conformance`, packages/conformance/kit-command.ts stands in for this file. */
export const command = "npm run conformance --";
