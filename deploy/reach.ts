/** Who answers at a URL, and whether the Worker gets the upgrades. */
import type { Check } from "./finding.ts";
import { inMs, median, timed } from "./finding.ts";
import { at, Visitor } from "./visitor.ts";

/** Milliseconds by which a lobby may answer later than the Worker: about 5 000 km. */
const farMs = 150;

export function answersPing(server: URL): Check {
  return {
    name: "ping",
    look: async () => {
      const response = await fetch(at(server, "/ping"));
      const text = (await response.text()).trim();
      if (text !== "pong") {
        return {
          verdict: "wrong",
          what: `GET /ping was answered with status ${response.status}, and not by Orion Edge.`,
        };
      }
      const colo = response.headers.get("cf-ray")?.split("-")[1];
      const where = colo ? `Cloudflare answers, in ${colo}.` : "The Worker answers, and not from Cloudflare.";
      return { verdict: "ok", what: where };
    },
  };
}

export function upgradesOnRoot(server: URL): Check {
  return {
    name: "upgrade on /",
    look: async () => {
      const visitor = await Visitor.connect(server, "/");
      visitor.leave();
      return {
        verdict: "ok",
        what: "A WebSocket opens on /, where Orion's clients open theirs: no static page is in its way.",
      };
    },
  };
}

export function isNearby(server: URL): Check {
  return {
    name: "location",
    look: async () => {
      const visitor = await Visitor.connect(server, "/lobbies");
      const [worker, lobby]: [number[], number[]] = [[], []];
      for (let i = 0; i < 7; i++) {
        worker.push((await timed(() => fetch(at(server, "/ping")).then((response) => response.text()))).ms);
        lobby.push((await timed(() => visitor.pings())).ms);
      }
      visitor.leave();
      const [near, far] = [median(worker), median(lobby)];
      const times = `The Worker answers in ${inMs(near)}, a new lobby in ${inMs(far)}.`;
      return far > near + farMs
        ? {
            verdict: "wrong",
            what: `${times} The lobby is far from its host: the platform did not take the location hint.`,
          }
        : { verdict: "ok", what: `${times} Lobbies live near their hosts.` };
    },
  };
}
