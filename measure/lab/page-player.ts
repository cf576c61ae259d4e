/** A player of the lab with the SDK in a page. Orders come from the program that has opened the page, and answers go there (`browser-player.ts`). */
import { connect } from "../../client/browser.ts";
import { type Conversation, playRuns } from "./conversation.ts";
import { order } from "./orders.ts";
import { causeOf, orionPlayer } from "./orion-player.ts";
import { pagePaths } from "./page-paths.ts";

const byRequests: Conversation = {
  nextOrder: async () => {
    const response = await fetch(pagePaths.order);
    return response.status === 200 ? order.parse(await response.json()) : null;
  },
  tell: (answer) => void fetch(pagePaths.told, { method: "POST", body: JSON.stringify(answer) }),
};

const server = await (await fetch(pagePaths.server)).text();
await playRuns(
  byRequests,
  orionPlayer((signal) => connect(server, { signal }), byRequests),
  causeOf,
);
