/** The header in which `STORAGE` says how many requests may be let in that need room. */
export const roomHeader = "orion-room";
