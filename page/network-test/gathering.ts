/** What a browser's WebRTC finds out of its network: the candidates that it gathers with some STUN servers. */
import { type Candidate, readCandidate } from "./candidate.ts";
import { testLimits } from "./limits.ts";
import type { Gathered } from "./verdict.ts";

export function hasWebRtc(): boolean {
  return typeof globalThis.RTCPeerConnection === "function";
}

/**
 * Gathers with these servers, until all have answered or the time is up. Never throws: where the browser does not let it, there are no
 * candidates.
 */
export async function gather(urls: readonly string[], signal: AbortSignal): Promise<Gathered> {
  const candidates: Candidate[] = [];
  let answeredMs: number | null = null;
  let isComplete = false;
  let errors = 0;
  let connection: RTCPeerConnection | null = null;
  const began = performance.now();
  try {
    const made = new RTCPeerConnection({ iceServers: urls.map((url) => ({ urls: url })) });
    connection = made;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const patience = AbortSignal.any([signal, AbortSignal.timeout(testLimits.gatherMs)]);
    patience.addEventListener("abort", () => resolve());
    if (patience.aborted) resolve();
    made.onicecandidate = ({ candidate }) => {
      const read = candidate && readCandidate(candidate.candidate);
      if (!read) return;
      candidates.push(read);
      if (read.kind === "srflx") answeredMs ??= performance.now() - began;
    };
    made.onicecandidateerror = () => {
      errors += 1;
    };
    made.onicegatheringstatechange = () => {
      if (made.iceGatheringState !== "complete") return;
      isComplete = true;
      resolve();
    };
    made.createDataChannel("network test");
    await made.setLocalDescription();
    await done;
  } catch {
    // A browser, or what watches over it, forbids WebRTC. What there is says so.
  } finally {
    connection?.close();
  }
  return { candidates, isComplete, errors, answeredMs };
}
