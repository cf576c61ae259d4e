/** Elements of the page. Texts are always set as text: nothing that a player has written is ever read as HTML. */

/** The element of this id, which index.html has. Throws if it has not: that is a mistake of ours. */
export function find<E extends Element>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id "${id}".`);
  return found;
}

type Attributes = Readonly<Record<string, string | boolean>>;
type Child = Node | string;

/** A new element. True stands for an attribute without a value, false for none. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** What a player has written, in its own direction, so that it turns nothing around it. */
export function playerText(text: string): HTMLElement {
  return make("bdi", { class: "player-text", dir: "auto" }, text);
}

/** Screen readers read a text again that is set again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, isShown: boolean): void {
  if (element.hidden === isShown) element.hidden = !isShown;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** One row of a list, and what puts a newer item into it. */
export type Row<Item> = { element: Element; update: (item: Item) => void };

/**
 * Keeps the children of an element in step with items: each item has a row of its own, found again by its key. A row that stays is not moved
 * without need, so what has the focus keeps it.
 */
export function listIn<Item>(
  parent: Element,
  keyOf: (item: Item) => string,
  makeRow: (item: Item) => Row<Item>,
): (items: readonly Item[]) => void {
  let rows = new Map<string, Row<Item>>();
  return (items) => {
    const next = new Map<string, Row<Item>>();
    for (const item of items) {
      const key = keyOf(item);
      const row = rows.get(key) ?? makeRow(item);
      row.update(item);
      next.set(key, row);
    }
    for (const [key, { element }] of rows) if (!next.has(key)) element.remove();
    let place = parent.firstElementChild;
    for (const { element } of next.values()) {
      if (element === place) place = place.nextElementSibling;
      else parent.insertBefore(element, place);
    }
    rows = next;
  };
}
