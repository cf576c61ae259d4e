/** The panel that invites others: the code, the link, and a QR code for a phone in the same room. */
import { announce } from "./announcer.ts";
import { copy } from "./clipboard.ts";
import { find, setText, show } from "./element.ts";
import { isOnlyHere, linkTo } from "./invitation.ts";
import { qrCode } from "./qr-code.ts";

const elements = () => ({
  code: find("invite-code", HTMLElement),
  link: find("invite-link", HTMLInputElement),
  note: find("invite-note", HTMLElement),
  copy: find("invite-copy", HTMLButtonElement),
  share: find("invite-share", HTMLButtonElement),
  picture: find("invite-qr", HTMLElement),
});

/** Milliseconds that a button says what it has done. */
const doneMs = 2_000;

export function setUpInvitePanel(): { show: (code: string, title: string) => void } {
  const panel = elements();
  let data: ShareData = {};
  panel.link.addEventListener("focus", () => panel.link.select());
  panel.copy.addEventListener("click", async () => {
    const isCopied = await copy(panel.link.value);
    const said = isCopied ? "Copied" : "Copy it by hand";
    setText(panel.copy, said);
    announce(said);
    if (!isCopied) panel.link.focus();
    setTimeout(() => setText(panel.copy, "Copy link"), doneMs);
  });
  panel.share.addEventListener("click", () => {
    // Rejected when the player changes its mind.
    navigator.share(data).catch(() => {});
  });
  return {
    show: (code, title) => {
      const link = linkTo(code, location.href);
      data = { title: `${title} – Comets`, url: link };
      setText(panel.code, code);
      panel.link.value = link;
      panel.picture.replaceChildren(qrCode(link));
      // Browsers leave it out over plain HTTP.
      show(panel.share, "share" in navigator && (navigator.canShare?.(data) ?? true));
      setText(
        panel.note,
        isOnlyHere(link)
          ? "This address works on this computer alone. Open the page by this computer's address in your network, and phones can join."
          : "Whoever opens the link is in. A phone in the same room can read the picture.",
      );
    },
  };
}
