import { DurableObject } from "cloudflare:workers";

export * from "./worker.js";
export { default } from "./worker.js";
export class Relay extends DurableObject {}
export class Stats extends DurableObject {}
