/** Runs in the Worker before its code: what a network costs at the edge is taken out of its budget at once, so that it can be read there. */
import { edgeLimits } from "../../../worker/edge/limits.ts";

Object.assign(edgeLimits, { toldMicros: 0 });
