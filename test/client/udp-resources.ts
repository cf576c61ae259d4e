/** Whether a mediation leaves UDP sockets behind. */
import { expect, onTestFinished, vi } from "vitest";

/** However a test ends: as many UDP sockets are open at its end as are when this is called, before any test. */
export function watchUdpSockets(): () => void {
  const before = udpSockets();
  return () => {
    // The last thing of each: what a test has opened itself is closed then.
    onTestFinished(() => vi.waitFor(() => expect(udpSockets()).toBe(before)));
  };
}

function udpSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "UDPWrap").length;
}
