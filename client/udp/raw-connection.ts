/** What a game gets that has a UDP stack of its own. */
import type { Socket } from "node:dgram";
import type { Peer } from "../peer.ts";

/** A UDP socket that the server has seen, and who is to be reached from it. */
export type RawConnection = { socket: Socket; peers: Peer[] };
