/** Our end of the relay, when its ticket is renewed. */
import { expect, test } from "vitest";
import type { LinkEvent } from "../../../core/link/event.ts";
import { check, config, noon, play, sidecar } from "./a-link.ts";

const relayed = { ...config, relayOnly: true, peer: { ...config.peer, endpoint: null } };
const renewed: LinkEvent = { kind: "ticket-renewed" };
const bindsAt = (effects: ReturnType<typeof play>["effects"]) =>
  effects.filter(({ effect }) => effect.kind === "bind-relay").map(({ at }) => at);

test("a later ticket is bound at once, and the path through the relay goes on", () => {
  const events: { at: number; event: LinkEvent }[] = [
    { at: 10, event: { kind: "relay-bound", peer: true } },
    { at: 20, event: check(1, sidecar) },
    { at: 3_000, event: renewed },
    { at: 3_010, event: { kind: "relay-bound", peer: true } },
  ];
  const { effects, state } = play(relayed, events, 3_020);
  expect(bindsAt(effects)).toEqual([0, 3_000]);
  expect(state.relay).toMatchObject({ bound: true, bindAt: noon + 13_010 });
});

test("an end whose ticket had expired is bound again with a later one", () => {
  const events: { at: number; event: LinkEvent }[] = [
    { at: 10, event: { kind: "relay-bound", peer: true } },
    { at: 3_000, event: { kind: "relay-refused", code: "ticket_expired" } },
    { at: 6_000, event: renewed },
  ];
  const { effects } = play(config, events, 6_001);
  expect(bindsAt(effects)).toEqual([0, 6_000]);
});

test("without a relay a ticket says nothing", () => {
  const { effects } = play({ ...config, relay: false }, [{ at: 10, event: renewed }], 20);
  expect(bindsAt(effects)).toEqual([]);
});
