/** A measured number for people: three digits, or all of a whole number, thousands apart. Null, and what is no number, is a dash. */
export function readable(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits =
    Number.isInteger(value) || size >= 100 ? 0 : Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(size))));
  const [whole = "", fraction] = value.toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, " ");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** The same without zeros at the end, for an axis or a target. */
export function rounded(value: number): string {
  return readable(value)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

/** Dollars, to the cent. */
export function dollars(value: number): string {
  return `$${value.toFixed(2)}`;
}

/** A number with its unit, which may be `$`. */
export function amount(
  value: number | null,
  unit: string,
  say: (value: number) => string = readable,
): string {
  if (value === null) return "not measured";
  return unit === "$" ? dollars(value) : `${say(value)} ${unit}`;
}
