/** The shapes the rims share: how a zod schema's complaint becomes our codes, and the fields used in many places. */
import * as z from "zod";
import { accept, type Outcome, type ProblemCode, problems, refuse } from "../problem.ts";
import { field } from "./field.ts";
import { wireLimits } from "./limits.ts";

// Workers refuse to make code from strings, so zod must not try.
z.config({ jitless: true });

/** Names of lobbies and members: 1 to 50 word characters and spaces, the first a word character (Orion). */
export function nameField(code: ProblemCode) {
  return z
    .string(field(code))
    .max(wireLimits.nameLength, field(code))
    .regex(/^\w[\w ]*$/, field(code));
}

export const tokenField = z.string(field("invalid_token")).max(256, field("invalid_token"));

const resumeKeyShape = /^[\w-]{1,64}\.\d{1,6}\.[\w-]{22}$/;
/** A resume key (worker/platform/resume-key.ts makes them). */
export const resumeKeyField = z
  .string(field("invalid_resume_key"))
  .regex(resumeKeyShape, field("invalid_resume_key"));
/** Drawn by a client, so that the same request, repeated, gets the same answer. */
export const requestIdField = z
  .string(field("invalid_request_id"))
  .min(1, field("invalid_request_id"))
  .max(64, field("invalid_request_id"));
/** Of a member. Not only those that exist look like this. */
export const clientIdField = z
  .string(field("invalid_client"))
  .min(1, field("invalid_client"))
  .max(64, field("invalid_client"));
export const termField = z.int(field("invalid_term")).min(1, field("invalid_term")).optional();
export const versionField = z.int(field("invalid_version")).min(0, field("invalid_version")).optional();
export const gameField = z
  .string(field("invalid_game"))
  .regex(/^[\w.-]+$/, field("invalid_game"))
  .max(wireLimits.gameLength, field("invalid_game"));

/** The value, or every code the schema complained with, each once and in the order of the fields. */
export function check<T>(schema: z.ZodType<T>, input: unknown): Outcome<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return accept(parsed.data);
  const codes = parsed.error.issues.map(({ message }) => (isCode(message) ? message : "invalid_body"));
  return refuse(...new Set(codes));
}

function isCode(text: string): text is ProblemCode {
  return Object.hasOwn(problems, text);
}
