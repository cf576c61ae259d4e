/** How a field of a schema says what is wrong with it. */
import * as z from "zod";
import type { ProblemCode } from "../problem.ts";
import { type Shape, wrong } from "../shape.ts";

/** A schema's field complains with one of our codes as its message. */
export function field(code: ProblemCode): { error: ProblemCode } {
  return { error: code };
}

/** The field that a shape describes, for schemas of the server. */
export function fieldOf<T>(shape: Shape<T>, code?: ProblemCode): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const read = shape(value);
    if (read !== wrong) return read;
    context.addIssue({ code: "custom", ...(code && { message: code }) });
    return z.NEVER;
  });
}
