extends RefCounted
## One end of one link: what each event changes, and what the shell has to do. No I/O, and no clock.
##
## Call an event's method, then do what is in [method take_effects], in order. Each has a "kind":
## [br]- "send": a packet ("check", "answer", "farewell") with this number from [code]local[/code] to [code]ip[/code] and [code]port[/code]. With a
## [code]where[/code] only if the client's allowance (unproven.gd) has one for this [code]worth[/code]; else say [method check_withheld].
## [br]- "bind-relay", "reopen-channel" (local), "ask-turn", "end-turn", "open-sockets" (count), "close-sockets" (keep).
## [br]- "use-path": packets go by this candidate. The first time, the link is usable.
## [br]- "settle", "end" (cause), "note" (event).

const Candidate := preload("candidate.gd")
const Candidates := preload("candidates.gd")
const Channels := preload("channels.gd")
const Checks := preload("checks.gd")
const Config := preload("config.gd")
const Ladder := preload("ladder.gd")
const Limits := preload("limits.gd")
const Numbers := preload("numbers.gd")
const Path := preload("path.gd")
const Probing := preload("probing.gd")
const Relay := preload("relay.gd")
const State := preload("state.gd")
const Unproven := preload("unproven.gd")

## Farewells, and the milliseconds between them: one of three comes through.
const FAREWELLS := 3
const FAREWELL_MS := 50.0

var state := State.new()


func _init(config: Config, now: float) -> void:
	state.config = config
	state.now = now
	state.random.seed = config.random_seed
	state.port_offset = state.random.randi() & 0xffff
	state.give_up_at = now + Limits.DIRECT_MS
	state.candidates = Candidates.of(config, now)
	state.has_relay = config.has_relay
	state.bind_at = now if config.has_relay else INF
	state.direct_until = now + _direct_ms(config)
	state.answers_at = now
	Probing.begin(state)
	_advance()


func take_effects() -> Array[Dictionary]:
	var effects := state.effects
	state.effects = []
	return effects


## When the link next has something to do by itself; infinity for never.
func wake_at() -> float:
	match state.phase:
		"ended":
			return INF
		"closing":
			return state.farewell_at
	var at := minf(minf(Ladder.conclude_at(state), state.bind_at), minf(Probing.due_at(state), state.recheck_at))
	for candidate in state.candidates:
		at = minf(at, minf(Checks.check_at(state, candidate), Checks.dead_at(state, candidate)))
	return at


## The time came.
func wake(now: float) -> void:
	if state.phase == "ended" or now < wake_at():
		return
	state.now = now
	_advance()


## The peer's check. False if it changes nothing: then it has come before, or from where the peer cannot be.
func check_received(number: int, local: int, ip: String, port: int, now: float) -> bool:
	return _take(now, func() -> bool: return _take_check(number, local, ip, port))


func answer_received(number: int, local: int, ip: String, port: int, now: float) -> bool:
	return _take(now, func() -> bool: return _take_answer(number, local, ip, port))


func farewell_received(number: int, local: int, ip: String, port: int, now: float) -> bool:
	return _take(now, func() -> bool: return _take_farewell(number, local, ip, port))


## A packet of the game: it is not signed, so it only shows that a path lives which checks have proved.
func data_received(local: int, ip: String, port: int, now: float) -> bool:
	return _take(now, func() -> bool: return _take_data(local, ip, port))


func relay_bound(is_peer_there: bool, now: float) -> void:
	_take(now, func() -> bool: return _done(Relay.take_bound.bind(state, is_peer_there)))


func relay_refused(code: String, now: float) -> void:
	_take(now, func() -> bool: return _done(Relay.take_refusal.bind(state, code)))


func ticket_renewed(now: float) -> void:
	_take(now, func() -> bool: return _done(Relay.take_ticket.bind(state)))


func channel_opened(local: int, kind: String, now: float) -> void:
	_take(now, func() -> bool: return _done(Channels.take_opened.bind(state, local, kind)))


func channel_closed(local: int, code: String, now: float) -> void:
	_take(now, func() -> bool: return Channels.take_closed(state, local, code))


func check_withheld(number: int, now: float) -> void:
	_take(now, func() -> bool: return Checks.take_back(state, number))


func sockets_opened(count: int, now: float) -> void:
	_take(now, func() -> bool: return _done(Probing.take_sockets.bind(state, count)))


func turn_given(now: float) -> void:
	_take(now, func() -> bool: return _done(Probing.take_turn.bind(state)))


func turn_over(now: float) -> void:
	_take(now, func() -> bool: return _done(Probing.end.bind(state)))


func close_requested(now: float) -> void:
	_take(now, func() -> bool: return _done(_close))


func _take(now: float, change: Callable) -> bool:
	if state.is_over():
		return false
	state.now = now
	if not change.call():
		return false
	_advance()
	return true


func _done(change: Callable) -> bool:
	change.call()
	return true


## Does all that is due.
func _advance() -> void:
	if state.phase == "closing":
		_say_farewell()
	if state.is_over():
		return
	Ladder.bury_the_dead(state)
	Ladder.choose(state)
	Ladder.close_sockets_when_due(state)
	# What was in use may have been silent for longer than a standby may be.
	Ladder.bury_the_dead(state)
	if state.now >= state.recheck_at:
		Checks.check_again(state, 1)
		state.recheck_at = state.now + Limits.RECHECK_MS
	for candidate in state.candidates:
		if state.now < Checks.check_at(state, candidate):
			continue
		var silent := Checks.silent_path(state)
		Checks.send_check(state, candidate)
		# The relay may have been restarted, and have forgotten us, or our address may be another now.
		if candidate.is_confirmed and candidate.kind == "relay" and candidate.unanswered == (1 if silent else 2):
			Relay.bind_again(state)
		Channels.reopen_when_silent(state, candidate)
	Relay.bind_when_due(state)
	Probing.go_on_when_due(state)
	Ladder.conclude(state)


func _take_check(number: int, local: int, ip: String, port: int) -> bool:
	var known := state.candidate_at(local, ip, port)
	if not _is_known(known, local, ip, port) or not state.received.take(number):
		return false
	if _may_answer():
		var kind: String = known.kind if known else Candidates.kind_of(state.config, ip)
		var is_measured := known != null and known.round_trip_ms >= 0.0
		# Its sender may be forged: the answer goes to a third party then.
		var where := Unproven.where_of(state.config, kind, local, ip, port, is_measured)
		var answer := {"kind": "send", "packet": "answer", "number": number, "local": local, "ip": ip, "port": port}
		answer.merge({"where": where, "worth": "rest"})
		state.effects.append(answer)
	var candidate := known if known else _meet(local, ip, port)
	if candidate == null:
		return true
	if candidate.heard_at == -INF:
		state.note("first check received: %s" % state.place_of(candidate))
		# One that nobody told may be one of thousands that a liar makes up.
		if candidate.origin != "met":
			candidate.worth = "heard"
	candidate.heard_at = state.now
	candidate.called_at = state.now
	var is_standby := Checks.is_standby(candidate)
	if not is_standby:
		state.was_heard_directly = true
	Checks.trigger(state, candidate, Limits.RELAY_CHECKS if is_standby else Limits.TRIGGERED_CHECKS)
	return true


func _take_answer(number: int, local: int, ip: String, port: int) -> bool:
	var candidate := state.candidate_at(local, ip, port)
	if candidate:
		return Checks.take_answer(state, candidate, number)
	return Probing.is_on(state) and Probing.take_answer(state, number, local, ip, port)


func _take_farewell(number: int, local: int, ip: String, port: int) -> bool:
	if not _is_known(state.candidate_at(local, ip, port), local, ip, port) or not state.received.take(number):
		return false
	state.note("farewell received")
	Ladder.end(state, "peer-left")
	return true


func _take_data(local: int, ip: String, port: int) -> bool:
	var candidate := state.candidate_at(local, ip, port)
	if candidate == null or not candidate.is_confirmed:
		return false
	candidate.heard_at = state.now
	candidate.called_at = state.now
	return true


## Whether a packet came in where the peer's may: on a socket that is open, from an address that it may have.
func _is_known(known: Candidate, local: int, ip: String, port: int) -> bool:
	return Probing.is_open(state, local) and (known != null or Candidates.may_meet(state.config, ip, port))


func _may_answer() -> bool:
	if state.now >= state.answers_at + 1_000.0:
		state.answers_left = Limits.ANSWERS_PER_SECOND
		state.answers_at = state.now
	state.answers_left -= 1
	return state.answers_left >= 0


## An address that nobody told: the peer's NAT gave it to this very path. One that is not heard any more makes room.
func _meet(local: int, ip: String, port: int) -> Candidate:
	var met := 0
	var oldest: Candidate = null
	for candidate in state.candidates:
		if candidate.origin != "met":
			continue
		met += 1
		if candidate != state.in_use and (oldest == null or candidate.heard_at < oldest.heard_at):
			oldest = candidate
	if met >= Limits.MET_CANDIDATES:
		# Where 256 sockets of the peer's are heard at once, the first of them have the time to answer.
		if oldest == null or oldest.heard_at > state.now - 2.0 * Limits.SILENCE_MS:
			return null
		state.candidates.erase(oldest)
	var kind := Candidates.kind_of(state.config, ip)
	var made: Candidate = Candidate.make(kind, local, ip, port, "met", 0, state.now)
	state.candidates.append(made)
	return made


func _close() -> void:
	if state.phase != "linked":
		Ladder.end(state, "")
		return
	state.phase = "closing"
	state.farewell_path = state.in_use
	state.farewells_left = FAREWELLS
	state.farewell_at = state.now


func _say_farewell() -> void:
	if state.now < state.farewell_at:
		return
	var to := state.farewell_path
	var farewell := {"kind": "send", "packet": "farewell", "number": Numbers.take(state)}
	farewell.merge({"local": to.local, "ip": to.ip, "port": to.port, "where": "", "worth": "rest"})
	state.effects.append(farewell)
	state.farewells_left -= 1
	state.farewell_at = state.now + FAREWELL_MS
	if state.farewells_left == 0:
		Ladder.end(state, "")


static func _direct_ms(config: Config) -> float:
	var may_rtc := Path.RTC in config.channels
	var may_udp := not config.is_relay_only and config.no_udp == "" and config.peer_ip != ""
	if not may_rtc and not may_udp:
		return 0.0
	return Limits.BOTH_DEPENDENT_MS if Ladder.is_both_dependent(config) and not may_rtc else Limits.DIRECT_MS
