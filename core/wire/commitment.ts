/** What a member commits itself to a key with: the SHA-256 of its X25519 public key, in base64url. */
import { text } from "../shape.ts";

/** 32 bytes are 43 characters, of which the last has two bits to spare. These are 0, so no two texts are one hash. */
export const commitment = text(43, 43, /^[\w-]{42}[AEIMQUYcgkosw048]$/);
