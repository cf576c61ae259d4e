/** The panel that tests the player's network. */
import { copy } from "./clipboard.ts";
import { find, setText, show } from "./element.ts";
import type { Orion } from "./enter.ts";
import { sentenceOf } from "./sentences.ts";

export function setUpNetworkPanel(orion: Promise<Orion>): void {
  const button = find("network-test", HTMLButtonElement);
  const result = find("network-result", HTMLElement);
  const details = find("network-details", HTMLElement);
  const report = find("network-report", HTMLTextAreaElement);
  const copyButton = find("network-copy", HTMLButtonElement);
  let isRunning = false;
  button.addEventListener("click", async () => {
    if (isRunning) return;
    isRunning = true;
    button.setAttribute("aria-busy", "true");
    setText(result, "Testing…");
    show(details, false);
    try {
      const { testNetwork } = await import("../network-test/network-test.ts");
      const found = await testNetwork(await orion, () => {});
      setText(result, found.sentence);
      report.value = found.report;
      show(details, true);
    } catch (error) {
      setText(result, sentenceOf(error));
    }
    isRunning = false;
    button.removeAttribute("aria-busy");
  });
  copyButton.addEventListener("click", async () => {
    const isCopied = await copy(report.value);
    setText(copyButton, isCopied ? "Copied" : "Copy it by hand");
    setTimeout(() => setText(copyButton, "Copy report"), 2_000);
  });
}
