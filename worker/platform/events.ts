/** The names of the lines in the Worker's log. They are stable: operators search for them, and count them. */

/** Faults of ours, or of the platform. */
export type FaultEvent =
  | "alarm_failed"
  | "budget_unreachable"
  | "client_not_thrown_out"
  | "directory_full"
  | "directory_unreachable"
  | "fleet_unreachable"
  | "flight_failed"
  | "kept_lobby_unreadable"
  | "kept_session_unreadable"
  | "lobby_deletion_failed"
  | "lobby_effect_failed"
  | "lobby_revival_failed"
  | "lobby_unreachable"
  | "message_failed"
  | "no_lounge_available"
  | "object_ended_itself"
  | "object_unreachable"
  | "operator_key_unusable"
  | "page_unreachable"
  | "ping_alarm_failed"
  | "relay_unreachable"
  | "request_failed"
  | "stats_unreachable"
  | "turn_not_revoked"
  | "turn_unavailable";

/** What the server's operator does by hand. */
export type OperatorEvent = "operator_acted";

/** Of relays over WebSocket, for an operator who wants to read it. */
export type RelayEvent = "relay_over";

/** What strangers, or the deployment's settings, bring about. */
export type RefusalEvent =
  | "address_not_counted"
  | "address_over_limit"
  | "client_thrown_out"
  | "codes_guessed"
  | "lobby_not_listed"
  | "network_over_budget"
  | "not_configured"
  | "operator_key_refused"
  | "relay_full"
  | "request_refused";
