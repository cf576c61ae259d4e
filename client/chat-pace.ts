/** How fast this player may chat: the server drops what comes faster without a word, so the SDK refuses it first. */
import { mayChat, newChatAllowance, weightOf } from "../core/chat-allowance.ts";
import { limits } from "../core/limits.ts";

/** A little below the server's, so that messages that catch up with each other on the way are not too many there. */
const perSecond = 0.9 * limits.chatDeliveriesPerSecond;

/** The server's allowance for one lobby, as far as a member can follow it: by what it hears and says. */
export class ChatPace {
  readonly #allowance = newChatAllowance(performance.now());

  /** Counts a message of this member to so many, if the server delivers it; else false. */
  allows(sender: string, members: number, text: string): boolean {
    return mayChat(this.#allowance, sender, members, performance.now(), {
      perSecond,
      weight: weightOf(text),
    });
  }
}
