/** The link that invites: the page's address, and the lobby's code behind the `#`, which no server is told. */

export type Invitation = { kind: "none" } | { kind: "code"; code: string } | { kind: "wrong" };

/** What the part of the address from `#` on invites to. The server decides whether there is such a lobby. */
export function invitationIn(hash: string): Invitation {
  const text = hash.replace(/^#/, "");
  if (text === "") return { kind: "none" };
  return /^[0-9A-Za-z]{5}$/.test(text) ? { kind: "code", code: text.toUpperCase() } : { kind: "wrong" };
}

/** `page`: the address of this page. */
export function linkTo(code: string, page: string): string {
  const link = new URL(page);
  link.hash = code;
  link.search = "";
  return link.href;
}

/** Whether nobody else's computer can open this link. */
export function isOnlyHere(link: string): boolean {
  return /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(link).hostname);
}
