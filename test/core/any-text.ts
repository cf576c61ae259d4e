/** Any text: every code point of Unicode, the rare as likely as the common. */
import fc from "fast-check";

const rare = fc
  .integer({ min: 0, max: 0x10ffff })
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point));
const common = fc.integer({ min: 0x20, max: 0x7e }).map((point) => String.fromCodePoint(point));

export const anyText = fc.string({ unit: fc.oneof(rare, common) });
