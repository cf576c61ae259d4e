/** Refusals as people see them. Programs get the same status and code as JSON. */
import { type ProblemCode, problems } from "../../core/problem.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import { codesOf } from "./http.ts";
import { asPage, readFile } from "./page.ts";

/** What page/site/error.html is in this deployment. The same for everybody, so an isolate keeps it. */
let template: string | null = null;

/** The refusal as a page, if a person asked for one in a browser. Any other answer, as it is. Nothing of the request is in the page. */
export async function forPeople(request: Request, env: Env, response: Response): Promise<Response> {
  const codes = codesOf(response);
  if (!codes || !wantsPage(request)) return response;
  try {
    template ??= (await (await readFile(env, "error.html"))?.text()) ?? null;
  } catch (error) {
    logFault("page_unreachable", {}, error);
  }
  if (template === null) return response;
  await response.body?.cancel();
  return asPage(response, filled(template, response.status, codes));
}

/**
 * Whether a browser asks for a page to show. Browsers say so themselves (`Sec-Fetch-Mode`), but not to servers without TLS in a network. There,
 * a request that names HTML and likes it better than JSON is one of a browser.
 */
function wantsPage({ method, headers }: Request): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  if ((headers.get("sec-fetch-mode") ?? "navigate") !== "navigate") return false;
  const accepted = headers.get("accept") ?? "";
  return weightOf(accepted, "text/html") > weightOf(accepted, "application/json");
}

/** How much is liked what is named there: 0 to 1, and 0 for a type that is not named itself. */
function weightOf(accepted: string, type: string): number {
  for (const part of accepted.split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    return Number(weight) || 0;
  }
  return 0;
}

function filled(text: string, status: number, codes: readonly ProblemCode[]): string {
  const words: Record<string, string> = {
    status: String(status),
    code: codes.join(" "),
    sentence: codes.map((code) => problems[code][1]).join(" "),
  };
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => escaped(words[name] ?? ""));
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
