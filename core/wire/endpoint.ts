/** Addresses and ports on the wire. */
import { fields, listOf, text, whole } from "../shape.ts";
import { wireLimits } from "./limits.ts";

export const portShape = whole(1, 65_535);
export const ipShape = text(45, 2, /^[\da-f.:]*$/i);
export const endpointShape = fields({ ip: ipShape, port: portShape });
/** Local addresses a client says it has. */
export const candidatesShape = listOf(endpointShape, wireLimits.candidates);
