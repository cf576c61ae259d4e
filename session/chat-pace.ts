/** How fast a member may chat. The server drops what is too fast in silence; a session refuses it first. */
import { mayChat, newChatAllowance, weightOf } from "../core/chat-allowance.ts";
import { sharedLimits } from "../core/limits.ts";

/** Below the server's rate: messages may catch up with one another on the way, and arrive faster. */
const perSecond = 0.9 * sharedLimits.chatDeliveriesPerSecond;

/** The server's allowance for one lobby, as a member can follow it from what it hears and says. */
export class ChatPace {
  readonly #allowance = newChatAllowance(performance.now());

  /** Whether the server delivers a message of this sender to so many members. Counts it if so. */
  allows(sender: string, members: number, text: string): boolean {
    return mayChat(this.#allowance, sender, members, performance.now(), {
      perSecond,
      weight: weightOf(text),
    });
  }
}
