/**
 * Whether members are told each other's endpoints, or are connected through the relay alone: of a lobby, for all
 * its members; of one member, for it and each of its peers.
 */
export const privacies = ["open", "relay-only"] as const;
export type Privacy = (typeof privacies)[number];
