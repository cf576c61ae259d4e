extends RefCounted
## Channels: sockets that the shell opens, and opens again, by itself. To the ladder an open one is one more candidate.

const Candidate := preload("candidate.gd")
const Checks := preload("checks.gd")
const Limits := preload("limits.gd")
const Path := preload("path.gd")
const Relay := preload("relay.gd")
const State := preload("state.gd")

const NAMES := {Path.WS: "ws", Path.RTC: "rtc"}


## Packets may go through it: it is checked at once. Said again, it has the peer at its end again, or is of another kind now.
static func take_opened(state: State, local: int, kind: String) -> void:
	var candidate: Candidate = null
	for other in state.candidates:
		if other.local == local:
			candidate = other
	if candidate == null or candidate.kind != kind:
		state.note("%s open: %s" % [NAMES[local], kind])
	var is_moved := candidate != null and candidate.kind != kind
	if candidate == null:
		candidate = Candidate.make(kind, local, "", 0, "channel", 0, state.now)
		state.candidates.append(candidate)
	candidate.kind = kind
	if local not in state.open_channels:
		state.open_channels.append(local)
	# The game is told what kind of path it is on.
	if is_moved and state.phase == "linked" and candidate == state.in_use:
		state.effects.append({"kind": "use-path", "path": candidate})
	Checks.trigger(state, candidate, Limits.RELAY_CHECKS)


## Nothing goes through it any more. [param code]: why, if it was refused. False if that changes nothing.
static func take_closed(state: State, local: int, code: String) -> bool:
	if code != "":
		if not state.is_channel_refused:
			state.note("%s refused: %s" % [NAMES[local], code])
		state.is_channel_refused = true
	if local not in state.open_channels:
		return code != ""
	state.open_channels.erase(local)
	for candidate in state.candidates:
		if candidate.local == local:
			Relay.give_up(state, candidate)
	return true


## The network may have changed under a channel that is silent: the shell sees whether another socket does better.
static func reopen_when_silent(state: State, candidate: Candidate) -> void:
	if candidate.is_confirmed and Path.is_channel(candidate.local) and candidate.unanswered == Limits.REOPEN_CHECKS:
		state.effects.append({"kind": "reopen-channel", "local": candidate.local})
