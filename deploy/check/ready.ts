/** Whether the server is ready for players, by its own word at `/healthz`, and whether its clock is right. */
import * as z from "zod";
import manifest from "../../package.json" with { type: "json" };
import type { Check, Result } from "./finding.ts";
import { at } from "./visitor.ts";

/** What these checks were written for. */
const { version } = manifest;
/** Milliseconds to wait for an answer. */
const patienceMs = 10_000;
/** Milliseconds by which two clocks may differ: the header Date has whole seconds, and an answer takes a while. */
const clockMs = 30_000;

const ready = z.object({ status: z.literal("ready"), version: z.string(), sidecars: z.int().min(0) });
const notReady = z.object({ status: z.literal("not_ready"), codes: z.array(z.string()) });

export type Health = z.infer<typeof ready>;

/** What a server has said of itself. */
export class Readiness {
  /** Null until it has said that it is ready. */
  health: Health | null = null;
  #date: { told: number; here: number } | null = null;

  /** Asks. The other checks go by the answer. */
  isReady(server: URL): Check {
    return {
      name: "ready",
      look: async (): Promise<Result> => {
        let response: Response;
        let text: string;
        try {
          response = await fetch(at(server, "/healthz"), { signal: AbortSignal.timeout(patienceMs) });
          text = await response.text();
        } catch (error) {
          const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
          const why = cause instanceof Error ? cause.message : String(cause);
          return {
            verdict: "wrong",
            code: "unreachable",
            what: `Nothing answers: ${why || "no connection"}.`,
          };
        }
        const date = Date.parse(response.headers.get("date") ?? "");
        if (!Number.isNaN(date)) this.#date = { told: date, here: Date.now() };
        const said = parsed(text);
        const isReady = ready.safeParse(said);
        if (isReady.success) {
          this.health = isReady.data;
          const colo = response.headers.get("cf-ray")?.split("-")[1];
          const where = colo ? ` Cloudflare answers, in ${colo}.` : "";
          return { verdict: "ok", what: `Version ${isReady.data.version} is ready for players.${where}` };
        }
        const isNot = notReady.safeParse(said);
        if (!isNot.success) {
          const what = `GET /healthz was answered with status ${response.status}, and not by Orion Edge.`;
          return { verdict: "wrong", code: "not_orion", what };
        }
        const code = isNot.data.codes.includes("not_configured") ? "not_configured" : "unavailable";
        return { verdict: "wrong", code, what: `The server is not ready: ${isNot.data.codes.join(", ")}.` };
      },
    };
  }

  sameVersion(): Check {
    return {
      name: "version",
      look: async () => {
        const theirs = this.health?.version;
        return theirs === version
          ? { verdict: "ok", what: `The server and these checks are both of version ${version}.` }
          : {
              verdict: "note",
              code: "version_differs",
              what: `The server is of version ${theirs}, and these checks of ${version}.`,
            };
      },
    };
  }

  sameClock(): Check {
    return {
      name: "clock",
      look: async () => {
        if (!this.#date) return { verdict: "ok", what: "The server does not tell its time." };
        const apart = Math.abs(this.#date.told - this.#date.here);
        return apart > clockMs
          ? {
              verdict: "wrong",
              code: "clock_skew",
              what: `The clocks of this machine and of the server differ by ${Math.round(apart / 1000)} s.`,
            }
          : { verdict: "ok", what: "The clocks of this machine and of the server agree." };
      },
    };
  }

  /** `wanted`: how many sidecars there should be; null if the operator has not said. */
  hasSidecars(wanted: number | null): Check {
    return {
      name: "sidecars",
      look: async () => {
        const count = this.health?.sidecars ?? 0;
        const what = `The server knows ${count} sidecar${count === 1 ? "" : "s"} that ${count === 1 ? "is" : "are"} alive`;
        if (wanted !== null && count < wanted)
          return { verdict: "wrong", code: "sidecars_missing", what: `${what}, of ${wanted}.` };
        if (count === 0 && wanted === null) return { verdict: "note", code: "no_sidecar", what: `${what}.` };
        return { verdict: "ok", what: `${what}.` };
      },
    };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
