import { retryable } from "cloudflare:durable-objects";
import type { Inspection } from "../../core/lobby/inspection.ts";
import type { Leads } from "../../core/lobby/request.ts";
import type { Member } from "../../core/lobby/state.ts";
import { type Outcome, type ProblemCode, refuse } from "../../core/problem.ts";
import type { HostAnswer, JoinAnswer, ResumeAnswer } from "../../core/wire/http.ts";
import type { Env } from "../platform/env.ts";
import { logFault } from "../platform/log.ts";
import type {
  Admission,
  AskCall,
  Costing,
  LobbyPort,
  OpenCall,
  OperatorWish,
  ReturnCall,
  StartCall,
  SteerCall,
  WishAnswer,
} from "../platform/ports.ts";
import { Holder } from "../sessions/holder.ts";
import type { Session } from "../sessions/session.ts";
import { objectLimits } from "./limits.ts";
import { LobbyMachine } from "./lobby-machine.ts";

/** What a client that is given to a lobby's object wants: the path of the request to the object. */
export const toHost = "/host";
export const toJoin = "/join";

/**
 * One lobby, named by its code. It owns the WebSockets of members that connected on its path, and its mediation. Its name
 * may be asked for when there is no such lobby: then it only reads, and leaves nothing behind.
 */
export class Lobby extends Holder implements LobbyPort {
  static {
    const { open, enter, refusedBy, comeBack, start, steer, ask, isMember, isListed } = Lobby.prototype;
    retryable(open, enter, refusedBy, comeBack, start, steer, ask, isMember, isListed);
  }

  protected override readonly lobbyHere: LobbyMachine;
  /** When strangers were last looked for, in milliseconds since 1970. */
  #lookedAt = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const remote = this.remote;
    this.lobbyHere = new LobbyMachine({
      env,
      lobbyId: this.holder,
      storage: ctx.storage,
      wakeUp: this.wakeUp,
      connections: this.connections,
      send: (name, delivery) => this.send(name, delivery),
      get callsCaused() {
        return remote.callsCaused;
      },
      willCall: (calls) => remote.willCall(calls),
      over: () => this.#tidy(),
    });
    try {
      this.lobbyHere.revive();
    } catch (error) {
      // A constructor that throws would throw at each wake, and may cost the sockets.
      logFault("lobby_revival_failed", { lobbyId: this.holder }, error);
    }
  }

  /** Takes the socket of a client that means this lobby; 404 if there is no such lobby, 409 if there is no room. */
  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const opensHere = pathname === toHost;
    this.connections.stir();
    if (!opensHere && !this.lobbyHere.isOpen) return new Response(null, { status: 404 });
    const hasRoom = () =>
      opensHere
        ? this.lobbyHere.isFree && this.connections.size === 0
        : this.lobbyHere.isOpen && this.#strangers < objectLimits.strangersHeld;
    return await this.admit(request, hasRoom, { opensHere });
  }

  async open(call: OpenCall): Promise<Outcome<Admission<HostAnswer>>> {
    const { host } = call;
    // Somebody who is gone may keep the code.
    this.connections.stir();
    const isOwn = host.holder === this.holder || this.lobbyHere.isMadeBy(host);
    // Clients of a former lobby of this code, or one that is about to host here.
    if (!isOwn && this.connections.size > 0) return refuse("code_taken");
    return await this.lobbyHere.open(call);
  }

  async enter(member: Member, password?: string, leads?: Leads): Promise<Outcome<Admission<JoinAnswer>>> {
    // Somebody who is gone may hold the place, or the name.
    this.connections.stir(this.connections.get(member.clientId));
    return await this.lobbyHere.enter(member, password, leads);
  }

  async refusedBy(leads?: Leads): Promise<ProblemCode | null> {
    // Somebody who is gone may hold the place.
    this.connections.stir();
    return await this.lobbyHere.refusedBy(leads);
  }

  async comeBack(call: ReturnCall): Promise<Outcome<Admission<ResumeAnswer>>> {
    this.connections.stir(this.connections.get(call.session));
    return await this.lobbyHere.comeBack(call);
  }

  async ask(call: AskCall): Promise<Costing<WishAnswer>> {
    return await this.lobbyHere.ask(call);
  }

  async start(call: StartCall): Promise<Costing<null>> {
    return await this.lobbyHere.start(call);
  }

  async steer(call: SteerCall): Promise<Costing<null>> {
    return await this.lobbyHere.steer(call);
  }

  async isMember(clientId: string, incarnation: string): Promise<boolean> {
    return await this.lobbyHere.isMember(clientId, incarnation);
  }

  async isListed(game?: string | null): Promise<boolean> {
    return await this.lobbyHere.isListed(game);
  }

  async operate(wish: OperatorWish): Promise<Outcome<Inspection | null>> {
    this.connections.stir();
    return await this.lobbyHere.operate(wish);
  }

  /** If the object ends in the middle of this, the platform repeats it. */
  override async alarm(): Promise<void> {
    try {
      await super.alarm();
      await this.lobbyHere.alarm();
    } catch (error) {
      logFault("alarm_failed", { lobbyId: this.holder }, error);
    } finally {
      this.lobbyHere.seeToAlarm();
      this.#tidy();
    }
  }

  protected override ended(session: Session, hasLeft: boolean): void {
    super.ended(session, hasLeft);
    this.#tidy();
  }

  /**
   * Closes strangers that have had their time to join. No timer does: whatever else happens here is early enough, and a newcomer that
   * needs one of their places is such a thing. When no lobby is open here, they are in nobody's way.
   */
  protected override stirred(acting: Session | undefined): void {
    const now = Date.now();
    if (!this.lobbyHere.isOpen || Math.abs(now - this.#lookedAt) < objectLimits.strangerLookMs) return;
    this.#lookedAt = now;
    const overdue = [...this.connections].filter(
      (session) =>
        session !== acting &&
        session.lobbyId === undefined &&
        !session.hasJoined &&
        session.openedAt + objectLimits.strangerMs <= now,
    );
    if (overdue.length > 0) this.connections.expelAll(overdue, "not_joined");
  }

  /**
   * Whether an alarm that may come is for clients here: it looks for those that fall silent, and cleans up when they are gone. One from before
   * a sleep is, because that of a lobby is deleted when the lobby is over.
   */
  get #isAlarmWanted(): boolean {
    const { isPending, isAskedFor } = this.wakeUp;
    return isPending && (!isAskedFor || this.connections.hasPinging);
  }

  /** Sessions here that are in no lobby, or in another. */
  get #strangers(): number {
    return [...this.connections].filter(({ lobbyId }) => lobbyId !== this.holder).length;
  }

  /**
   * Nobody can list objects: what an object keeps when its lobby is over and its clients are gone would be kept for ever. So would, for
   * hours, an alarm of the lobby that is over, if the object ended and its clients were lost: nobody is told of that.
   */
  #tidy(): void {
    if (!this.lobbyHere.isFree) return;
    if (this.connections.sessions > 0 && this.#isAlarmWanted) {
      this.lobbyHere.deleteRow();
      return;
    }
    if (!this.lobbyHere.isStored && !this.wakeUp.isStored) return;
    const failed = (error: unknown) => logFault("lobby_deletion_failed", { lobbyId: this.holder }, error);
    this.ctx.storage.deleteAll().catch(failed);
    this.lobbyHere.deleted();
    this.wakeUp.deleted();
  }
}
