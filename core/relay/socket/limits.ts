/** What a relay over WebSocket carries: for one link, for one member, and in all. Each relay is an object of its own. */
export const socketRelayLimits = {
  /** Members of one relay. A larger lobby has several relays. */
  socketRelayMembers: 16,
  /** Frames a second that one relay takes from all its members together: an object stands some 1 000 requests a second. */
  socketRelayFrames: 500,
  /** Frames a second that it takes from one member: a host of 15 guests that sends 15 times a second to each by itself, instead of all in one frame. */
  socketRelayMemberFrames: 250,
  /** Milliseconds of these rates, and of a link's, that may come at once. */
  socketRelayBurstMs: 2_000,
  /** Part of what a relay takes at once that is kept for members within an equal share. */
  socketRelayReserve: 1 / 2,
  /** Milliseconds of its share that such a member may send at once. */
  socketRelayShareMs: 250,
  /** Frames that are dropped of a member that goes on, until its socket is closed. */
  socketRelayFramesDropped: 2_000,
  /** Bytes of a frame, in or out: 15 of the longest packets, and a receipt. */
  socketRelayFrameBytes: 20 * 1024,
  /** Bytes a second of a link, each way: six times what a typical game needs. */
  socketRelayLinkRate: 64 * 1024,
  /** Frames a second that carry a link's packets to one of its ends. Beyond that, several packets share a frame. */
  socketRelayLinkFrames: 60,
  /** The same at once. */
  socketRelayLinkFrameBurst: 60,
  /** `relay_bind` that a member may say at once. Each ticket costs an HMAC. */
  socketRelayBinds: 8,
  /** The same a second, for long. Tickets are renewed every few minutes. */
  socketRelayBindsPerSecond: 1 / 2,
  /** Milliseconds without a frame or a ping of a member after which it is sent nothing. */
  socketRelaySilentMs: 10_000,
  /** Bytes that may wait in the object for a member to read them, where the platform says how many do. Then packets are held back. */
  socketRelayWaitingBytes: 16 * 1024,
  /** Packets of a link that are held back for one end, the newest. Older ones are worth nothing by then. */
  socketRelayHeld: 8,
  /** Bytes of these. All of a full relay: 1.2 MB. */
  socketRelayHeldBytes: 5 * 1024,
  /** Milliseconds after which one that is held back is dropped: a game has sent newer ones. */
  socketRelayHeldMs: 1_000,
  /** Bytes that may be under way to a member, without a receipt, at first. */
  socketRelayWindow: 32 * 1024,
  /** The same when its network turns out to be slow: three packets. */
  socketRelayLeastWindow: 4 * 1024,
  /** The same when it is fast: a second of two links that send all they may. */
  socketRelayMostWindow: 128 * 1024,
  /** Milliseconds by which a receipt may take longer than the fastest one. Beyond that packets queue on the way, and fewer may be under way. */
  socketRelayQueueMs: 250,
  /** Milliseconds for which the fastest receipt counts: then the network may be another. */
  socketRelayPathMs: 30_000,
  /** Milliseconds without a receipt for what was sent after which a member's socket is closed: it does not read. */
  socketRelayDeafMs: 30_000,
  /** Milliseconds between two notices of one kind to one member, about one link. */
  socketRelayNoticeMs: 1_000,
  /** Removals that a relay remembers: those of a lobby's last minutes. */
  socketRelayRemovals: 32,
} as const;
