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
  | "ping_alarm_failed"
  | "request_failed";

/** What strangers, or the deployment's settings, bring about. */
export type RefusalEvent =
  | "address_not_counted"
  | "address_over_limit"
  | "client_thrown_out"
  | "codes_guessed"
  | "lobby_not_listed"
  | "network_over_budget"
  | "not_configured"
  | "request_refused";
