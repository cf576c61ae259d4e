/** How a field of a schema says what is wrong with it. Nothing here changes zod for the whole program: the SDK imports it. */
import type { ProblemCode } from "../problem.ts";

/** A schema's field complains with one of our codes as its message. */
export function field(code: ProblemCode): { error: ProblemCode } {
  return { error: code };
}
