/**
 * Runs in every test file (vitest.config.ts): whoever waits for what has to come, and names no time, waits for as long as a
 * busy machine may need. `expect.poll` has the same by its setting there.
 */
import { vi } from "vitest";
import { patienceMs } from "./patience.ts";

const { waitFor, waitUntil } = vi;
const patient = (options: Parameters<typeof waitFor>[1] = {}) => {
  const own = typeof options === "number" ? { timeout: options } : options;
  return { timeout: patienceMs, ...own };
};
vi.waitFor = (look, options) => waitFor(look, patient(options));
vi.waitUntil = (look, options) => waitUntil(look, patient(options));
