import { expect, test } from "vitest";
import type { LinkConfig } from "../../../core/link/config.ts";
import { causeInUse } from "../../../core/link/ladder.ts";
import { openLink, step } from "../../../core/link/step.ts";
import { answer, check, config, noon, sent, sidecar } from "./a-link.ts";

/** A link whose checks are answered by way of the relay, and nowhere else, for so many milliseconds. */
function relayed(config: LinkConfig, ms: number) {
  let { state } = openLink(config, noon);
  for (let now = noon; now <= noon + ms; now += 50) {
    const event = { kind: now === noon ? "relay-bound" : "deadline-passed", peer: true } as const;
    const taken = step(state, event, now);
    state = taken.state;
    for (const { number, remote } of sent(taken.effects.map((effect) => ({ effect })))) {
      if (remote.ip === sidecar.ip) state = step(state, answer(number, sidecar), now).state;
    }
  }
  return state;
}

test("a relayed link says at any time why it is not direct, as far as is known", () => {
  expect(causeInUse(openLink(config, noon).state)).toBeNull();
  expect(causeInUse(relayed(config, 0))).toBe("not-yet-direct");
  expect(causeInUse(relayed(config, 9_000))).toBe("not-yet-direct");
  expect(causeInUse(relayed(config, 11_000))).toBe("no-packets-received");
  const mapping = "endpoint-dependent";
  const you = { endpoint: { ip: "203.0.113.1", port: 40_001 }, mapping } as const;
  const both: LinkConfig = { ...config, you, peer: { ...config.peer, mapping } };
  expect(causeInUse(relayed(both, 0))).toBe("both-endpoint-dependent");
  expect(causeInUse(relayed({ ...config, relayOnly: true }, 0))).toBe("relay-only");
});

test("a link that is direct in the end has nothing to explain", () => {
  const at = noon + 15_010;
  const checked = step(relayed(config, 15_000), check(1), at);
  expect(causeInUse(checked.state)).toBe("one-way");
  const ours = sent(checked.effects.map((effect) => ({ effect }))).find(({ packet }) => packet === "check");
  const direct = step(checked.state, answer(ours?.number ?? 0), at + 20);
  expect(direct.effects).toContainEqual(expect.objectContaining({ kind: "use-path" }));
  expect(causeInUse(direct.state)).toBeNull();
});
