/** One end of a link by itself, for tests that say what comes in. */
import type { Endpoint } from "../../../core/endpoint.ts";
import type { LinkConfig } from "../../../core/link/config.ts";
import type { LinkStep } from "../../../core/link/draft.ts";
import type { LinkEffect } from "../../../core/link/effect.ts";
import type { LinkEvent } from "../../../core/link/event.ts";
import { linkLimits } from "../../../core/link/limits.ts";
import { openLink, step, wakeAt } from "../../../core/link/step.ts";

export const noon = 1_000_000;
export const sidecar: Endpoint = { ip: "198.51.100.7", port: 5990 };
export const peerEndpoint: Endpoint = { ip: "203.0.113.2", port: 40_002 };

/** What the shell computes with a secret, more or less. */
export function skipAfter(number: number): number {
  const mixed = Math.imul(((number + 1) % 2 ** 32) ^ (number >>> 15), 2_246_822_519);
  return ((mixed ^ (mixed >>> 13)) >>> 0) % linkLimits.skippedNumbers;
}

export const config: LinkConfig = {
  side: "a",
  seed: 1,
  skipAfter,
  you: { endpoint: { ip: "203.0.113.1", port: 40_001 }, mapping: "endpoint-independent" },
  peer: {
    endpoint: peerEndpoint,
    proven: true,
    ports: [40_002, 40_002],
    mapping: "endpoint-independent",
    candidates: [],
  },
  own: [{ address: "192.168.1.10", prefixLength: 24 }],
  ownPorts: [40_000],
  noUdp: null,
  sidecar,
  relay: true,
  channels: [],
  relayOnly: false,
  hasV6: false,
};

/** What comes of these events, each at its time after noon in milliseconds, with every deadline kept in between. */
export function play(config: LinkConfig, events: readonly { at: number; event: LinkEvent }[], until = 0) {
  let link = openLink(config, noon);
  const effects: { at: number; effect: LinkEffect }[] = [];
  const add = (at: number, step: LinkStep) => {
    link = step;
    effects.push(...step.effects.map((effect) => ({ at: at - noon, effect })));
  };
  const wait = (until: number) => {
    for (let at = wakeAt(link.state); at <= until; at = wakeAt(link.state)) {
      add(at, step(link.state, { kind: "deadline-passed" }, at));
    }
  };
  add(noon, link);
  for (const { at, event } of events) {
    wait(noon + at);
    add(noon + at, step(link.state, event, noon + at));
  }
  wait(noon + until);
  return { state: link.state, effects };
}

/** The packets that were sent. */
export function sent(effects: readonly { effect: LinkEffect }[]): Extract<LinkEffect, { kind: "send" }>[] {
  return effects.map(({ effect }) => effect).filter((effect) => effect.kind === "send");
}

/** A check of the peer's. */
export function check(number: number, remote = peerEndpoint): LinkEvent {
  return { kind: "check-received", number, local: "v4", remote };
}

/** An answer of the peer's. */
export function answer(number: number, remote = peerEndpoint): LinkEvent {
  return { kind: "answer-received", number, local: "v4", remote };
}
