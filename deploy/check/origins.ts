/** Which web pages the server lets in. */
import type { Check } from "./finding.ts";
import { askForUpgrade } from "./upgrade.ts";
import { at } from "./visitor.ts";

/** Of a page that nobody can have: names in .invalid never exist (RFC 2606). */
const foreign = "https://page-of-somebody-else.invalid";

/** Whether a page of this origin may open WebSockets and read answers. */
export function mayUse(server: URL, origin: string): Check {
  return {
    name: "origin",
    look: async () => {
      const { status } = await askForUpgrade(server, "/lobbies", { Origin: origin });
      const refused = `Pages of ${origin} may not use the server: status ${status}.`;
      if (status !== 101) return { verdict: "wrong", code: "origin_refused", what: refused };
      const { headers } = await fetch(at(server, "/ping"), { headers: { Origin: origin } });
      const allowed = headers.get("access-control-allow-origin");
      return allowed === "*" || allowed === origin
        ? { verdict: "ok", what: `Pages of ${origin} may use the server.` }
        : {
            verdict: "wrong",
            code: "cors_header_wrong",
            what: `Pages of ${origin} may call, and their browsers keep the answers: Access-Control-Allow-Origin is ${allowed ?? "missing"}.`,
          };
    },
  };
}

export function refusesStrangers(server: URL): Check {
  return {
    name: "other origins",
    look: async () => {
      const { status } = await askForUpgrade(server, "/lobbies", { Origin: foreign });
      return status === 101
        ? { verdict: "note", code: "origin_any", what: "Pages of any web site may use the server." }
        : { verdict: "ok", what: "Pages of other web sites may not use the server." };
    },
  };
}
