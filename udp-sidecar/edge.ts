/** Signed posts to the edge, over connections that are kept. */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ProblemCode } from "../core/problem.ts";
import type { SidecarKey } from "../core/sidecar-key.ts";
import { parseObject } from "../core/wire/codec.ts";
import { sidecarHeader, signatureHeader } from "../core/wire/sidecar-post.ts";
import { deriveKey, signPost } from "./keys.ts";
import { sidecarLimits } from "./limits.ts";

/** How the edge answered: `accepted` with its body, or why not. `isFinal`: the same post would never be. */
export type Reply = { accepted: true; body: string } | { accepted: false; why: Why; isFinal: boolean };

/**
 * Why a post was not accepted, for logs. `unreachable` has the system's word for it as its `reason`, `status` the one that came;
 * `another_secret` is the edge's 401, `another_time` its `stale_post`, `host_not_listed` its 403 of that name.
 */
export type Why = {
  code:
    | "no_answer"
    | "unreachable"
    | "cut_off"
    | "too_long"
    | "another_secret"
    | "another_time"
    | "host_not_listed"
    | "status"
    | "not_orion";
  reason?: string;
  status?: number;
};

export type Edge = {
  /** Posts JSON. Never throws: whatever goes wrong is a reply. */
  post(path: string, content: object): Promise<Reply>;
  close(): void;
};

/** Milliseconds until a post that is not answered is given up. */
const patienceMs = 5_000;
/** Bytes of an answer that are read: the longest honest one lists 500 indexes. */
const longestAnswer = 16 * 1024;
/** Of the answers that blame the client (4xx), those that another post would get as well, or that may change. */
const notOfContent = new Set([403, 404, 405, 408, 425, 429]);

export function connectEdge(url: URL, own: SidecarKey): Edge {
  const key = deriveKey(own, "post");
  const secure = url.protocol === "https:";
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const request = secure ? httpsRequest : httpRequest;

  /** By path: until when the edge has asked to wait, in milliseconds that never go back. */
  const waits = new Map<string, number>();

  const post = (path: string, content: object) =>
    new Promise<Reply>((resolve) => {
      const fail = (why: Why, isFinal = false) => resolve({ accepted: false, why, isFinal });
      if (performance.now() < (waits.get(path) ?? 0)) {
        fail({ code: "status", status: 429 });
        return;
      }
      const body = JSON.stringify(content);
      const sent = request(new URL(path, url), {
        agent,
        method: "POST",
        signal: AbortSignal.timeout(patienceMs),
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          [sidecarHeader]: own.name,
          [signatureHeader]: signPost(key, own.name, path, body),
        },
      });
      sent.on("error", (error: NodeJS.ErrnoException) =>
        fail(
          error.name === "AbortError"
            ? { code: "no_answer" }
            : { code: "unreachable", reason: error.code ?? error.name },
        ),
      );
      // Whatever else ends it, like an answer that wants another protocol (101): it must not end the waiting for one.
      sent.on("close", () => fail({ code: "cut_off" }));
      sent.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("error", () => fail({ code: "cut_off" }));
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length <= longestAnswer) return;
          fail({ code: "too_long" });
          // Without an error: an answer that came in one piece has no one left to hear it.
          sent.destroy();
        });
        response.on("end", () => {
          const { statusCode: status = 0, headers } = response;
          if (status === 429) waits.set(path, performance.now() + waitMs(headers["retry-after"]));
          if (status === 200) resolve({ accepted: true, body: text });
          else if (status === 401) fail({ code: "another_secret" });
          else if (status === 400 && says(text, "stale_post")) fail({ code: "another_time" }, true);
          else if (status === 403 && says(text, "host_not_listed")) fail({ code: "host_not_listed" });
          else fail({ code: "status", status }, status >= 400 && status < 500 && !notOfContent.has(status));
        });
      });
      sent.end(body);
    });

  return { post, close: () => agent.destroy() };
}

/** Milliseconds that the edge asks to wait. Whatever stands there, a sidecar is not silent for longer than it says. */
function waitMs(retryAfter: string | undefined): number {
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : 1;
  return Math.min(seconds * 1000, sidecarLimits.longestWaitMs);
}

/** Whether this is among the reasons for which the edge refuses a post. */
function says(text: string, code: ProblemCode): boolean {
  const { codes } = parseObject(text) ?? {};
  return Array.isArray(codes) && codes.includes(code);
}
