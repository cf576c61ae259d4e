/** How many runs of the kit are played at a time: most of a run is waiting, but not where others use the machine as well. */
import { availableParallelism, loadavg } from "node:os";

const [load = 0] = loadavg();

export const parallelRuns = load > 4 * availableParallelism() ? 3 : 20;
