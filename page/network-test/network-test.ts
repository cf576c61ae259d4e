/** The network test: what a player's browser and network let through, in six seconds at most. */
import { gather, hasWebRtc } from "./gathering.ts";
import { testLimits } from "./limits.ts";
import { measureRelay } from "./relay.ts";
import { visit } from "./server-visit.ts";
import {
  type Check,
  ipv6Check,
  localAddressesCheck,
  type NatKind,
  natCheck,
  natOf,
  relayCheck,
  reportOf,
  sentenceOf,
  type UdpFound,
  udpCheck,
  webRtcCheck,
  webSocketCheck,
} from "./verdict.ts";

export type { Check, CheckName, NatKind } from "./verdict.ts";

/** `sentence`: for the player. `report`: for a developer, with neither a token nor a whole address in it. */
export type NetworkTest = { sentence: string; report: string; checks: readonly Check[]; nat: NatKind };

/**
 * Tests the network between this page and a server: its base URL, or what `connect` returns. `onProgress` hears each check when it is done. Never throws, and ends
 * when `signal` does, with what it knows by then.
 */
export async function testNetwork(
  server: string | URL | { readonly url: URL },
  onProgress: (check: Check) => void = () => {},
  { signal }: { signal?: AbortSignal } = {},
): Promise<NetworkTest> {
  const given = typeof server === "object" && "url" in server ? server.url : server;
  const base = new URL(given, globalThis.location?.href);
  const deadline = AbortSignal.timeout(testLimits.wholeMs);
  const patience = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const checks: Check[] = [];
  const tell = (check: Check) => {
    // What has no result in time may yet get one.
    if (checks.some(({ name }) => name === check.name)) return;
    checks.push(check);
    onProgress(check);
  };
  const relayed = measureRelay(base, patience).then((found) => tell(relayCheck(found)));
  tell(webRtcCheck(hasWebRtc()));
  const { webSocket, stun } = await visit(base, patience);
  tell(webSocketCheck(webSocket));
  const asked = stun.slice(0, testLimits.stunServers);
  const found = hasWebRtc() ? await ask(asked, patience) : null;
  const nat = natOf(found);
  for (const check of [udpCheck(found), natCheck(nat), ipv6Check(found), localAddressesCheck(found)])
    tell(check);
  if (webSocket) await Promise.race([relayed, ended(patience)]);
  tell(relayCheck(null));
  const context = {
    at: new Date().toISOString(),
    server: base.origin,
    browser: globalThis.navigator?.userAgent ?? "unknown",
    stun: asked,
  };
  return { sentence: sentenceOf(checks, nat), report: reportOf(context, checks, nat, found), checks, nat };
}

/** Each server alone, and all with one connection, at the same time. */
async function ask(stun: readonly string[], signal: AbortSignal): Promise<UdpFound> {
  const sets = stun.length > 1 ? [...stun.map((url) => [url]), stun] : [stun];
  const gathered = await Promise.all(sets.map((urls) => gather(urls, signal)));
  const together = stun.length > 1 ? (gathered.at(-1) ?? null) : null;
  return { servers: stun.length, alone: together ? gathered.slice(0, -1) : gathered, together };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
