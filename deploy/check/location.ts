/** How far lobbies are from their hosts. */
import { type Check, inMs, median, timed } from "./finding.ts";
import { at, Visitor } from "./visitor.ts";

/** Milliseconds by which a lobby may answer later than the Worker: about 5 000 km. */
const farMs = 150;

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
            code: "lobbies_far",
            what: `${times} The lobby is far from its host: the platform did not take the location hint.`,
          }
        : { verdict: "ok", what: `${times} Lobbies live near their hosts.` };
    },
  };
}
