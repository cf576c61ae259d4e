extends RefCounted
## Which path is used, and when the search for a better one, or for any, is over.

const Candidate := preload("candidate.gd")
const Checks := preload("checks.gd")
const Config := preload("config.gd")
const Limits := preload("limits.gd")
const Path := preload("path.gd")
const Probing := preload("probing.gd")
const Relay := preload("relay.gd")
const State := preload("state.gd")


## Buries the paths that have died, and does what follows for the one in use.
static func bury_the_dead(state: State) -> void:
	for candidate in state.candidates:
		if state.now >= Checks.dead_at(state, candidate):
			Checks.bury(state, candidate)
	if state.phase != "linked" or state.in_use.is_confirmed:
		return
	_bury_the_silent(state)
	_look_around(state)


## Moves to the best path there is, if that is not the one in use.
static func choose(state: State) -> void:
	var best: Candidate = null
	for candidate in state.candidates:
		if candidate.is_confirmed and (best == null or _is_better(state, candidate, best)):
			best = candidate
	if best:
		if state.phase != "linked" or best != state.in_use:
			_use(state, best)
	elif state.phase == "linked":
		state.note("no path left")
		state.phase = "seeking"
		state.give_up_at = state.now + Limits.GRACE_MS


## Settles, or ends, if there is nothing more to wait for.
static func conclude(state: State) -> void:
	if state.phase == "seeking":
		if state.now >= state.give_up_at:
			end(state, "path-lost")
		return
	if state.now >= state.direct_until:
		state.direct_until = INF
	var is_looking := state.direct_until != INF or Probing.is_on(state)
	if state.phase == "connecting":
		if is_looking:
			return
		var is_hope := not Relay.is_hopeless(state) or not state.config.channels.is_empty()
		if state.now >= _given_up_at(state) or not is_hope:
			end(state, _failure(state))
		return
	if state.phase != "linked" or state.is_settled:
		return
	var is_straight := Path.is_straight(state.in_use.kind)
	if is_looking if not is_straight else _is_lan_open(state):
		return
	state.is_settled = true
	if not is_straight:
		Checks.stop(state)
	state.effects.append({"kind": "settle", "cause": cause_in_use(state)})


## Why the path in use is not direct, as far as it is known by now; empty if it is, or if there is none.
static func cause_in_use(state: State) -> String:
	if state.phase != "linked" or Path.is_straight(state.in_use.kind):
		return ""
	if state.config.is_relay_only:
		return "relay-only"
	if state.is_settled or _is_futile(state.config):
		return _direct_cause(state)
	return "not-yet-direct"


## Closes the sockets that were opened to be found, but for one. Where the peer has found another than the one it was found by first, that is the one.
static func close_sockets_when_due(state: State) -> void:
	if state.probing != "lingering" or state.now < state.probing_at:
		return
	state.probing = "over"
	if state.phase != "linked" or state.in_use.local < 0:
		Probing.keep_socket(state, -1)
		return
	var called := state.in_use
	for candidate in state.candidates:
		if candidate.local >= 0 and candidate.is_confirmed and candidate.called_at > called.called_at:
			called = candidate
	if called != state.in_use:
		_use(state, called)
	Probing.keep_socket(state, called.local)


## Ends the link; nothing is done for it from then on.
static func end(state: State, cause: String) -> void:
	Probing.end(state)
	if state.is_keeping_all or state.kept_socket >= 0:
		Probing.keep_socket(state, -1)
	state.phase = "ended"
	state.effects.append({"kind": "end", "cause": cause})


## When [method conclude] may have something to say by itself; infinity for never.
static func conclude_at(state: State) -> float:
	match state.phase:
		"connecting":
			if state.direct_until != INF:
				return state.direct_until
			return INF if Probing.is_on(state) else _given_up_at(state)
		"linked":
			return INF if state.is_settled else state.direct_until
		"seeking":
			return state.give_up_at
		_:
			return INF


## Whether no port can be guessed: whatever is sent comes from one that the other end does not know.
static func is_both_dependent(config: Config) -> bool:
	return config.own_mapping == "endpoint-dependent" and config.peer_mapping == "endpoint-dependent"


## When a link that has had no path yet is given up: later while a channel leads to the peer, whose program may be busy.
static func _given_up_at(state: State) -> float:
	return state.give_up_at + (0.0 if state.open_channels.is_empty() else Limits.GRACE_MS)


## The path in use has died. Where another has outlived it, those that have not may be as dead: they are not used until they answer.
static func _bury_the_silent(state: State) -> void:
	var dead := state.in_use
	var outlives := func(other: Candidate) -> bool: return Checks.has_outlived(other, dead)
	if not state.candidates.any(outlives):
		return
	for other in state.candidates:
		if other.is_confirmed and not outlives.call(other):
			Checks.bury(state, other)


## The path in use has died: the network may have changed, so that all the others are worth a try again.
static func _look_around(state: State) -> void:
	Checks.check_again(state, Limits.OBSERVED_CHECKS)
	state.recheck_at = state.now + Limits.RECHECK_MS
	for candidate in state.candidates:
		if candidate.kind == "relay" and candidate.is_confirmed:
			return
	Relay.bind_again(state)


static func _use(state: State, candidate: Candidate) -> void:
	state.phase = "linked"
	state.in_use = candidate
	# What it missed as a standby is not held against it.
	candidate.unanswered = 0
	state.effects.append({"kind": "use-path", "path": candidate})
	state.note("in use: %s" % candidate.kind)
	if not Path.is_straight(candidate.kind):
		return
	state.recheck_at = INF
	# No worse path, and no other of this kind, is looked for; those the peer checks are still answered.
	for other in state.candidates:
		if Path.rank_of(other.kind) < Path.rank_of(candidate.kind) or Checks.is_standby(other) or other.is_confirmed:
			continue
		other.left = 0
	Probing.end(state)
	if not state.is_keeping_all and state.kept_socket >= 0 and candidate.local != state.kept_socket:
		Probing.keep_socket(state, -1)


## Of one kind, the path in use stays, unless it is silent and the peer was heard elsewhere: then it has moved.
static func _is_better(state: State, next: Candidate, than: Candidate) -> bool:
	if next.kind != than.kind:
		return Path.rank_of(next.kind) < Path.rank_of(than.kind)
	var in_use := state.in_use if state.phase == "linked" else null
	var is_silent := in_use != null and in_use.unanswered > 1 and in_use.heard_at <= state.now - Limits.SILENCE_MS
	if than == in_use:
		return is_silent and next.heard_at > than.heard_at
	if next == in_use:
		return not is_silent or next.heard_at >= than.heard_at
	return next.heard_at > than.heard_at


## Whether the path within a shared network may yet be confirmed, which is better than any other.
static func _is_lan_open(state: State) -> bool:
	if state.in_use.kind == "lan" or state.direct_until == INF:
		return false
	for candidate in state.candidates:
		if candidate.kind == "lan" and not candidate.is_confirmed and candidate.left > 0:
			return true
	return false


## Why nothing works.
static func _failure(state: State) -> String:
	var config := state.config
	var may_relay := state.has_relay or Path.WS in config.channels
	if not may_relay and config.is_relay_only:
		return "relay-only"
	if state.is_relay_refused or state.is_channel_refused:
		return "relay-refused"
	var has_answered := state.is_relay_answered
	for candidate in state.candidates:
		has_answered = has_answered or candidate.local == Path.WS
	if may_relay and not has_answered:
		return "relay-unreachable"
	return "no-packets-received" if config.is_relay_only else _direct_cause(state)


## Whether it is known from the first moment that nothing straight can come.
static func _is_futile(config: Config) -> bool:
	if is_both_dependent(config):
		return true
	return Path.RTC not in config.channels and (config.no_udp != "" or config.peer_ip == "")


## Why no direct path works. A peer that was told without an endpoint has no UDP.
static func _direct_cause(state: State) -> String:
	if state.config.no_udp != "":
		return state.config.no_udp
	if state.config.peer_ip == "":
		return "no-udp"
	if is_both_dependent(state.config):
		return "both-endpoint-dependent"
	if state.was_heard_directly:
		return "one-way"
	return "ports-not-guessed" if state.probing == "over" else "no-packets-received"
