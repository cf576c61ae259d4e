/** A lobby's id is the code players tell each other: 5 of 0-9A-Z. */

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const length = 5;
const shape = /^[0-9A-Za-z]{5}$/;

/** Bytes of randomness that `drawLobbyId` takes: enough that no code is likelier than another by one in a million. */
export const lobbyIdBytes = 6;

export function drawLobbyId(random: Uint8Array): string {
  let value = random.reduce((sum, byte) => sum * 256 + byte, 0);
  let id = "";
  while (id.length < length) {
    id += digits[value % digits.length];
    value = Math.floor(value / digits.length);
  }
  return id;
}

/** The id people meant by what they typed (lower case is fine), or null if it can be none. */
export function readLobbyId(text: string): string | null {
  return shape.test(text) ? text.toUpperCase() : null;
}
