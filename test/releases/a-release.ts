/** The release before this one, as `test/releases/0.1.0/` keeps it. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Link, Lobby } from "../../client/index.ts";
import { type Server, type ServerOptions, startServer } from "../../local/server.ts";
import { noteSettings } from "../../measure/kit/whole-log.ts";
import { next, nextOn } from "../client/heard.ts";

const file = (name: string) => fileURLToPath(new URL(`0.1.0/${name}`, import.meta.url));

/** What this version's SDK and that of the release have in common. */
export type Sdk = Pick<typeof import("../../client/index.ts"), "connect">;

/** Its SDK for Node.js. */
export const oldSdk: Sdk = await import(file("client.js"));
/** Its sidecar, a program. */
export const oldSidecar = file("sidecar.js");

/** A deployment: its secret, its codes, and where it is. All its versions have the same. */
export type Deployment = Pick<ServerOptions, "httpPort" | "persist"> & { secret: string; codeKey: string };

export function newDeployment(where: { httpPort?: number; persist?: string } = {}): Deployment {
  const secret = randomBytes(32).toString("hex");
  noteSettings({ ORION_SECRET: secret });
  return { httpPort: 0, ...where, secret, codeKey: randomBytes(16).toString("hex") };
}

/** Runs a deployment's Worker, of this version or of the release, with this version's sidecar, or with none. */
export function startDeployment(
  version: "old" | "new",
  { codeKey, ...deployment }: Deployment = newDeployment(),
  udpPort: number | null = 0,
): Promise<Server> {
  const entry = version === "old" ? { entry: file("server.js") } : {};
  const vars = { codeKey, clientsPerLounge: 1 };
  return startServer({ ...deployment, ...entry, host: "127.0.0.1", udpPort, vars, logged: () => {} });
}

/** The host starts, a packet goes to and fro on the link, and the two ends of it are returned. */
export async function play(host: Lobby, guest: Lobby): Promise<[Link, Link]> {
  const [[atHost], [atGuest]] = await Promise.all([host.start(), guest.started()]);
  if (!atHost || !atGuest) throw new Error("no link");
  await Promise.all([hears(atHost, atGuest), hears(atGuest, atHost)]);
  return [atHost, atGuest];
}

/** A packet comes through. Packets may be lost, so it is sent until then. */
async function hears(from: Link, to: Link): Promise<void> {
  const heard = nextOn(to, "message");
  const sending = setInterval(() => from.send("hello"), 100);
  try {
    await heard;
  } finally {
    clearInterval(sending);
  }
}

/** One says something, and the other hears it. */
export async function chat(from: Lobby, to: Lobby, text: string): Promise<void> {
  const heard = next(to, "chat");
  await from.chat(text);
  const said = await heard;
  if (said.text !== text) throw new Error(`heard "${said.text}"`);
}
