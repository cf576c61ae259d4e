/** HTML that is known to be HTML. Every other text is escaped when it is put into some. */
export type Markup = { readonly markup: string };

type Part = string | number | Markup | null | readonly Part[];

/** A template of HTML: texts put into it are escaped, other markup and lists of it are not; null is nothing. */
export function html(template: TemplateStringsArray, ...parts: Part[]): Markup {
  return { markup: String.raw({ raw: template }, ...parts.map(render)) };
}

/** Takes a text for HTML as it is: only for what this program has written itself. */
export function trusted(markup: string): Markup {
  return { markup };
}

function render(part: Part): string {
  if (part === null) return "";
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return String(part);
  return "markup" in part ? part.markup : part.map(render).join("");
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
