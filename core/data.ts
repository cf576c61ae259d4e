/** What a lobby, or a member, says of itself: a few keys with plain values (core/wire/data.ts reads them). An addition to Orion. */

export type DataValue = string | number | boolean;
/** Keys of letters, digits, `_`, `-` and `.`. */
export type Data = { readonly [key: string]: DataValue };
/** What becomes of some of the keys; null deletes one. */
export type DataChange = { readonly [key: string]: DataValue | null };
