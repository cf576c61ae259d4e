/** Whose clients the players of the lab are: Orion Edge's own, in Node, in pages and in Godot, or those of another server for which its gateways stand. */
import type { Access } from "./access.ts";
import type { Pair } from "./pair.ts";

export const clientKinds = ["orion", "browsers", "mixed", "godot", "godot-mixed", "noray", "rabid"] as const;
export type ClientKind = (typeof clientKinds)[number];

/** The ports that these clients know by default. */
export const norayPorts = { tcp: 8890, registrar: 8809 };
export const rabidPort = 57775;

/** What a client of noray knows when no datagram of its own, or none of the server's, gets through. */
export const registrarSilent = "registrar_silent";

/** A player's script, what runs it, and what stands after the server in its arguments. */
export type PlayerProgram = { engine: "node" | "godot"; script: string; args: readonly string[] };

const inNode: PlayerProgram = { engine: "node", script: "measure/lab/node-player.ts", args: [] };
const inNodeWithWebRtc: PlayerProgram = { ...inNode, args: ["webrtc"] };
const inPage: PlayerProgram = { ...inNode, script: "measure/lab/browser-player.ts" };
const inGodot: PlayerProgram = { engine: "godot", script: "measure/lab/godot-player.gd", args: [] };

const inNoray: PlayerProgram = { ...inNode, script: "measure/lab/noray-player.ts" };
const inRabid: PlayerProgram = { ...inNode, script: "measure/lab/rabid-player.ts" };

const noGateways = ["--norayPort", "off", "--rabidPort", "off"];
const forPages = [...noGateways, "--allowedOrigin", "*"];

/** Kinds whose players have the SDK, so that they also play: all parts of the lab are for them. */
export function hasSdk(kind: ClientKind): boolean {
  return kind === "orion" || kind === "browsers" || kind === "mixed";
}

/** Kinds whose players have links, by the SDK or the Godot addon: they change to better paths, and every pair connects. */
export function hasLinks(kind: ClientKind): boolean {
  return hasSdk(kind) || hasGodot(kind);
}

/** Kinds with players in Godot. */
export function hasGodot(kind: ClientKind): boolean {
  return kind === "godot" || kind === "godot-mixed";
}

/** Kinds with players in pages. */
export function hasPages(kind: ClientKind): boolean {
  return kind === "browsers" || kind === "mixed";
}

/** How players of each kind are started, and what the server has to speak for them. `programs`: of the two players of a pair. */
export const clients: Record<
  ClientKind,
  { title: string; programs: readonly [PlayerProgram, PlayerProgram]; serverFlags: string[] }
> = {
  orion: { title: "the SDK in Node", programs: [inNode, inNode], serverFlags: noGateways },
  browsers: { title: "the SDK in pages, in Chromium", programs: [inPage, inPage], serverFlags: forPages },
  mixed: {
    title: "the SDK, one in a page and one in Node with node-datachannel",
    programs: [inNodeWithWebRtc, inPage],
    serverFlags: forPages,
  },
  godot: { title: "the addon in Godot 4", programs: [inGodot, inGodot], serverFlags: noGateways },
  "godot-mixed": {
    title: "the SDK in Node and the addon in Godot 4, one of each",
    programs: [inNode, inGodot],
    serverFlags: noGateways,
  },
  noray: {
    title: "clients that do what netfox does, step by step: connect, then connect-relay",
    programs: [inNoray, inNoray],
    serverFlags: [
      ...["--norayPort", String(norayPorts.tcp), "--norayRegistrarPort", String(norayPorts.registrar)],
      ...["--rabidPort", "off"],
    ],
  },
  rabid: {
    title: "clients that do what the plugin of Rabid Hole Punch does, step by step",
    programs: [inRabid, inRabid],
    serverFlags: ["--norayPort", "off", "--rabidPort", String(rabidPort)],
  },
};

const keepPorts: readonly Access[] = ["none", "full-cone", "port-restricted", "same-lan", "lossy"];

/**
 * Whether all NATs between the two keep the player's port, and one player reaches the other by its public address. All that noray's
 * `connect` and Rabid Hole Punch tell a player is that address.
 */
export function isPunchable({ a, b }: Pair): boolean {
  return keepPorts.includes(a) && keepPorts.includes(b) && !(a === "same-lan" && b === "same-lan");
}

/** Whether a player of this pair has no UDP at all. */
export function isBlocked({ a, b }: Pair): boolean {
  return a === "udp-dropped" || b === "udp-dropped";
}

/** What a client may say of a pair that does not connect, and be right. None where the pair should connect. */
export function rightCauses(kind: ClientKind, pair: Pair): readonly string[] {
  switch (kind) {
    case "orion":
    case "browsers":
    case "mixed":
    case "godot":
    case "godot-mixed":
      return [];
    case "noray":
      return isBlocked(pair) ? [registrarSilent] : [];
    case "rabid":
      if (isBlocked(pair)) return ["server_timeout"];
      return isPunchable(pair) ? [] : ["unreachable_self", "host_not_confirmed"];
  }
}
