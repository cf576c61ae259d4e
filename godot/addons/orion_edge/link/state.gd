extends RefCounted
## One end of one link, all that changes of it; and what there is to do.

const Candidate := preload("candidate.gd")
const Config := preload("config.gd")
const Limits := preload("limits.gd")
const Path := preload("path.gd")
const ReplayWindow := preload("replay_window.gd")

var config: Config
## The time of this step, in milliseconds.
var now := 0.0
## "connecting": not usable yet. "linked". "seeking": every path has died. "closing": farewells are being sent. "ended".
var phase := "connecting"
## Of connecting and seeking.
var give_up_at := INF
## Of linked.
var in_use: Candidate = null
## Of closing.
var farewell_path: Candidate = null
var farewells_left := 0
var farewell_at := INF

var candidates: Array[Candidate] = []
## Our end of the relay over UDP (relay.gd).
var has_relay := false
var is_relay_bound := false
var is_relay_answered := false
var is_relay_refused := false
var relay_tries := 0
## Infinity: it is given up.
var bind_at := INF
## The channels that are open now.
var open_channels: Array[int] = []
var is_channel_refused := false
## The search for a port (probing.gd): "none", "delayed", "waiting", "opening", "spraying", "guessing", "lingering", "over".
var probing := "none"
var probing_at := INF
var probing_until := INF
var probing_again_at := INF
var probing_index := 0
var port_offset := 0
## Checks with consecutive numbers, to consecutive probes: {number, count, index}.
var volleys: Array[Dictionary] = []
## Sockets that were opened for it, and which of them are kept: all, one, or none.
var opened_sockets := 0
var is_keeping_all := false
var kept_socket := -1
## Until when direct paths are looked for; infinity: no longer.
var direct_until := INF
var recheck_at := INF
var is_settled := false
## Whether a packet of the peer's ever came otherwise than through a relay.
var was_heard_directly := false
## The last number that a check had, or that was skipped.
var number := 0
var received := ReplayWindow.new()
var answers_left := Limits.ANSWERS_PER_SECOND
var answers_at := 0.0
var notes_left := Limits.NOTES
var random := RandomNumberGenerator.new()
## What the shell is to do, in this order: each has a "kind" (machine.gd).
var effects: Array[Dictionary] = []


func is_over() -> bool:
	return phase == "closing" or phase == "ended"


func note(event: String) -> void:
	if notes_left > 0:
		notes_left -= 1
		effects.append({"kind": "note", "event": event})


func candidate_at(local: int, ip: String, port: int) -> Candidate:
	if Path.is_channel(local) and local not in open_channels:
		return null
	for candidate in candidates:
		if candidate.is_at(local, ip, port):
			return candidate
	return null


## A candidate as the timeline names it. It has no address: players show timelines to each other.
func place_of(candidate: Candidate) -> String:
	if candidate.local == Path.RTC:
		return "%s, WebRTC" % candidate.kind
	if candidate.kind == "relay" or candidate.local == Path.WS:
		return candidate.kind
	return "%s, %s %s" % [candidate.kind, candidate.origin, "IPv6" if candidate.ip.contains(":") else "IPv4"]
