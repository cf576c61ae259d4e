/** How long packets take through the server's relay: two players of this page meet in a private lobby in which nothing goes another way. */
import { connect, type Link } from "/sdk.js";
import type { RelayFound } from "./verdict.ts";

/** Milliseconds between two looks whether the round trip is known. */
const lookMs = 20;

/** Null if it did not work in time. Never throws. */
export async function measureRelay(server: URL, signal: AbortSignal): Promise<RelayFound | null> {
  const began = performance.now();
  const ends: { leave(): Promise<void> }[] = [];
  const links: Link[] = [];
  try {
    const [ours, theirs] = await Promise.all([connect(server, { signal }), connect(server, { signal })]);
    const wish = { name: "Network test", maxMembers: 2, privacy: "relay-only" } as const;
    const host = await ours.host({ ...wish, signal });
    ends.push(host);
    const guest = await theirs.join(host.code, { name: "Network test 2", signal });
    ends.push(guest);
    const both = await Promise.all([host.start({ signal }), guest.started({ signal })]);
    links.push(...both.flat());
    const [link] = links;
    while (link && !signal.aborted) {
      const { rttMs, path } = link;
      if (rttMs !== null) return { usableMs: performance.now() - began, rttMs, path };
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    return null;
  } catch {
    return null;
  } finally {
    for (const link of links) link.close().catch(() => {});
    for (const end of ends) end.leave().catch(() => {});
  }
}
