/** Ids of noray's shape. */

/** nanoid's. */
export const nanoidCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

export type IdShape = { readonly length: number; readonly characters: string };

/** Random bytes that one character takes: of 64 characters each is as likely as the others, of 63 within a millionth of a part. */
const bytesPerCharacter = 4;

/** Random bytes that an id takes. */
export function idBytes({ length }: IdShape): number {
  return length * bytesPerCharacter;
}

/** The id that these random bytes give. Throws if they are too few. */
export function idFrom({ length, characters }: IdShape, random: Uint8Array): string {
  const view = new DataView(random.buffer, random.byteOffset, random.byteLength);
  let id = "";
  for (let at = 0; at < length; at++) {
    id += characters[view.getUint32(at * bytesPerCharacter) % characters.length] ?? "";
  }
  return id;
}
