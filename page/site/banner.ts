/** The line at the top that says what is wrong with the connection, as long as it is. */
import { find, setText, show } from "./element.ts";
import { sentenceFor } from "./sentences.ts";

/** The first that is wrong is shown. */
const concerns = ["offline", "server", "lobby"] as const;
export type Concern = (typeof concerns)[number];

const wrong = new Map<Concern, string>();

/** `code`: that of a sentence; null if all is well again. */
export function tellBanner(concern: Concern, code: string | null): void {
  if (code === null) wrong.delete(concern);
  else wrong.set(concern, code);
  const shown = concerns.map((one) => wrong.get(one)).find((one) => one !== undefined);
  const banner = find("banner", HTMLElement);
  show(find("banner-box", HTMLElement), shown !== undefined);
  setText(banner, shown === undefined ? "" : sentenceFor(shown));
}

/** The browser knows at once that it has no network. */
export function watchNetwork(): void {
  const tell = () => tellBanner("offline", navigator.onLine ? null : "offline");
  addEventListener("online", tell);
  addEventListener("offline", tell);
  tell();
}
