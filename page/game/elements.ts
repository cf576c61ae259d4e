/** Elements of the page, made with text alone: nothing that a player wrote is ever read as HTML. */

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  text = "",
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

/** A player's name: whatever direction it is written in, what stands beside it stays where it is. */
export function nameElement(name: string): HTMLElement {
  const made = element("bdi", "comets-name", name);
  made.dir = "auto";
  return made;
}

/** A mark as a picture that screen readers pass over. */
export function markElement(outline: string, colour: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "-1.15 -1.15 2.3 2.3");
  picture.setAttribute("class", "comets-mark");
  picture.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", outline);
  shape.setAttribute("fill", colour);
  picture.append(shape);
  return picture;
}
