extends RefCounted
## Checks: when each is due, what an answer proves, and when silence means that a path has died.

const Candidate := preload("candidate.gd")
const Limits := preload("limits.gd")
const Numbers := preload("numbers.gd")
const Path := preload("path.gd")
const State := preload("state.gd")
const Unproven := preload("unproven.gd")


## When a candidate is to be checked next; infinity for never.
static func check_at(state: State, candidate: Candidate) -> float:
	if not candidate.is_confirmed:
		return candidate.check_at if candidate.left > 0 else INF
	if candidate == _in_use(state):
		var steady := candidate.checked_at + (Limits.STEADY_CHECK_MS if candidate.unanswered == 0 else Limits.SILENCE_MS)
		var quick := Limits.SILENT_CHECK_MS if candidate.unanswered > 1 else Limits.QUICK_CHECK_MS
		return minf(steady, maxf(candidate.heard_at + Limits.SILENCE_MS, candidate.checked_at + quick))
	if not is_standby(candidate):
		return INF
	var silent := silent_path(state)
	# The one in use may be about to die: it is good to know whether there is another.
	if silent:
		if has_outlived(candidate, silent):
			return maxf(candidate.heard_at, candidate.checked_at) + Limits.SILENCE_MS
		return candidate.checked_at + Limits.SILENT_CHECK_MS
	return candidate.checked_at + (Limits.STANDBY_MS if candidate.unanswered == 0 else Limits.SILENCE_MS)


## When a confirmed path is taken for dead unless something happens; infinity for never.
static func dead_at(state: State, candidate: Candidate) -> float:
	if not candidate.is_confirmed:
		return INF
	if candidate == _in_use(state):
		if candidate.unanswered < Limits.DEAD_CHECKS:
			return INF
		var silent_at := maxf(
			candidate.heard_at + _silence_to_death(state, candidate), candidate.checked_at + Limits.SILENT_CHECK_MS
		)
		if candidate.unanswered >= Limits.ONE_WAY_CHECKS:
			return minf(silent_at, candidate.checked_at + Limits.QUICK_CHECK_MS)
		return silent_at
	if not is_standby(candidate):
		return candidate.heard_at + Limits.STANDBY_MS
	# No packets go to it for a second and a half, only to find that it has died with the one before.
	var wait := Limits.QUICK_CHECK_MS if silent_path(state) else Limits.SILENCE_MS
	return candidate.checked_at + wait if candidate.unanswered >= Limits.DEAD_CHECKS else INF


## Checks a candidate, and puts its next check off.
static func send_check(state: State, candidate: Candidate) -> void:
	if state.number == 0:
		state.note("first check sent: %s" % state.place_of(candidate))
	var number := Numbers.take_for(state, candidate)
	var worth := candidate.worth
	var where := Unproven.where_of(
		state.config, candidate.kind, candidate.local, candidate.ip, candidate.port, candidate.round_trip_ms >= 0.0
	)
	candidate.worth = "rest"
	state.effects.append(
		{
			"kind": "send",
			"packet": "check",
			"number": number,
			"local": candidate.local,
			"ip": candidate.ip,
			"port": candidate.port,
			"where": where,
			"worth": worth,
		}
	)
	candidate.awaited.append({"number": number, "at": state.now, "worth": worth})
	if candidate.awaited.size() > Limits.AWAITED_CHECKS:
		candidate.awaited.pop_front()
	candidate.unanswered += 1
	candidate.checked_at = state.now
	if candidate.is_confirmed:
		return
	candidate.left -= 1
	candidate.paced += 1
	@warning_ignore("integer_division")
	var slower := 1 << mini(2, candidate.paced / 10)
	candidate.check_at = state.now + Limits.CHECK_MS * slower * state.random.randf_range(0.9, 1.1)


## A check was not sent after all: the candidate has it again, a little later. False if there is no such check.
static func take_back(state: State, number: int) -> bool:
	for candidate in state.candidates:
		for check in candidate.awaited:
			if check.number != number:
				continue
			if candidate.is_confirmed:
				return false
			if candidate.worth == "rest":
				candidate.worth = check.worth
			candidate.awaited.erase(check)
			candidate.unanswered -= 1
			candidate.left += 1
			candidate.paced -= 1
			candidate.check_at = state.now + Limits.WITHHELD_MS
			return true
	return false


## Takes an answer to one of the last checks; false if it answers none.
static func take_answer(state: State, candidate: Candidate, number: int) -> bool:
	for check in candidate.awaited:
		if check.number != number:
			continue
		# Earlier ones that are not answered yet no longer matter, later ones do.
		candidate.awaited = candidate.awaited.filter(func(other: Dictionary) -> bool: return other.number > number)
		confirm(state, candidate, state.now - check.at)
		return true
	return false


## The path works both ways.
static func confirm(state: State, candidate: Candidate, round_trip_ms: float) -> void:
	if not candidate.is_confirmed:
		state.note("confirmed in %d ms: %s" % [roundi(round_trip_ms), state.place_of(candidate)])
	candidate.is_confirmed = true
	candidate.unanswered = 0
	candidate.round_trip_ms = round_trip_ms
	candidate.heard_at = state.now


## A packet came over it: if it is not confirmed it is checked, at once and a few times more.
static func trigger(state: State, candidate: Candidate, checks: int) -> void:
	if candidate.is_confirmed:
		return
	candidate.left = maxi(candidate.left, checks)
	# One that has just left may yet be answered: a packet that was doubled is no reason for two.
	candidate.check_at = minf(candidate.check_at, maxf(state.now, candidate.checked_at + Limits.CHECK_MS / 4.0))


## Tries all candidates again that ever showed a sign of life, or that the sidecar told.
static func check_again(state: State, checks: int) -> void:
	for candidate in state.candidates:
		if candidate.is_confirmed or candidate.kind == "relay":
			continue
		if Path.is_channel(candidate.local) and candidate.local not in state.open_channels:
			continue
		if candidate.origin != "observed" and candidate.heard_at == -INF:
			continue
		candidate.left = maxi(candidate.left, checks)
		candidate.paced = 0
		candidate.check_at = state.now


## Direct paths are not looked for any more, but where the peer is heard.
static func stop(state: State) -> void:
	for candidate in state.candidates:
		if not is_standby(candidate) and not candidate.is_confirmed:
			candidate.left = 0


## Takes a path for dead.
static func bury(state: State, candidate: Candidate) -> void:
	if candidate == _in_use(state):
		state.note("died: %s" % state.place_of(candidate))
	candidate.is_confirmed = false
	candidate.unanswered = 0
	candidate.left = 0


## Whether it is kept as a standby, and checked now and then: no NAT forgets it.
static func is_standby(candidate: Candidate) -> bool:
	return candidate.kind == "relay" or Path.is_channel(candidate.local)


## Whether a path was heard since the other fell silent: so the network is there, and the other path is not.
static func has_outlived(path: Candidate, silent: Candidate) -> bool:
	return path.is_confirmed and path.heard_at >= silent.heard_at + Limits.SILENCE_MS


## The path in use, if it does not answer; else null.
static func silent_path(state: State) -> Candidate:
	var in_use := _in_use(state)
	return in_use if in_use and in_use.unanswered > 1 else null


## Milliseconds of silence after which the path in use is dead: fewer if another one has outlived it.
static func _silence_to_death(state: State, in_use: Candidate) -> float:
	for other in state.candidates:
		if other != in_use and has_outlived(other, in_use):
			var answers := Limits.SILENCE_MS + 2.0 * maxf(0.0, in_use.round_trip_ms)
			return minf(maxf(Limits.OUTLIVED_MS, answers), Limits.DEAD_MS)
	return Limits.DEAD_MS


static func _in_use(state: State) -> Candidate:
	return state.in_use if state.phase == "linked" else null
