/** The SDK for Node and Electron: lobbies, and links between their players. */
export * from "./browser.ts";
