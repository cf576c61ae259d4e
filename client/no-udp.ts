/** A client without UDP cannot take part in a mediation. It says so at once, so that nobody waits for it. */
import type { Cause } from "../core/link/cause.ts";
import type { Session } from "../session/session.ts";

const cause: Cause = "no-udp";

/**
 * Answers every mediation once, however often the server asks for a datagram. A plain Orion server names no
 * mediation and knows no such answer: it hears nothing.
 */
export function declineMediations(session: Session): void {
  let declined: string | undefined;
  session.listen((event) => {
    if (event.kind !== "mediation") return;
    const { method, payload } = event.message;
    if (method !== "ptpMediation_send" || payload.mediation === undefined) return;
    const { mediation } = payload;
    if (mediation === declined) return;
    declined = mediation;
    session.say("ptpMediation_peersConnection_failure", { mediation, cause, peers: [] });
  });
}
