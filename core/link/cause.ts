/** Why two peers are not connected, or not directly: stable codes (docs/protocol.md), each with a sentence a player may read. */
export const causes = {
  "udp-blocked": "No UDP gets from here to the server: a firewall or the network blocks it.",
  "no-udp": "This player's game cannot use UDP, for example because it runs in a browser.",
  "no-sidecar": "The server's UDP service was not running when the players were to be connected.",
  "no-packets-received": "Nothing the other player sent has arrived.",
  "one-way": "The other player's packets arrive here, but nothing that is sent from here arrives there.",
  "both-endpoint-dependent":
    "Both networks change their ports with every destination: only a relay connects them.",
  "ports-not-guessed":
    "One network changes its ports with every destination, and its port was not found in time.",
  "not-yet-direct": "A direct path has not been found yet.",
  "relay-refused": "The relay does not carry this link.",
  "relay-unreachable": "The relay does not answer.",
  "relay-only": "The lobby, or one of the two players, allows connections through the relay only.",
  "no-additions": "The other player's client does not know this way of connecting.",
  "not-encrypted":
    "The other player's client cannot encrypt the connection, and this lobby or player requires it.",
  "keys-differ": "The two players were not given the same secret, or somebody has come between them.",
  "invalid-packets": "The other player's client sends what no client may send.",
  "path-lost": "The connection was there, and has died.",
  "peer-left": "The other player has closed the connection.",
  aborted: "The mediation was aborted.",
} as const;
export type Cause = keyof typeof causes;
