/** Every rule that the kit looks at: what a client that breaks it did, and where the rule is written. The codes never change. */

/** What a client can do; each builds on `orion`, and the later ones of links on those before. */
export const levels = ["orion", "staying", "links", "sealed", "reliable"] as const;
export type Level = (typeof levels)[number];

type Rule = { readonly section: string; readonly says: string };

const rule = (section: string, says: string): Rule => ({ section: `docs/${section}`, says });

export const rules = {
  // Orion.
  no_connection: rule("protocol.md#connecting", "The client opened no WebSocket."),
  no_host: rule("protocol.md#post-lobbies", "The client did not open a lobby."),
  no_join: rule(
    "protocol.md#post-lobbieslobbyidjoin",
    "The client did not join the lobby that it was told to join.",
  ),
  invalid_request: rule("protocol.md#refusals", "The server refused a request as invalid."),
  wrong_token: rule("protocol.md#connecting", "The client sent a token that its WebSocket was not given."),
  no_wait: rule(
    "protocol.md#checklist-for-a-client",
    "The client was told to wait by Retry-After, and asked again before that.",
  ),
  malformed_message: rule(
    "protocol.md#conventions",
    "The client said something on its WebSocket that is not method:base64(JSON).",
  ),
  unknown_method: rule(
    "protocol.md#from-the-client",
    "The client said a method that the protocol does not have.",
  ),
  invalid_message: rule(
    "protocol.md#from-the-client",
    "The payload of a message has a wrong field, or lacks one.",
  ),
  wrong_lobby_id: rule(
    "protocol.md#conventions",
    "The client named its lobby as the player typed it, and not by the lobbyId of the answer.",
  ),
  stumbles_over_unknown: rule(
    "protocol.md#conventions",
    "The client gave up when it got a message or a field that it does not know.",
  ),
  chat_not_said: rule(
    "protocol.md#from-the-client",
    "The client did not say a chat message that it was ordered to say.",
  ),
  chat_changed: rule(
    "protocol.md#conventions",
    "A chat message came out changed. JSON is UTF-8 before it is base64.",
  ),
  no_start: rule(
    "protocol.md#post-lobbieslobbyidptpstart",
    "The client did not start the mediation when it was ordered to.",
  ),
  unanswered_send: rule(
    "protocol.md#checklist-for-a-client",
    "The client did not answer a ptpMediation_send with a datagram. Every one needs an answer, also before the answer to the start.",
  ),
  old_port: rule(
    "protocol.md#checklist-for-a-client",
    "The client sent its datagram to the port of an earlier ptpMediation_send.",
  ),
  changed_socket: rule(
    "protocol.md#udp",
    "The client sent its datagrams or its packets from different sockets. The one that the server has seen must talk to the peers.",
  ),
  wrong_datagram: rule("protocol.md#udp", "A datagram to the server is not one that the server takes."),
  no_repeat: rule(
    "protocol.md#udp",
    "The client did not send its datagram again within 10 s while it waited for the others.",
  ),
  no_pings: rule(
    "protocol.md#connecting",
    "The client said client_pings, and then did not ping every pingMs.",
  ),
  closed_early: rule(
    "protocol.md#checklist-for-a-client",
    "The client closed its WebSocket, or ended, before the mediation was over.",
  ),
  no_punch: rule(
    "protocol.md#mediation-step-by-step",
    "The client sent its peer no packets, or only one. The first ones may be lost: repeat them about every 100 ms.",
  ),
  no_answer: rule(
    "protocol.md#mediation-step-by-step",
    "The client did not answer a packet of its peer. Answer each, also when you are connected.",
  ),
  stuck: rule(
    "protocol.md#mediation-step-by-step",
    "The server did not go on. It still waits for something that the client has not done, or that it has ignored.",
  ),
  early_success: rule(
    "protocol.md#mediation-step-by-step",
    "The client reported success before an answer to one of its own packets had come.",
  ),
  no_success: rule(
    "protocol.md#from-the-client",
    "The client was connected to its peer and did not report success.",
  ),
  stuck_after_abort: rule(
    "protocol.md#checklist-for-a-client",
    "The mediation was aborted, and the client did not start again when it was ordered to.",
  ),
  old_peers: rule(
    "protocol.md#checklist-for-a-client",
    "The client still sent packets to the peer of a mediation that was aborted.",
  ),
  // Lobbies that people stay in.
  late_features: rule(
    "staying.md#say-that-you-know",
    "The client did not say client_features before it hosted or joined, neither on its WebSocket nor in the request.",
  ),
  no_secret_token: rule(
    "staying.md#say-that-you-know",
    "The client made a request of the additions without its secretToken.",
  ),
  no_session_lobby: rule(
    "staying.md#opening-and-joining",
    "The client did not open a lobby with lifetime session, a graceMs and onHostLoss migrate.",
  ),
  no_return: rule(
    "staying.md#coming-back",
    "The client lost its WebSocket and did not come back to its place.",
  ),
  other_request_id: rule(
    "staying.md#coming-back",
    "The client asked for the same return again, under another requestId or none.",
  ),
  used_resume_key: rule(
    "staying.md#coming-back",
    "The client came back with a resume key that it had used before. Each answer brings a new one.",
  ),
  ignores_gap: rule(
    "staying.md#the-whole-picture",
    "A number was missing among the versions, and the client did not ask for the picture.",
  ),
  returns_after_kick: rule(
    "staying.md#messages",
    "The client was removed by the host, and tried to come back.",
  ),
  old_term: rule("staying.md#the-host", "The client acted as host with the term of another host."),
  no_leave: rule(
    "staying.md#leaving",
    "The client did not leave when it was ordered to: by a request, or by closing its WebSocket.",
  ),
  no_newcomer: rule(
    "staying.md#playing-on",
    "The client did not connect to a player that joined the running game.",
  ),
  // Links.
  token_over_udp: rule("links.md#being-seen", "The client knows links and sent its token over UDP."),
  wrong_probe: rule(
    "links.md#being-seen",
    "A probe has a wrong field or lacks one, or a pass that is not the last one.",
  ),
  wrong_probe_mac: rule("links.md#signed-datagrams", "The mac of a datagram to the sidecar is wrong."),
  no_pad: rule(
    "links.md#signed-datagrams",
    "A probe or a bind is shorter than 300 bytes: the answer may be longer, and then there is none.",
  ),
  one_port: rule("links.md#being-seen", "The client probed only one of the two ports."),
  no_cookie: rule(
    "links.md#being-seen",
    "The client did not send another probe with the cookie of the answer.",
  ),
  nonce_again: rule(
    "links.md#being-seen",
    "The probe that returns a cookie has the nonce of the one before.",
  ),
  no_unseen: rule(
    "links.md#being-seen",
    "The sidecar did not answer for seconds, and the client did not say ptpMediation_unseen.",
  ),
  unseen_again: rule(
    "links.md#being-seen",
    "The client said ptpMediation_unseen more than once for one ptpMediation_send.",
  ),
  no_failure: rule(
    "protocol.md#from-the-client",
    "The client could not connect, and did not report a failure.",
  ),
  wrong_report: rule(
    "protocol.md#from-the-client",
    "A report does not say what happened: another mediation, an unknown peer, or a path that was not there.",
  ),
  unknown_packet: rule(
    "links.md#packets-between-peers",
    "The client sent its peer bytes that are no packet of their link.",
  ),
  wrong_side: rule("links.md#packets-between-peers", "A packet says that it comes from the other side."),
  wrong_mac: rule("links.md#packets-between-peers", "The mac of a packet is wrong."),
  number_again: rule("links.md#packets-between-peers", "Two checks have the same number."),
  foretold_number: rule(
    "links.md#packets-between-peers",
    "The number of a check to an endpoint that is not proven can be foretold from the one before.",
  ),
  no_check: rule("links.md#which-path-to-take", "The client sent no checks to its peer."),
  unanswered_check: rule("links.md#packets-between-peers", "A check was not answered."),
  wrong_answer: rule(
    "links.md#packets-between-peers",
    "An answer has the number of no check that was sent there.",
  ),
  answers_replay: rule(
    "links.md#packets-between-peers",
    "The client answered a check whose number had come before.",
  ),
  answers_forged: rule("links.md#packets-between-peers", "The client answered a check whose mac is wrong."),
  answers_own_side: rule(
    "links.md#packets-between-peers",
    "The client answered a check that came from its own side.",
  ),
  answers_huge_number: rule(
    "links.md#packets-between-peers",
    "The client answered a check with a number of 2^53 or more.",
  ),
  no_data: rule("links.md#packets-between-peers", "A packet of the game did not come back."),
  takes_strangers_data: rule(
    "links.md#packets-between-peers",
    "The client took data from an address that had sent no check and no answer.",
  ),
  ignores_new_address: rule(
    "links.md#packets-between-peers",
    "A check came from a new address, and the client did not check it in turn.",
  ),
  talks_after_farewell: rule(
    "links.md#packets-between-peers",
    "The client went on with a link after the farewell.",
  ),
  no_bind: rule("links.md#the-relay", "The client did not bind its end of the link at the relay."),
  wrong_bind: rule("links.md#the-relay", "A bind has a wrong field or lacks one."),
  no_relay: rule(
    "links.md#which-path-to-take",
    "No direct path was there, and the client did not use the relay.",
  ),
  no_rebind: rule("links.md#the-relay", "The client did not bind again within 10 s."),
  no_renewal: rule("links.md#the-relay", "The client did not have its tickets renewed before they expired."),
  // Encrypted links.
  no_commitment: rule(
    "links.md#encrypted-links",
    "The client did not commit itself to a key on ptpMediation_send.",
  ),
  other_commitment: rule(
    "links.md#being-ready",
    "The client named another commitment in the same mediation.",
  ),
  key_again: rule("links.md#encrypted-links", "The client used the key of an earlier mediation."),
  no_key: rule("links.md#encrypted-links", "A check or an answer has no public key."),
  wrong_key: rule(
    "links.md#encrypted-links",
    "A check or an answer has a key to which the client did not commit itself.",
  ),
  unconfirmed_answer: rule(
    "links.md#encrypted-links",
    "An answer is not signed with the key that both ends derived.",
  ),
  unsealed_data: rule("links.md#encrypted-links", "The client sent data in the clear on an encrypted link."),
  wrong_tag: rule("links.md#encrypted-links", "The tag of a sealed packet is wrong."),
  counter_again: rule("links.md#encrypted-links", "Two sealed packets have the same counter."),
  counter_gap: rule("links.md#encrypted-links", "The counters of sealed packets do not go up by one from 0."),
  takes_replay: rule("links.md#encrypted-links", "The client took a sealed packet a second time."),
  takes_forged: rule("links.md#encrypted-links", "The client took a sealed packet with a wrong tag."),
  takes_unsealed: rule("links.md#encrypted-links", "The client took data in the clear on an encrypted link."),
  takes_wrong_key: rule(
    "links.md#encrypted-links",
    "The client took a key to which its peer had not committed itself.",
  ),
  takes_zero_key: rule(
    "links.md#encrypted-links",
    "The client took a key with which everybody agrees on the same secret.",
  ),
  takes_unconfirmed: rule(
    "links.md#encrypted-links",
    "The client took an answer that is signed with the link's key for a proof of the path.",
  ),
  // The reliable stream.
  malformed_stream: rule(
    "links.md#reliable-messages",
    "A packet of the stream is neither a segment nor an acknowledgement.",
  ),
  window_exceeded: rule(
    "links.md#reliable-messages",
    "More than 256 segments were on their way beyond the lowest that had not come.",
  ),
  no_acknowledgement: rule("links.md#reliable-messages", "A segment was not acknowledged."),
  wrong_acknowledgement: rule(
    "links.md#reliable-messages",
    "An acknowledgement names a segment that was not sent.",
  ),
  segment_changed: rule("links.md#reliable-messages", "A segment that came again has other bytes."),
  message_lost: rule(
    "links.md#reliable-messages",
    "A message did not come back whole: what is lost must be sent again.",
  ),
  message_changed: rule(
    "links.md#reliable-messages",
    "A message came back with other bytes, or out of order, or twice.",
  ),
} as const satisfies Record<string, Rule>;
export type RuleCode = keyof typeof rules;
