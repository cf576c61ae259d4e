/** The one class that the floor's Worker takes from its platform, for a program that is compiled with Node's types. */
declare module "cloudflare:workers" {
  export const DurableObject: typeof import("@cloudflare/workers-types").CloudflareWorkersModule.DurableObject;
}
