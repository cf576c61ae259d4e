/**
 * What this object and others say to each other, in batches: news of members to their lobby, and deliveries from a lobby to
 * its members. One flight per pair (flights.ts); a batch that is repeated is answered again and not done again.
 *
 * Chat that goes back to where a batch came from goes with the answer: it needs no call of its own.
 */
import { Answers, type Batch, Flights } from "../platform/flights.ts";
import { logFault } from "../platform/log.ts";
import type { BatchAnswer, Delivery, Message, MessageBatch, News, Stray } from "../platform/ports.ts";

/** What the object does with messages. */
export type RemoteCallbacks = {
  /** Sends a batch to another object. */
  call(name: string, batch: MessageBatch): Promise<BatchAnswer | Stray[]>;
  /** Takes a message of another object. Returns the strays. May throw. */
  take(message: Message): Stray[];
  /** The client whose endpoint this message tells of, if no mediation of the lobby here waits for it. */
  idleIn(message: Message): string[];
  /** No mediation waits for what was seen of these clients. */
  rest(clientIds: readonly string[]): void;
  /** Strays of what this object has sent. */
  giveUp(strays: readonly Stray[]): void;
  /** A session that a delivery in an answer was for is not here any more. */
  gone(stray: Stray): void;
  /** A session here, by its client's id, is why so many calls are made: a part of one, if others are as well. */
  caused(clientId: string, calls: number): void;
  /** These messages never arrived, as far as is known. */
  lost(name: string, messages: Message[], error: unknown): void;
};

export class Remote {
  readonly #callbacks: RemoteCallbacks;
  readonly #flights: Flights<Message, BatchAnswer | Stray[]>;
  readonly #answers = new Answers<BatchAnswer>();
  /** Whose batch is being taken: deliveries to its sessions may go with the answer. */
  #taking: { from: string; deliveries: Delivery[] } | null = null;
  #callsCaused = 0;

  constructor(callbacks: RemoteCallbacks) {
    this.#callbacks = callbacks;
    this.#flights = new Flights({
      call: (name, batch) => callbacks.call(name, this.#batchTo(name, batch)),
      arrived: (answer, messages) => this.#answered(answer, messages),
      lost: (name, messages, error) => callbacks.lost(name, messages, error),
    });
  }

  /** Tells a lobby of a member. True once it knows, false if the news is lost. */
  tell(lobbyId: string, news: News): Promise<boolean> {
    if (this.#flights.opensCall(lobbyId)) this.#callbacks.caused(news.event.clientId, 1);
    return this.#flights.push(lobbyId, news, "news");
  }

  /** Calls to other objects that the lobby here has made necessary so far. What happens meanwhile goes with one and adds none. */
  get callsCaused(): number {
    return this.#callsCaused;
  }

  /** What happened in the lobby here makes so many more necessary, later: it waits for something else first. */
  willCall(calls: number): void {
    this.#callsCaused += calls;
  }

  /**
   * Sends a message to a lobby's members in another object. True once it is there, false if it is lost. Nobody waits for
   * chat to arrive, so it may go with the answer to the object that has just told of it.
   */
  deliver(name: string, delivery: Delivery): Promise<boolean> {
    const { message } = delivery;
    if (this.#taking?.from === name && message?.type === "chat" && this.#flights.isIdle(name)) {
      this.#taking.deliveries.push(delivery);
      return Promise.resolve(true);
    }
    if (this.#flights.opensCall(name)) this.#callsCaused += 1;
    return this.#flights.push(name, delivery, "delivery");
  }

  /** Takes the batch of another object, once. */
  async receive(from: string, batch: MessageBatch): Promise<BatchAnswer | Stray[]> {
    // What went with an answer that is still on its way here was said before this.
    if (batch.after !== undefined) await this.#flights.underWay(from, batch.after);
    const answer = this.#answers.once(from, batch, Date.now(), () => this.#takeAll(from, batch));
    return batch.takesDeliveries ? answer : answer.strays;
  }

  #batchTo(name: string, batch: Batch<Message>): MessageBatch {
    const last = this.#answers.last(name);
    const after = last && last.answer.deliveries.length > 0 ? last.id : undefined;
    return { ...batch, after, takesDeliveries: true };
  }

  /** A batch has arrived. A version of before answers with the strays alone. */
  #answered(answer: BatchAnswer | Stray[], messages: readonly Message[]): void {
    const {
      strays,
      deliveries,
      calls = 0,
      idle = [],
    } = Array.isArray(answer) ? { strays: answer, deliveries: [] } : answer;
    const senders = messages.flatMap((message) => ("to" in message ? [] : [message.event.clientId]));
    for (const sender of senders) this.#callbacks.caused(sender, calls / senders.length);
    this.#callbacks.rest(idle);
    this.#callbacks.giveUp(strays);
    for (const stray of deliveries.flatMap((delivery) => this.#take(delivery))) this.#callbacks.gone(stray);
  }

  #takeAll(from: string, { items, takesDeliveries }: MessageBatch): BatchAnswer {
    const deliveries: Delivery[] = [];
    this.#taking = takesDeliveries ? { from, deliveries } : null;
    const before = this.#callsCaused;
    const idle: string[] = [];
    const strays = items.flatMap((message) => {
      // Before it is taken: the last endpoint ends the wait.
      idle.push(...this.#callbacks.idleIn(message));
      return this.#take(message);
    });
    this.#taking = null;
    const calls = this.#callsCaused - before;
    return { strays, deliveries, ...(calls > 0 && { calls }), ...(idle.length > 0 && { idle }) };
  }

  /** Takes one message of a batch, whatever becomes of the others. */
  #take(message: Message): Stray[] {
    try {
      return this.#callbacks.take(message);
    } catch (error) {
      logFault("message_failed", { lobbyId: message.lobbyId }, error);
      return [];
    }
  }
}
